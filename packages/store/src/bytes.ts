/** The body of a put as a list of pieces. */
export function pieces(body: Uint8Array | readonly Uint8Array[]): readonly Uint8Array[] {
  return body instanceof Uint8Array ? [body] : body
}

export function totalLength(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

/** One array of its own that shares no memory with the pieces. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(totalLength(parts))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}
