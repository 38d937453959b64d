import { ByteWriter } from './byte-writer.ts'

/**
 * Writes a file's page index: for every page its number, the offset of its frame and the frame's size in
 * bytes, as unsigned LEB128; a zero; and the count of all these bytes as an unsigned 64-bit big-endian number.
 *
 * The encoder writes it out; the decoder, which knows where it saw which page, compares it with the one it
 * finds. That takes about eight bytes of memory a page.
 */
export class PageIndex {
  readonly #writer: ByteWriter

  /** @param room where to begin writing, of any length */
  constructor(room = new Uint8Array(256)) {
    this.#writer = new ByteWriter(room)
  }

  add(number: number, offset: number, size: number): void {
    const bytes = this.#writer.reserve(30)
    const start = this.#writer.length
    let at = writeVarint(bytes, start, number)
    at = writeVarint(bytes, at, offset)
    at = writeVarint(bytes, at, size)
    this.#writer.advance(at - start)
  }

  /** The whole index. Nothing can be added afterwards. */
  finish(): Uint8Array {
    const bytes = this.#writer.reserve(9)
    const end = this.#writer.length + 1
    bytes[end - 1] = 0
    new DataView(bytes.buffer).setBigUint64(end, BigInt(end))
    this.#writer.advance(9)
    return this.#writer.view()
  }
}

function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  while (value > 127) {
    bytes[at++] = (value % 128) | 128
    value = Math.floor(value / 128)
  }
  bytes[at++] = value
  return at
}
