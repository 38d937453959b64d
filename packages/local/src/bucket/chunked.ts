import { S3Error } from './errors.ts'

/** Longest line between the chunks: a size with its signature, or a trailer. */
const lineLimit = 8192

/**
 * Takes the chunks of `aws-chunked` apart. Yields the bytes and hands the trailers over when they are through.
 * Throws `S3Error` where the chunks are no chunks.
 *
 * Source: "Signature calculations for the authorization header: transferring payload in multiple chunks" of the
 * S3 API reference.
 */
export async function* readChunks(
  source: AsyncIterable<Uint8Array>,
  onTrailers: (trailers: ReadonlyMap<string, string>) => void,
): AsyncGenerator<Uint8Array> {
  const pieces = source[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)

  async function more(): Promise<void> {
    const next = await pieces.next()
    if (next.done === true) throw incomplete()
    const { buffer, byteOffset, byteLength } = next.value
    const piece = Buffer.from(buffer, byteOffset, byteLength)
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece])
  }

  async function line(): Promise<string> {
    let end = rest.indexOf('\r\n')
    while (end < 0) {
      if (rest.length > lineLimit) throw incomplete()
      await more()
      end = rest.indexOf('\r\n')
    }
    const text = rest.toString('latin1', 0, end)
    rest = rest.subarray(end + 2)
    return text
  }

  try {
    for (;;) {
      const [, digits] = /^([0-9a-f]{1,9})(?:;.*)?$/i.exec(await line()) ?? []
      if (digits === undefined) throw incomplete()
      let left = Number.parseInt(digits, 16)
      if (left === 0) break
      while (left > 0) {
        if (rest.length === 0) await more()
        const piece = rest.subarray(0, left)
        rest = rest.subarray(piece.length)
        left -= piece.length
        yield piece
      }
      if ((await line()) !== '') throw incomplete()
    }
    const trailers = new Map<string, string>()
    for (let text = await line(); text !== ''; text = await line()) {
      const colon = text.indexOf(':')
      if (colon > 0) trailers.set(text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim())
    }
    onTrailers(trailers)
  } finally {
    await pieces.return?.()
  }
}

function incomplete(): S3Error {
  return new S3Error(400, 'IncompleteBody', 'The request body terminated unexpectedly')
}
