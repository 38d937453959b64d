import { closeSync, existsSync, ftruncateSync, openSync, writeSync } from 'node:fs'

const RUN_BYTES = 1024 * 1024

/**
 * A database file that nobody has open, and into which pages are put. Neighbouring pages that come one after the
 * other are written together: a call to the system for each of them would cost more than the writing.
 */
export class PageFile {
  readonly #fd: number
  readonly #pageSize: number
  /** Neighbours that wait to be written. */
  readonly #run: Uint8Array
  #runBytes = 0
  /** The page that would continue the run. */
  #next = 0

  /**
   * Opens a file, which is made when absent.
   * @param pageSize bytes a page
   * @param pages how many are going to be written, where that is known
   */
  constructor(path: string, pageSize: number, pages = Number.POSITIVE_INFINITY) {
    this.#fd = openSync(path, existsSync(path) ? 'r+' : 'w+')
    this.#pageSize = pageSize
    this.#run = new Uint8Array(Math.min(RUN_BYTES, pages * pageSize))
  }

  /** Puts an image where the page of that number belongs. It may change afterwards. */
  write(page: number, image: Uint8Array): void {
    if (page !== this.#next || this.#runBytes === this.#run.length) this.#flush()
    this.#run.set(image, this.#runBytes)
    this.#runBytes += this.#pageSize
    this.#next = page + 1
  }

  /** Writes what is left and gives the file its length. */
  finish(pageCount: number): void {
    this.#flush()
    ftruncateSync(this.#fd, pageCount * this.#pageSize)
  }

  close(): void {
    closeSync(this.#fd)
  }

  #flush(): void {
    const position = (this.#next - 1) * this.#pageSize - this.#runBytes
    for (let done = 0; done < this.#runBytes; ) {
      done += writeSync(this.#fd, this.#run, done, this.#runBytes - done, position + done)
    }
    this.#runBytes = 0
  }
}

/** Puts pages into a database file (made when absent) and gives it its length. */
export function writePages(
  path: string,
  pageSize: number,
  pages: ReadonlyMap<number, Uint8Array>,
  pageCount: number,
): void {
  const file = new PageFile(path, pageSize, pages.size)
  try {
    for (const [page, image] of pages) if (page <= pageCount) file.write(page, image)
    file.finish(pageCount)
  } finally {
    file.close()
  }
}
