/** Most files have few pages; what has many grows by larger pieces, none of which is ever copied. */
const FIRST_PIECE = 256
const FURTHER_PIECES = 64 * 1024
/** The most that one entry takes: three numbers of up to 53 bits. */
const ENTRY_BOUND = 24

/**
 * Writes a file's page index: for every page its number, the offset of its frame and the frame's size in
 * bytes, as unsigned LEB128; a zero; and the count of all these bytes as an unsigned 64-bit big-endian number.
 *
 * The encoder writes it out; the decoder, which knows where it saw which page, compares it with the one it
 * finds. That takes about eight bytes of memory a page.
 */
export class PageIndex {
  readonly #pieces: Uint8Array[] = []
  #last: Uint8Array<ArrayBuffer>
  /** Bytes in the last piece, and in those before it. */
  #at = 0
  #before = 0

  /** @param room where to begin writing, of any length */
  constructor(room = new Uint8Array(FIRST_PIECE)) {
    this.#last = room
  }

  add(number: number, offset: number, size: number): void {
    if (this.#at + ENTRY_BOUND > this.#last.length) this.#grow()
    const bytes = this.#last
    this.#at = writeVarint(bytes, writeVarint(bytes, writeVarint(bytes, this.#at, number), offset), size)
  }

  /** The whole index, in pieces that follow each other. Nothing can be added afterwards. */
  finish(): readonly Uint8Array[] {
    if (this.#at + ENTRY_BOUND > this.#last.length) this.#grow()
    this.#last[this.#at++] = 0
    new DataView(this.#last.buffer).setBigUint64(this.#at, BigInt(this.#before + this.#at))
    this.#at += 8
    return [...this.#pieces, this.#last.subarray(0, this.#at)]
  }

  #grow(): void {
    this.#pieces.push(this.#last.subarray(0, this.#at))
    this.#before += this.#at
    this.#last = new Uint8Array(FURTHER_PIECES)
    this.#at = 0
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
