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

export interface AtomicOptions {
  /**
   * Names the intent, for ever: the result is recorded under the key in the same transaction, and a
   * repeated call with that key gets the recorded result and runs nothing. The result must survive JSON.
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
  /** One statement, a transaction of its own when it writes: durable when it resolves, run again after a lost race. */
  execute(sql: string, parameters?: readonly unknown[]): Promise<StatementResult>
  /** Several statements on one published snapshot. Writing throws. */
  read<T>(fn: (reader: Reader) => T | Promise<T>): Promise<T>
  /**
   * Runs `fn` in a transaction and resolves when the bucket holds it. **`fn` may run more than once**: after
   * a lost race it is undone and run again on the newer state.
   */
  atomic<T>(fn: (tx: Transaction) => T | Promise<T>, options?: AtomicOptions): Promise<T>
  begin(): Promise<OpenTransaction>
  /**
   * Opens the context of one request: what is read inside is at least as new as the moment this was called,
   * at the cost of one look at the bucket for all reads together. Outside any context, every read looks.
   */
  around<T>(invocation: Invocation, next: () => Promise<T>): Promise<T>
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
