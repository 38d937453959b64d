/** Chunks in, pieces of any asked length out. Copies only where a piece lies in more than one chunk. */
export class ChunkQueue {
  #chunks: Uint8Array[] = []
  /** Where the next piece begins in the first chunk. */
  #at = 0
  #length = 0

  /** Bytes that wait. */
  get length(): number {
    return this.#length
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  /** The next `count` bytes, or null while there are fewer. */
  take(count: number): Uint8Array | null {
    if (count > this.#length) return null
    const first = this.#chunks[0]
    this.#length -= count
    if (first !== undefined && first.length - this.#at > count) {
      this.#at += count
      return first.subarray(this.#at - count, this.#at)
    }
    return this.#gather(count)
  }

  #gather(count: number): Uint8Array {
    const piece = new Uint8Array(count)
    let filled = 0
    let used = 0
    while (filled < count) {
      const chunk = this.#chunks[used] as Uint8Array
      const part = chunk.subarray(this.#at, this.#at + count - filled)
      piece.set(part, filled)
      filled += part.length
      this.#at += part.length
      if (this.#at === chunk.length) {
        used++
        this.#at = 0
      }
    }
    this.#chunks.splice(0, used)
    return piece
  }
}
