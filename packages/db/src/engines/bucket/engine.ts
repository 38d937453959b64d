import {
  type AtomicOptions,
  CommitUnknownError as BucketCommitUnknownError,
  ConflictError as BucketConflictError,
  openSqlite,
  PersistError,
  type SqliteDatabase,
} from '@thaw/sqlite'
import { openStore, StoreConfigError, type StoreEnvironment } from '@thaw/store'
import type { DatabaseConnection } from 'kysely'
import { CommitUnknownError, ConfigError, ConflictError } from '../../errors.ts'
import type { BucketTarget } from '../../url.ts'
import type { Engine, EngineOptions } from '../engine.ts'
import { isMissingSqliteTable, SQLITE_USER_TABLES } from '../sqlite-result.ts'
import { adoptInto } from './adopt.ts'
import { BucketConnection, transactionConnection } from './connection.ts'

/**
 * SQLite whose home is a bucket.
 * @throws ConfigError, and what `openSqlite` and `adoptInto` throw
 */
export async function openBucket(
  target: BucketTarget,
  env: StoreEnvironment,
  { freshness, keyLifetimeMs, durability, writeBehind, adopt = 'required' }: EngineOptions = {},
): Promise<Engine> {
  const store = storeOf(target, env)
  try {
    const open = () =>
      openSqlite({
        store,
        description: target.description,
        freshness,
        keyLifetimeMs,
        durability: durability ?? target.durability,
        writeBehind: { ...target.writeBehind, ...writeBehind },
      })
    const sqlite = await openOrAdopt(open, () => adoptInto(store, target, env, adopt))
    return bucketEngine(sqlite, async () => {
      await sqlite.close().catch(async (error: unknown) => {
        if (!(error instanceof PersistError)) await store.close()
        throw error
      })
      await store.close()
    })
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Only where nothing is does it cost anything to look for what could be adopted. */
async function openOrAdopt(
  open: () => Promise<SqliteDatabase>,
  adopt: () => Promise<boolean>,
): Promise<SqliteDatabase> {
  const sqlite = await open()
  if (sqlite.position > 0) return sqlite
  try {
    if (!(await adopt())) return sqlite
  } catch (error) {
    await sqlite.close()
    throw error
  }
  await sqlite.close()
  return open()
}

/** An engine over an open database; `close` closes it and what belongs to it. */
export function bucketEngine(sqlite: SqliteDatabase, close: () => Promise<void>): Engine {
  const atomic = <T>(run: (connection: DatabaseConnection) => Promise<T>, options: AtomicOptions) =>
    translated(sqlite.atomic((tx) => run(transactionConnection(tx)), options))
  return {
    description: sqlite.description,
    userTables: SQLITE_USER_TABLES,
    isMissingTable: isMissingSqliteTable,
    acquire: async () => new BucketConnection(sqlite, translated),
    atomic: (run, key) => atomic(run, key === undefined ? {} : { key }),
    // Migrations and seeds are not left to chance: others may open the database before the next persist.
    exclusive: async (run) => {
      const result = await atomic(run, {})
      await sqlite.persist({ force: true })
      return result
    },
    around: (invocation, next, options) => translated(sqlite.around(invocation, next, options)),
    get bookmark() {
      return sqlite.bookmark
    },
    persist: (options) => sqlite.persist(options),
    writeBehind: sqlite.writeBehind,
    close,
  }
}

function storeOf(target: BucketTarget, env: StoreEnvironment) {
  try {
    return openStore(target.storeUrl, env)
  } catch (error) {
    if (!(error instanceof StoreConfigError)) throw error
    throw new ConfigError(`DATABASE_URL ${target.description} cannot be used: ${error.message}`, error)
  }
}

/** The same two errors on every engine. */
async function translated<T>(outcome: Promise<T>): Promise<T> {
  try {
    return await outcome
  } catch (error) {
    if (error instanceof BucketConflictError) throw new ConflictError(error.message, error)
    if (error instanceof BucketCommitUnknownError) throw new CommitUnknownError(error.message, error)
    throw error
  }
}
