import type { OpenTransaction, Reader, SqliteDatabase, Transaction } from '@thaw/sqlite'
import type { CompiledQuery, DatabaseConnection, QueryResult, TransactionSettings } from 'kysely'
import { type EngineConnection, inChunks } from '../engine.ts'
import { sqliteParameters } from '../parameters.ts'
import { toQueryResult } from '../sqlite-result.ts'

type Translate = <T>(outcome: Promise<T>) => Promise<T>

/** A read snapshot that its borrower ends. */
interface HeldRead {
  readonly reader: Reader
  end(): Promise<void>
}

/**
 * Not a connection at all: a statement goes to the database, which decides whether it reads or commits. Only a
 * transaction holds something.
 */
export class BucketConnection implements EngineConnection {
  readonly #sqlite: SqliteDatabase
  readonly #translated: Translate
  #write: OpenTransaction | null = null
  #read: HeldRead | null = null

  constructor(sqlite: SqliteDatabase, translated: Translate) {
    this.#sqlite = sqlite
    this.#translated = translated
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const parameters = sqliteParameters(query.parameters, query.sql)
    const held = this.#write ?? this.#read?.reader
    const result = held
      ? held.execute(query.sql, parameters)
      : await this.#translated(this.#sqlite.execute(query.sql, parameters))
    return toQueryResult(result, query)
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    return inChunks(this, query, chunkSize)
  }

  /** Every isolation level that can be asked for is met: what is read is one snapshot, what is written serializable. */
  async begin({ accessMode }: TransactionSettings): Promise<void> {
    if (accessMode === 'read only') this.#read = await holdRead(this.#sqlite)
    else this.#write = await this.#translated(this.#sqlite.begin())
  }

  async commit(): Promise<void> {
    const { write, read } = this.#leave()
    await read?.end()
    if (write) await this.#translated(write.commit())
  }

  async rollback(): Promise<void> {
    const { write, read } = this.#leave()
    await read?.end()
    await write?.rollback()
  }

  release(): Promise<void> {
    return this.rollback()
  }

  #leave(): { write: OpenTransaction | null; read: HeldRead | null } {
    const left = { write: this.#write, read: this.#read }
    this.#write = null
    this.#read = null
    return left
  }
}

/** The statements of one transaction, for Kysely. */
export function transactionConnection(tx: Transaction): DatabaseConnection {
  const connection: DatabaseConnection = {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      return toQueryResult<R>(tx.execute(query.sql, sqliteParameters(query.parameters, query.sql)), query)
    },
    streamQuery: (query, chunkSize) => inChunks(connection, query, chunkSize),
  }
  return connection
}

/** Keeps a read open until `end`, which `read` itself would end with its function. */
function holdRead(sqlite: SqliteDatabase): Promise<HeldRead> {
  return new Promise((opened, failed) => {
    const done = sqlite.read(
      (reader) =>
        new Promise<void>((finish) => {
          opened({
            reader,
            end() {
              finish()
              return done
            },
          })
        }),
    )
    done.catch(failed)
  })
}
