import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  type TransactionSettings,
} from 'kysely'
import type { Engine, EngineConnection } from './engines/engine.ts'
import { TransactionEndedError } from './errors.ts'
import type { Nesting } from './nesting.ts'

/** Kysely's way to an engine, which is loaded, opened and migrated by the time the first query runs. */
export class EngineDriver implements Driver {
  readonly #ready: () => Promise<Engine>
  readonly #nesting: Nesting

  constructor(ready: () => Promise<Engine>, nesting: Nesting) {
    this.#ready = ready
    this.#nesting = nesting
  }

  async init(): Promise<void> {}

  async acquireConnection(options?: { signal?: AbortSignal }): Promise<EngineConnection> {
    this.#nesting.check()
    const engine = await this.#ready()
    return engine.acquire(options?.signal)
  }

  beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    return own(connection).begin(settings)
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return own(connection).commit()
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return own(connection).rollback()
  }

  savepoint(connection: DatabaseConnection, name: string): Promise<void> {
    return command(connection, 'savepoint', name)
  }

  rollbackToSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    return command(connection, 'rollback to savepoint', name)
  }

  releaseSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    return command(connection, 'release savepoint', name)
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    return own(connection).release()
  }

  /** The database that owns the engine closes it. */
  async destroy(): Promise<void> {}
}

/** Kysely gives back to a driver only what it got from `acquireConnection`. */
function own(connection: DatabaseConnection): EngineConnection {
  return connection as EngineConnection
}

async function command(connection: DatabaseConnection, what: string, name: string): Promise<void> {
  await connection.executeQuery(CompiledQuery.raw(`${what} "${name.replaceAll('"', '""')}"`))
}

/** A connection that is lent to a function, and taken back when the function has ended. */
export class LentConnection implements DatabaseConnection {
  readonly #connection: DatabaseConnection
  #running: Promise<unknown> = Promise.resolve()
  #ended = false

  constructor(connection: DatabaseConnection) {
    this.#connection = connection
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#ended) return Promise.reject(new TransactionEndedError())
    const result = this.#connection.executeQuery<R>(query)
    this.#running = result.catch(() => {})
    return result
  }

  async *streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    if (this.#ended) throw new TransactionEndedError()
    yield* this.#connection.streamQuery<R>(query, chunkSize)
  }

  /** Refuses what comes later, and waits for a statement that nobody awaited. */
  async end(): Promise<void> {
    this.#ended = true
    await this.#running
  }
}
