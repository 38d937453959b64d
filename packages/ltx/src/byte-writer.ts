/** Bytes that grow at the end. They begin in the array given, which is left behind when it gets too small. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>
  #length = 0

  constructor(room: Uint8Array<ArrayBuffer>) {
    this.#bytes = room
  }

  get length(): number {
    return this.#length
  }

  /** Makes room for `count` bytes after `length` and returns the array; write there, then `advance`. */
  reserve(count: number): Uint8Array<ArrayBuffer> {
    const needed = this.#length + count
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    return this.#bytes
  }

  /** Counts `count` reserved bytes as written. */
  advance(count: number): void {
    this.#length += count
  }

  /** A copy of what has been written, and an empty writer again. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.slice(0, this.#length)
    this.#length = 0
    return taken
  }
}
