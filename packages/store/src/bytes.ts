import type { PutBody, PutOptions } from './object-store.ts'

export function isStream(body: PutBody): body is AsyncIterable<Uint8Array> {
  return Symbol.asyncIterator in body
}

/** The body of a put that is no stream, as a list of pieces. */
export function pieces(body: Uint8Array | readonly Uint8Array[]): readonly Uint8Array[] {
  return body instanceof Uint8Array ? [body] : body
}

/** The body of a put as a list of pieces, of a stream when it has ended. */
export async function gather(body: PutBody): Promise<readonly Uint8Array[]> {
  if (!isStream(body)) return pieces(body)
  const gathered: Uint8Array[] = []
  for await (const piece of body) gathered.push(piece)
  return gathered
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

/** The same bytes in parts of exactly `size` bytes, and a last one with the rest; none of nothing. */
export async function* inParts(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  size: number,
): AsyncGenerator<readonly Uint8Array[]> {
  let part: Uint8Array[] = []
  let length = 0
  for await (const piece of body) {
    for (let at = 0; at < piece.length; ) {
      const taken = piece.subarray(at, at + size - length)
      part.push(taken)
      length += taken.length
      at += taken.length
      if (length < size) continue
      yield part
      part = []
      length = 0
    }
  }
  if (length > 0) yield part
}

/** What a put is to be signed with, asked for now. */
export function signingTime({ signedAt }: PutOptions): number | undefined | Promise<number> {
  return typeof signedAt === 'function' ? signedAt() : signedAt
}
