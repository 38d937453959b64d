import { closeSync, existsSync, fstatSync, openSync, readSync, rmSync } from 'node:fs'
import { lockPage } from '@thaw/ltx'
import { Connection } from './connection.ts'
import type { NewDatabase } from './options.ts'
import { writePages } from './page-file.ts'
import { readWalTail, type WalCursor } from './wal.ts'

const DEFAULT_PAGE_SIZE = 4096
const WAL_CHECKPOINT_BYTES = 4 * 1024 * 1024

/** Page images of one state that differ from another, and how many pages the database then has. */
export interface PageSet {
  readonly pages: ReadonlyMap<number, Uint8Array>
  readonly pageCount: number
}

/** A transaction on the local copy that is not published yet. */
export interface Capture extends PageSet {
  readonly offsets: ReadonlyMap<number, number>
  readonly cursor: WalCursor
}

/** A connection that stays on one state while somebody reads from it. */
export interface Snapshot {
  readonly connection: Connection
  /** True once the snapshot was taken away: its connection is closed. */
  dead: boolean
  users: number
}

/**
 * The private copy of the database in one environment: a file in WAL mode with one connection that writes and others
 * that read. It knows which pages of the file are published and which are not, and nothing of the bucket.
 *
 * Its crash safety does not matter, so nothing is synced. Pages are put into the file only while all its connections
 * are closed; that also drops every cached schema and statement, which an undone `CREATE TABLE` would leave wrong.
 */
export class Replica {
  readonly path: string
  readonly #new: NewDatabase
  #pageSize: number
  #pageCount: number
  #writer: Connection
  #reader: Snapshot
  #snapshots = new Set<Snapshot>()
  /** Where the newest published image of a page lies in the WAL; a page that is not here is in the main file. */
  #published = new Map<number, number>()
  #cursor: WalCursor | null = null
  #pinned = false

  /** Opens the database file at `path`, which is made when absent. Nothing else may have it open. */
  constructor(path: string, made: NewDatabase = {}) {
    this.path = path
    this.#new = made
    const opened = this.#openConnections()
    this.#writer = opened.writer
    this.#reader = opened.reader
    this.#pageSize = opened.pageSize
    this.#pageCount = opened.pageCount
  }

  /** Bytes a page. */
  get pageSize(): number {
    return this.#pageSize
  }

  /** Pages of the published state. */
  get pageCount(): number {
    return this.#pageCount
  }

  get writer(): Connection {
    return this.#writer
  }

  /** Reads the published state, one statement at a time. */
  get reader(): Connection {
    return this.#reader.connection
  }

