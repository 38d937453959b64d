import { closeSync, openSync, readSync } from 'node:fs'

/**
 * Where the published image of each page of a copy lies: in the write-ahead log, where it was published from there since
 * the log was last folded into the file, else in the file.
 */
export class PublishedPages {
  readonly #path: string
  /** Where in the log each image begins. */
  readonly #inLog = new Map<number, number>()

  /** @param path the database file */
  constructor(path: string) {
    this.#path = path
  }

  /** Images in the log have become the published ones. */
  add(offsets: ReadonlyMap<number, number>): void {
    for (const [page, offset] of offsets) this.#inLog.set(page, offset)
  }

  /** The log was folded into the file. */
  folded(): void {
    this.#inLog.clear()
  }

  /**
   * The images of pages that exist in the published state.
   * @param log the log, open; null where there is none
   * @param pageSize bytes
   */
  images(pages: readonly number[], log: number | null, pageSize: number): Map<number, Uint8Array> {
    const images = new Map<number, Uint8Array>()
    if (pages.length === 0) return images
    const file = openSync(this.#path, 'r')
    try {
      for (const page of pages) {
        const image = new Uint8Array(pageSize)
        const offset = this.#inLog.get(page)
        if (offset === undefined) this.#read(file, image, (page - 1) * pageSize, page)
        else if (log === null) throw new Error(`the write-ahead log of ${this.#path} is gone`)
        else this.#read(log, image, offset, page)
        images.set(page, image)
      }
      return images
    } finally {
      closeSync(file)
    }
  }

  #read(fd: number, into: Uint8Array, position: number, page: number): void {
    for (let done = 0; done < into.length; ) {
      const read = readSync(fd, into, done, into.length - done, position + done)
      if (read === 0) throw new Error(`${this.#path} ends within page ${page}`)
      done += read
    }
  }
}
