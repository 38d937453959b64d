import { closeSync, existsSync, ftruncateSync, openSync, writeSync, writevSync } from 'node:fs'

const PAGES_WRITTEN_AT_ONCE = 256

/**
 * A database file that nobody has open, and into which pages are put. Neighbouring pages that come one after the
 * other are written together: a call to the system for each of them would cost more than the writing.
 */
export class PageFile {
  readonly #fd: number
  readonly #pageSize: number
  #run: Uint8Array[] = []
  /** The page that would continue the run. */
  #next = 0

  /**
   * Opens a file, which is made when absent.
   * @param pageSize bytes a page
   */
  constructor(path: string, pageSize: number) {
    this.#fd = openSync(path, existsSync(path) ? 'r+' : 'w+')
    this.#pageSize = pageSize
  }

  /** Puts an image where the page of that number belongs. It must not change until `finish`. */
  write(page: number, image: Uint8Array): void {
    if (page !== this.#next || this.#run.length === PAGES_WRITTEN_AT_ONCE) this.#flush()
    this.#run.push(image)
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
    const run = this.#run
    if (run.length === 0) return
    this.#run = []
    const position = (this.#next - 1 - run.length) * this.#pageSize
    const written = writevSync(this.#fd, run, position)
    if (written === run.length * this.#pageSize) return
    const rest = Buffer.concat(run).subarray(written)
    for (let done = 0; done < rest.length; ) {
      done += writeSync(this.#fd, rest, done, rest.length - done, position + written + done)
    }
  }
}

/** Puts pages into a database file (made when absent) and gives it its length. */
export function writePages(
  path: string,
  pageSize: number,
  pages: ReadonlyMap<number, Uint8Array>,
  pageCount: number,
): void {
  const file = new PageFile(path, pageSize)
  try {
    for (const [page, image] of pages) if (page <= pageCount) file.write(page, image)
    file.finish(pageCount)
  } finally {
    file.close()
  }
}
