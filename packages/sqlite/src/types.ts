import type { Thresholds } from './write-behind/thresholds.ts'
import type { Persisted, PersistOptions } from './write-behind/write-behind.ts'

/** What SQLite stores, as node:sqlite reads and binds it. Large integers come as bigint only where they must. */
export type SqlValue = null | number | bigint | string | Uint8Array

export type Row = Record<string, SqlValue>

/** What one statement did. */
export interface StatementResult {
  readonly rows: Row[]
  /** Rows inserted, updated or deleted; 0 for a statement that only reads. */
  readonly changes: number
  readonly lastInsertRowid: number | bigint
}

/** Statements on one snapshot. Dead once the function that received it has ended. */
export interface Reader {
  execute(sql: string, parameters?: readonly unknown[]): StatementResult
}

/**
 * Statements of one transaction. Dead once the function that received it has ended, or its attempt was
 * undone: any further call throws.
 */
export interface Transaction extends Reader {}

/** A transaction that its caller ends. It is not run again: a lost race ends in `ConflictError` at `commit`. */
export interface OpenTransaction extends Transaction {
  /** Resolves when the bucket holds it. Throws `ConflictError`, `CommitUnknownError`. */
  commit(): Promise<void>
  rollback(): Promise<void>
}

/** What a database needs to know of the request it works for. */
export interface Invocation {
  readonly requestId: string
  /** When it has to be answered, in ms since the epoch. */
  readonly deadline: number
}

/**
 * How new the state has to be that a read sees. Whatever is chosen, writes are strictly serializable, and a read never
 * sees less than the reads and writes before it in the same environment.
 *
 * - `strong`: as new as the moment at which the request began, or the read where there is no request. One question to
 *   the bucket a request.
 * - `bookmark`: as new as the state that gave the bookmark, in whichever environment: what a client wrote or saw there,
 *   it sees here. No question where the copy is that new.
 * - `withinMs`: as new as the bucket was so many ms ago, by this machine's clock. No question while the copy was known
 *   to be the newest within that time.
 *
 * With a bookmark and `withinMs` both hold. A bookmark that cannot be honoured is an error, unless it comes with
 * `otherwise: 'strong'`: for what a client brought, which it cannot mend. A bookmark of another database, of a
 * transaction that this one does not have, or that is none at all, is then left aside for `strong`.
 */
export type Freshness =
  | 'strong'
  | { readonly bookmark: string; readonly withinMs?: number | undefined; readonly otherwise?: undefined }
  | { readonly bookmark: string; readonly withinMs?: undefined; readonly otherwise: 'strong' }
  | { readonly bookmark?: string | undefined; readonly withinMs: number; readonly otherwise?: undefined }

export interface ReadOptions {
  /** That of the request when absent. */
  readonly freshness?: Freshness | undefined
}

/** What one request wants. */
export interface AroundOptions {
  /** That of the database when absent. */
  readonly freshness?: Freshness | undefined
}

export interface AtomicOptions {
  /**
   * Names the intent: the result is recorded under the key in the same transaction, and while the key lives
   * (`keyLifetimeMs` of `openSqlite`) a repeated call with it gets the recorded result and runs nothing. After that it
   * is a new key. The result must survive JSON.
   */
  readonly key?: string
}

/** The settings of a database that persists behind its writes. */
export interface WriteBehindControl {
  readonly thresholds: Thresholds
  /** How many acknowledged writes are in this process only. */
  readonly pending: number
  /**
   * Changes when what has gathered is persisted by itself; null switches a threshold off, absent leaves it.
   * @throws SqliteStoreError `BAD_OPTION`
   */
  configure(thresholds: Partial<Thresholds>): void
}

/** SQLite whose home is a bucket: one replica, in this process, of a database that many share. */
export interface SqliteDatabase {
  /** Names the database in messages. */
  readonly description: string
  /** The transaction that the local copy holds; 0 while nothing was ever committed. */
  readonly position: number
  /**
   * Where a later read has to begin in order to see all that was seen here: a short text, safe in an HTTP header, to be
   * given back as `freshness: { bookmark }` in any environment. Inside `around` it stands for what this request has
   * read and written so far (for the bookmark that it came with, as long as that is nothing), otherwise for all that
   * the copy holds. Null while there is nothing to be seen.
   */
  readonly bookmark: string | null
  /** One statement, a transaction of its own when it writes: durable when it resolves, run again after a lost race. */
  execute(sql: string, parameters?: readonly unknown[]): Promise<StatementResult>
  /** Several statements on one published snapshot. Writing throws. */
  read<T>(fn: (reader: Reader) => T | Promise<T>, options?: ReadOptions): Promise<T>
  /**
   * Runs `fn` in a transaction and resolves when the bucket holds it. **`fn` may run more than once**: after
   * a lost race it is undone and run again on the newer state.
   */
  atomic<T>(fn: (tx: Transaction) => T | Promise<T>, options?: AtomicOptions): Promise<T>
  begin(): Promise<OpenTransaction>
  /**
   * Opens the context of one request. With `strong` freshness what is read inside is at least as new as the moment this
   * was called, at the cost of one look at the bucket for all reads together. Outside any context, every read looks.
   * An adapter hands in the bookmark that a request brought, with `otherwise: 'strong'`, and reads `bookmark` in the same
   * context, before its response leaves.
   * @throws BookmarkError when the bookmark is none; reads throw it when it cannot be honoured
   */
  around<T>(invocation: Invocation, next: () => Promise<T>, options?: AroundOptions): Promise<T>
  /** Null unless it was opened with `durability: 'write-behind'`. */
  readonly writeBehind: WriteBehindControl | null
  /**
   * Resolves when the bucket holds everything that was acknowledged before. Null when there was nothing to do, as always
   * without write-behind.
   * @throws PersistError nothing is lost, and it is tried again at the next occasion; at once with `force`
   * @throws WriteBehindLostError
   */
  persist(options?: PersistOptions): Promise<Persisted | null>
  /**
   * Waits for what is under way, persists, closes, removes the local copy.
   * @throws PersistError when what was acknowledged cannot be persisted now: the database stays open
   */
  close(): Promise<void>
}
