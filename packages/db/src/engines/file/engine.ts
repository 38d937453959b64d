import { setTimeout as sleep } from 'node:timers/promises'
import type { CompiledQuery, QueryResult, TransactionSettings } from 'kysely'
import { BusyError, OpenError } from '../../errors.ts'
import type { FileTarget } from '../../url.ts'
import { type Engine, type EngineConnection, type EngineOptions, inChunks } from '../engine.ts'
import { Lock } from '../lock.ts'
import { sqliteParameters } from '../parameters.ts'
import { CREATE_RECORDED, DEFAULT_KEY_LIFETIME_MS, recorded, SQLITE_RECORDED } from '../recorded.ts'
import { isMissingSqliteTable, SQLITE_USER_TABLES, toQueryResult } from '../sqlite-result.ts'
import { FileDatabase } from './connection.ts'

const LOCK_TIMEOUT_MS = 30_000
const WAL_ATTEMPTS = 100

/**
 * A local SQLite file, or a database in memory: one connection, used by one borrower at a time.
 * @throws OpenError, BusyError
 */
export async function openFile(target: FileTarget, options: EngineOptions = {}): Promise<Engine> {
  const db = new FileDatabase(target)
  try {
    await useWal(db)
  } catch (error) {
    db.close()
    if (error instanceof BusyError) throw error
    throw new OpenError(`${target.description} cannot be used: is it a SQLite database?`, error)
  }
  return fileEngine(db, target.description, options)
}

function fileEngine(
  db: FileDatabase,
  description: string,
  { keyLifetimeMs: lifetimeMs = DEFAULT_KEY_LIFETIME_MS }: EngineOptions,
): Engine {
  const lock = new Lock()
  const acquire = async (signal?: AbortSignal) => {
    await lock.lock(description, LOCK_TIMEOUT_MS, signal)
    return new FileConnection(db, () => lock.unlock())
  }
  const inTransaction = async <T>(run: (connection: EngineConnection) => Promise<T>): Promise<T> => {
    const connection = await acquire()
    try {
      await connection.begin({})
      const result = await run(connection)
      await connection.commit()
      return result
    } finally {
      await connection.release()
    }
  }
  return {
    description,
    userTables: SQLITE_USER_TABLES,
    isMissingTable: isMissingSqliteTable,
    acquire,
    atomic: (run, key) =>
      inTransaction((connection) => {
        if (key === undefined) return run(connection)
        for (const sql of CREATE_RECORDED) db.execute(sql)
        return recorded(connection, SQLITE_RECORDED, { key, now: Date.now(), lifetimeMs }, run)
      }),
    exclusive: inTransaction,
    around: (_invocation, next) => next(),
    bookmark: null,
    async close() {
      await lock.lock(description, LOCK_TIMEOUT_MS)
      db.close()
    },
  }
}

class FileConnection implements EngineConnection {
  readonly #db: FileDatabase
  readonly #unlock: () => void
  #open: 'read only' | 'read write' | null = null

  constructor(db: FileDatabase, unlock: () => void) {
    this.#db = db
    this.#unlock = unlock
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return toQueryResult(this.#db.execute(query.sql, sqliteParameters(query.parameters, query.sql)), query)
  }

  streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    return inChunks(this, query, chunkSize)
  }

  async begin({ accessMode = 'read write' }: TransactionSettings): Promise<void> {
    if (accessMode === 'read only') this.#db.execute('pragma query_only = 1')
    this.#open = accessMode
    this.#db.execute(accessMode === 'read only' ? 'begin' : 'begin immediate')
  }

  async commit(): Promise<void> {
    this.#db.execute('commit')
    this.#leave()
  }

  async rollback(): Promise<void> {
    if (this.#open === null) return
    try {
      this.#db.execute('rollback')
    } catch (error) {
      // SQLite has ended the transaction itself, as it does when the disk is full, or it never began.
      if (!(error instanceof Error && error.message.includes('no transaction is active'))) throw error
    } finally {
      this.#leave()
    }
  }

  async release(): Promise<void> {
    try {
      await this.rollback()
    } finally {
      this.#unlock()
    }
  }

  #leave(): void {
    if (this.#open === 'read only') this.#db.execute('pragma query_only = 0')
    this.#open = null
  }
}

/** SQLite does not wait for others while it changes the journal mode, so this does. */
async function useWal(db: FileDatabase): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      db.execute('pragma journal_mode = wal')
      return
    } catch (error) {
      if (!(error instanceof BusyError) || attempt === WAL_ATTEMPTS) throw error
      await sleep(20)
    }
  }
}