  /** Keeps all readers on the state that is published now, whatever the writer does until `publish` or `rewrite`. */
  pin(): void {
    pinConnection(this.#reader.connection)
    this.#pinned = true
  }

  /** What was committed on the writer since the last publication; null when nothing was. */
  capture(): Capture | null {
    const fd = openIfThere(`${this.path}-wal`)
    if (fd === null) return null
    try {
      const tail = readWalTail(fd, fstatSync(fd).size, this.#pageSize, this.#cursor)
      if (!tail) return null
      for (let page = this.#pageCount + 1; page <= tail.pageCount; page++) {
        if (!tail.pages.has(page) && page !== lockPage(this.#pageSize)) {
          throw new Error(`the write-ahead log lacks page ${page}, by which the database grew`)
        }
      }
      return tail
    } finally {
      closeSync(fd)
    }
  }

  /** Every page of the state that `capture` leads to, for the first transaction of a database. */
  completePages(capture: Capture): Map<number, Uint8Array> {
    const pages = new Map<number, Uint8Array>()
    const unchanged: number[] = []
    for (let page = 1; page <= capture.pageCount; page++) {
      if (!capture.pages.has(page) && page !== lockPage(this.#pageSize)) unchanged.push(page)
    }
    const before = this.#publishedImages(unchanged)
    for (let page = 1; page <= capture.pageCount; page++) {
      const data = capture.pages.get(page) ?? before.get(page)
      if (data) pages.set(page, data)
    }
    return pages
  }

  /** Makes what was captured the published state: readers move on to it. */
  publish(capture: Capture): void {
    for (const [page, offset] of capture.offsets) this.#published.set(page, offset)
    this.#cursor = capture.cursor
    this.#pageCount = capture.pageCount
    this.unpin()
    if (capture.cursor.offset > WAL_CHECKPOINT_BYTES && this.#nothingUnpublished()) this.#checkpoint()
  }

  /** Lets readers move on to what is on the writer now. */
  unpin(): void {
    if (!this.#pinned) return
    this.#pinned = false
    if (this.#reader.users > 0) {
      // Somebody still reads from the state that has just become old: leave it to them.
      this.#reader = { connection: this.#openReader(), dead: false, users: 0 }
    } else {
      this.#reader.connection.control('COMMIT')
    }
  }

  /** A snapshot of the published state. To be given back by `release`. */
  acquire(): Snapshot {
    if (this.#pinned) {
      this.#reader.users++
      this.#snapshots.add(this.#reader)
      return this.#reader
    }
    const snapshot = { connection: this.#openReader(), dead: false, users: 1 }
    pinConnection(snapshot.connection)
    this.#snapshots.add(snapshot)
    return snapshot
  }

  release(snapshot: Snapshot): void {
    snapshot.users--
    if (snapshot.users > 0 || snapshot.dead) return
    this.#snapshots.delete(snapshot)
    if (snapshot !== this.#reader) snapshot.connection.close()
  }

  /** How many snapshots are being read from. */
  get openSnapshots(): number {
    return this.#snapshots.size
  }

  /**
   * Undoes what is not published (the captured transaction, if there was one), then brings the file to the state that
   * `changes` lead to, newest last. Takes away the snapshots that are still open.
   */
  rewrite(unpublished: Capture | null, changes: readonly PageSet[]): void {
    const images = new Map<number, Uint8Array>()
    if (unpublished) {
      for (const [page, image] of this.#publishedImages(this.#pagesLostTo(unpublished)))
        images.set(page, image)
    }
    let pageCount = this.#pageCount
    for (const change of changes) {
      for (const [page, image] of change.pages) images.set(page, image)
      pageCount = change.pageCount
    }
    this.#closeConnections()
    if (existsSync(`${this.path}-wal`)) {
      throw new Error(`${this.path} still has a write-ahead log after its last connection was closed`)
    }
    writePages(this.path, this.#pageSize, images, pageCount)
    const opened = this.#openConnections()
    this.#writer = opened.writer
    this.#reader = opened.reader
    if (opened.pageCount !== pageCount || opened.pageSize !== this.#pageSize) {
      throw new Error(
        `${this.path} was written with ${pageCount} pages of ${this.#pageSize} bytes and opens with ` +
          `${opened.pageCount} of ${opened.pageSize}`,
      )
    }
    this.#pageCount = pageCount
  }

  /** Closes every connection and deletes the files. */
  discard(): void {
    this.#closeConnections()
    for (const suffix of ['', '-wal', '-shm']) rmSync(this.path + suffix, { force: true })
  }

  /** Pages of the published state that a transaction overwrote, or cut off when it made the database smaller. */
  #pagesLostTo(capture: Capture): number[] {
    const lost = [...capture.pages.keys()].filter((page) => page <= this.#pageCount)
    for (let page = capture.pageCount + 1; page <= this.#pageCount; page++) {
      if (page !== lockPage(this.#pageSize)) lost.push(page)
    }
    return lost
  }

  /** The published images of pages that exist in the published state. */
  #publishedImages(pages: readonly number[]): Map<number, Uint8Array> {
    const images = new Map<number, Uint8Array>()
    if (pages.length === 0) return images
    const main = openSync(this.path, 'r')
    const wal = openIfThere(`${this.path}-wal`)
    try {
      for (const page of pages) {
        const image = new Uint8Array(this.#pageSize)
        const offset = this.#published.get(page)
        if (offset === undefined) readImage(main, image, (page - 1) * this.#pageSize, this.path, page)
        else if (wal === null) throw new Error(`the write-ahead log of ${this.path} is gone`)
        else readImage(wal, image, offset, this.path, page)
        images.set(page, image)
      }
      return images
    } finally {
      closeSync(main)
      if (wal !== null) closeSync(wal)
    }
  }

  /** In the file what is not published would overwrite the images that an undo needs. */
  #nothingUnpublished(): boolean {
    return !this.#writer.db.isTransaction && this.capture() === null
  }

  #checkpoint(): void {
    if (this.#snapshots.size > 0) return
    const row = this.#writer.db.prepare('PRAGMA wal_checkpoint(RESTART)').get()
    // While it is busy the log keeps its frames, and the images stay where they are: a later publication tries again.
    if (row?.busy === 0) this.#published.clear()
  }

  #openConnections(): { writer: Connection; reader: Snapshot; pageSize: number; pageCount: number } {
    const isNew = !existsSync(this.path)
    const writer = new Connection(this.path, { readOnly: false })
    if (isNew) {
      const { pageSize = DEFAULT_PAGE_SIZE, autoVacuum = 'none' } = this.#new
      writer.exec(`PRAGMA page_size = ${pageSize}; PRAGMA auto_vacuum = ${autoVacuum}`)
    }
    writer.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY',
    )
    const pageSize = writer.pragma('page_size')
    const pageCount = writer.pragma('page_count')
    return {
      writer,
      reader: { connection: this.#openReader(), dead: false, users: 0 },
      pageSize,
      pageCount,
    }
  }

  #openReader(): Connection {
    return new Connection(this.path, { readOnly: true })
  }

  #closeConnections(): void {
    for (const snapshot of this.#snapshots) {
      snapshot.dead = true
      snapshot.connection.close()
    }
    if (!this.#reader.dead) this.#reader.connection.close()
    this.#snapshots.clear()
    this.#writer.close() // last: only a connection that can write folds the log into the file
    this.#published.clear()
    this.#cursor = null
    this.#pinned = false
  }
}

function pinConnection(connection: Connection): void {
  connection.control('BEGIN')
  connection.control('PRAGMA schema_version')
}

function openIfThere(path: string): number | null {
  return existsSync(path) ? openSync(path, 'r') : null
}

function readImage(fd: number, into: Uint8Array, position: number, path: string, page: number): void {
  let done = 0
  while (done < into.length) {
    const read = readSync(fd, into, done, into.length - done, position + done)
    if (read === 0) throw new Error(`${path} ends within page ${page}`)
    done += read
  }
}
