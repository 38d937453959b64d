import { closeSync, existsSync, openSync } from 'node:fs'
import { readWalTail, type WalCursor, type WalTail } from './wal.ts'
import { isAtEnd, readWalEnd, verifyAtEnd } from './wal-index.ts'

/** The write-ahead log of a database that is open, and the index of it: kept open from one look to the next. */
export class WalFiles {
  readonly #path: string
  #log: number | null = null
  #index: number | null = null

  /** @param path the database file */
  constructor(path: string) {
    this.#path = path
  }

  /** The open log; null while there is none. */
  get log(): number | null {
    const path = `${this.#path}-wal`
    if (this.#log === null && existsSync(path)) this.#log = openSync(path, 'r')
    return this.#log
  }

  /**
   * What is committed behind `cursor`, as `readWalTail` says, up to where SQLite says that the log ends.
   * @throws Error when the two do not agree, and as `readWalTail` and `readWalEnd` do
   */
  tail(pageSize: number, cursor: WalCursor | null): WalTail | null {
    const { log } = this
    if (log === null) return null
    this.#index ??= openSync(`${this.#path}-shm`, 'r')
    const end = readWalEnd(this.#index, pageSize)
    if (isAtEnd(cursor, end)) return null
    const tail = readWalTail(log, pageSize, cursor, end.offset)
    verifyAtEnd(tail?.cursor ?? cursor, end)
    return tail
  }

  /**
   * To be called when no connection is open any more: to close a file gives up the locks that this process has on it, and
   * SQLite's are on the index.
   */
  close(): void {
    for (const fd of [this.#log, this.#index]) if (fd !== null) closeSync(fd)
    this.#log = null
    this.#index = null
  }
}
