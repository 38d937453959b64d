import { lockPage, storedPages } from './format.ts'
import { isSnapshot, type LtxHeader } from './header.ts'

/** One page of a database. */
export interface LtxPage {
  /** From 1 on. */
  readonly number: number
  /** Exactly one page of bytes. */
  readonly data: Uint8Array
}

/** Which pages a file may hold, in which order: the same for writing and for reading. */
export class PageRules {
  readonly #commit: number
  readonly #snapshot: boolean
  readonly #lockPage: number
  readonly #pageSize: number
  #last = 0
  #count = 0

  constructor(header: LtxHeader) {
    this.#commit = header.commit
    this.#snapshot = isSnapshot(header)
    this.#lockPage = lockPage(header.pageSize)
    this.#pageSize = header.pageSize
  }

  /** Counts the page in and returns null, or returns what is wrong with a page of this number coming next. */
  admit(number: number): string | null {
    if (!Number.isInteger(number) || number < 1) return `${number} is no page number`
    if (number > this.#commit) return `page ${number} is beyond the database's ${this.#commit} pages`
    if (number === this.#lockPage) return `page ${number} is the lock page, which is never stored`
    if (this.#snapshot) {
      const next = this.#last + 1 === this.#lockPage ? this.#last + 2 : this.#last + 1
      if (number !== next) return `a snapshot goes on with page ${next}, not ${number}`
    } else if (number <= this.#last) {
      return `page ${number} follows page ${this.#last}; page numbers must ascend`
    }
    this.#last = number
    this.#count++
    return null
  }

  /** Null, or what is missing if no more pages come. */
  complete(): string | null {
    const expected = storedPages(this.#commit, this.#pageSize)
    if (!this.#snapshot || this.#count === expected) return null
    return `the snapshot ends after ${this.#count} of ${expected} pages`
  }
}
