import type {
  AroundOptions,
  Durability,
  Freshness,
  Invocation,
  Persisted,
  PersistOptions,
  WriteBehindControl,
  WriteBehindSettings,
} from '@thaw/sqlite'
import type { CompiledQuery, DatabaseConnection, QueryResult, TransactionSettings } from 'kysely'
import type { Adopt } from './bucket/adopt.ts'

/** What `connect` may say of a database. */
export interface EngineOptions {
  readonly freshness?: Freshness | undefined
  /** For how long a key of `atomic` is remembered, ms. */
  readonly keyLifetimeMs?: number | undefined
  /** When what was written is durable, where its home is a bucket. */
  readonly durability?: Durability | undefined
  readonly writeBehind?: WriteBehindSettings | undefined
  readonly adopt?: Adopt | undefined
}

/**
 * A database as the rest of the package sees it. Three implementations, each in a folder of its own that is
 * loaded only when a URL asks for it.
 */
export interface Engine {
  /** Names the database in messages; never with a password. */
  readonly description: string
  /**
   * Lends a connection; the borrower gives it back with `release`. Engines with one connection let others wait.
   * @throws BusyError when the wait was too long
   */
  acquire(signal?: AbortSignal): Promise<EngineConnection>
  /**
   * Runs `run` in one serializable transaction and resolves when it is durable. `run` may be run more than once:
   * what it did before is then undone. With a `key` the result is recorded in the same transaction; while the key lives,
   * whoever repeats it gets the recorded result and runs nothing.
   */
  atomic<T>(run: (connection: DatabaseConnection) => Promise<T>, key?: string): Promise<T>
  /**
   * Runs `run` in one transaction, while no other environment is inside `exclusive` of this database, and after
   * everything that earlier ones committed is visible. May run more than once, as `atomic`.
   */
  exclusive<T>(run: (connection: DatabaseConnection) => Promise<T>): Promise<T>
  /** SQL that gives a column `name`: the tables that are an application's, none of Thaw's, Kysely's or the engine's. */
  readonly userTables: string
  /** Whether a statement failed because a table is not there. */
  isMissingTable(error: unknown): boolean
  /** Opens the context of one request: its freshness and its deadline. Where there is one copy, all reads are strong. */
  around<T>(invocation: Invocation, next: () => Promise<T>, options?: AroundOptions): Promise<T>
  /** What the request has seen, or the copy holds, for reads elsewhere; null where there is one copy or nothing. */
  readonly bookmark: string | null
  /** Makes what was acknowledged durable. Absent where it always is. */
  persist?(options: PersistOptions): Promise<Persisted | null>
  /** Null, or absent, where there is nothing to persist. */
  readonly writeBehind?: WriteBehindControl | null
  /** Waits for what is under way and closes. */
  close(): Promise<void>
}

/** A connection that is lent to one borrower. Its methods are not called at the same time. */
export interface EngineConnection extends DatabaseConnection {
  begin(settings: TransactionSettings): Promise<void>
  /** @throws ConflictError, CommitUnknownError, TransactionAbortedError */
  commit(): Promise<void>
  /** Ends an open transaction without effect; does nothing when there is none any more. */
  rollback(): Promise<void>
  release(): Promise<void>
}

/** A result that is all there, in pieces of `chunkSize` rows. */
export async function* inChunks<R>(
  connection: { executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> },
  query: CompiledQuery,
  chunkSize: number,
): AsyncIterableIterator<QueryResult<R>> {
  const { rows } = await connection.executeQuery<R>(query)
  for (let start = 0; start < rows.length; start += chunkSize) {
    yield { rows: rows.slice(start, start + chunkSize) }
  }
}
