/** Bytes that a frame of a client may carry, and a message of any number of frames. */
export const frameLimitBytes = 32 * 1024
export const messageLimitBytes = 128 * 1024

/**
 * Watches the frames of a client go by, for what the WebSocket library does not tell: it joins them into messages.
 * The result takes the bytes as they arrive and returns whether they begin a frame of more than `limit` bytes.
 *
 * Source: RFC 6455, section 5.2.
 */
export function frameWatcher(limit: number): (bytes: Uint8Array) => boolean {
  let header: number[] = []
  /** Bytes of the present frame's mask and payload that are still to come. */
  let left = 0
  return (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      if (left > 0) {
        const step = Math.min(left, bytes.length - at)
        left -= step
        at += step
        continue
      }
      header.push(bytes[at++] ?? 0)
      const payload = payloadLength(header)
      if (payload === null) continue
      if (payload > limit) return true
      left = payload + ((header[1] ?? 0) & 0x80 ? 4 : 0)
      header = []
    }
    return false
  }
}

/** Null while the header is not there up to its length. */
function payloadLength(header: readonly number[]): number | null {
  if (header.length < 2) return null
  const short = (header[1] ?? 0) & 0x7f
  if (short < 126) return short
  const bytes = header.slice(2)
  if (bytes.length < (short === 126 ? 2 : 8)) return null
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0)
}
