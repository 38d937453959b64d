import { existsSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { lockPage } from '@thaw/ltx'
import { Connection } from './connection.ts'
import { RestoreError } from './errors.ts'
import type { NewDatabase } from './options.ts'
import { writePages } from './page-file.ts'
import { PublishedPages } from './published-pages.ts'
import { becameFull } from './space.ts'
import { continueTail, type WalCursor, type WalTail } from './wal.ts'
import { WalFiles } from './wal-files.ts'

const DEFAULT_PAGE_SIZE = 4096
const WAL_CHECKPOINT_BYTES = 4 * 1024 * 1024

/** Page images of one state that differ from another, and how many pages the database then has. */
export interface PageSet {
  readonly pages: ReadonlyMap<number, Uint8Array>
  readonly pageCount: number
}

/** A transaction on the local copy that is not published yet. */
export type Capture = WalTail

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
  readonly #published: PublishedPages
  readonly #wal: WalFiles
  #cursor: WalCursor | null = null
  /** Whether the reader is inside a transaction on the published state. */
  #pinned = false

  /** Opens the database file at `path`, which is made when absent. Nothing else may have it open. */
  constructor(path: string, made: NewDatabase = {}) {
    this.path = path
    this.#new = made
    this.#published = new PublishedPages(path)
    this.#wal = new WalFiles(path)
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
    this.pin()
    return this.#reader.connection
  }

  /**
   * Keeps all readers on the state that is published now, whatever the writer does until `publish` or `rewrite`. They
   * stay in one transaction for all their statements, which spares each statement the locks of its own.
   */
  pin(): void {
    if (this.#pinned) return
    this.#leaveOldState()
    pinConnection(this.#reader.connection)
    this.#pinned = true
  }

  /**
   * What was committed on the writer since the last publication; null when nothing was.
   * @param before an earlier capture since that publication: only what has come after it is read
   */
  capture(before: Capture | null = null): Capture | null {
    const tail = this.#wal.tail(this.#pageSize, before?.cursor ?? this.#cursor)
    if (!tail) return before
    const capture = before ? continueTail(before, tail) : tail
    for (let page = this.#pageCount + 1; page <= capture.pageCount; page++) {
      if (!capture.pages.has(page) && page !== lockPage(this.#pageSize)) {
        throw new Error(`the write-ahead log lacks page ${page}, by which the database grew`)
      }
    }
    return capture
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

  /** A change that changes nothing: the first page as it is. */
  noChange(): PageSet {
    return { pages: this.#publishedImages([1]), pageCount: this.#pageCount }
  }

  /** Makes what was captured the published state: readers move on to it. */
  publish(capture: Capture): void {
    this.#published.add(capture.offsets)
    this.#cursor = capture.cursor
    this.#pageCount = capture.pageCount
    this.unpin()
    if (capture.cursor.offset > WAL_CHECKPOINT_BYTES && this.#nothingUnpublished()) this.#checkpoint()
  }

  /** Lets readers move on, when they read next, to what is on the writer then. */
  unpin(): void {
    this.#pinned = false
  }

  /** A snapshot of the published state. To be given back by `release`. */
  acquire(): Snapshot {
    this.pin()
    this.#reader.users++
    this.#snapshots.add(this.#reader)
    return this.#reader
  }

  /** A snapshot of what is on the writer now, published or not. To be given back by `release`. */
  acquireUnpublished(): Snapshot {
    return this.#newSnapshot()
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
      // SQLite does not say why it could not fold the log into the file.
      throw new RestoreError('RESTORE_NO_SPACE', becameFull(`the log of ${this.path}`, dirname(this.path)))
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
    return this.#published.images(pages, this.#wal.log, this.#pageSize)
  }

  /** In the file what is not published would overwrite the images that an undo needs. */
  #nothingUnpublished(): boolean {
    return !this.#writer.db.isTransaction && this.capture() === null
  }

  /** Ends the reader's transaction; what somebody still reads from is left to them. */
  #leaveOldState(): void {
    if (this.#reader.users > 0) this.#reader = { connection: this.openReader(), dead: false, users: 0 }
    else if (this.#reader.connection.db.isTransaction) this.#reader.connection.control('COMMIT')
  }

  #checkpoint(): void {
    if (this.#snapshots.size > 0) return
    this.#leaveOldState()
    try {
      const row = this.#writer.db.prepare('PRAGMA wal_checkpoint(RESTART)').get()
      if (row?.busy === 0) this.#published.folded()
    } catch {
      // A full disk. As while it is busy the log keeps its frames, and the images stay where they are: a later
      // publication tries again. This one is in the bucket, and must not seem to have failed.
    }
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
      reader: { connection: this.openReader(), dead: false, users: 0 },
      pageSize,
      pageCount,
    }
  }

  #newSnapshot(): Snapshot {
    const snapshot = { connection: this.openReader(), dead: false, users: 1 }
    pinConnection(snapshot.connection)
    this.#snapshots.add(snapshot)
    return snapshot
  }

  /** A connection that reads what is on the writer, published or not. To be closed before anything else happens. */
  openReader(): Connection {
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
    this.#wal.close()
    this.#published.folded()
    this.#cursor = null
    this.#pinned = false
  }
}

function pinConnection(connection: Connection): void {
  connection.control('BEGIN')
  connection.control('PRAGMA schema_version')
}
