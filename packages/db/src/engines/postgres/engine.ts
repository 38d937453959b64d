import { AsyncLocalStorage } from 'node:async_hooks'
import { CompiledQuery, type DatabaseConnection } from 'kysely'
import { CommitUnknownError, ConflictError } from '../../errors.ts'
import type { PostgresTarget } from '../../url.ts'
import type { Engine, EngineOptions } from '../engine.ts'
import { Lock } from '../lock.ts'
import {
  CREATE_RECORDED,
  DEFAULT_KEY_LIFETIME_MS,
  EXPIRE_POSTGRES_RECORDED,
  expiredAt,
  type KeyedCall,
  POSTGRES_RECORDED,
  recorded,
} from '../recorded.ts'
import { PostgresConnection } from './connection.ts'
import { isMissingPostgresTable } from './failures.ts'
import { Link } from './link.ts'
import { postgresSettings } from './settings.ts'
import { systemTime, type Time } from './time.ts'

/** How long others in this process may keep the connection. */
const LOCK_TIMEOUT_MS = 30_000
/** How long to try to connect where no invocation has a deadline. */
const DIAL_MS = 20_000
/** What is left of an invocation for telling its caller that there is no database. */
const ANSWER_MS = 500
/** One in so many keyed calls of a process deletes keys that have expired, the first included. */
const CALLS_AN_EXPIRY = 16
const MAX_ATTEMPTS = 50
const MAX_PAUSE_MS = 500
/** Of `pg_advisory_xact_lock`: held while one environment migrates or seeds. Any number that nobody else uses. */
const EXCLUSIVE_LOCK = '8387508206437812343'

const USER_TABLES = `select c.relname as name from pg_catalog.pg_class c
  where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
  and c.relname not like '\\_thaw\\_%' and c.relname not in ('kysely_migration', 'kysely_migration_lock')
  and not exists (select from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`

type Run<T> = (connection: DatabaseConnection) => Promise<T>

/** Why an attempt came to nothing, and may be made again. */
class Undone extends Error {
  constructor(cause: unknown) {
    super('undone', { cause })
  }
}

/**
 * PostgreSQL over one connection, which is made at the first use.
 * @throws ConfigError
 */
export function openPostgres(
  target: PostgresTarget,
  env: Readonly<Record<string, string | undefined>>,
  { keyLifetimeMs: lifetimeMs = DEFAULT_KEY_LIFETIME_MS }: EngineOptions = {},
  time: Time = systemTime,
): Engine {
  const settings = postgresSettings(target, env)
  const { description } = settings
  const link = new Link(settings, time)
  const lock = new Lock()
  const deadlines = new AsyncLocalStorage<number>()
  let keyedCalls = 0

  const acquire = async (signal?: AbortSignal): Promise<PostgresConnection> => {
    await lock.lock(`the connection to ${description}`, LOCK_TIMEOUT_MS, signal)
    try {
      const deadline = deadlines.getStore()
      await link.ready(deadline === undefined ? time.now() + DIAL_MS : deadline - ANSWER_MS)
      return new PostgresConnection(link, () => lock.unlock())
    } catch (error) {
      lock.unlock()
      throw error
    }
  }

  const exclusive: Engine['exclusive'] = async (run) => {
    const connection = await acquire()
    try {
      await connection.beginUnbounded()
      await connection.executeQuery(CompiledQuery.raw(`select pg_advisory_xact_lock(${EXCLUSIVE_LOCK})`))
      const result = await run(connection)
      await connection.commit()
      return result
    } finally {
      await connection.release()
    }
  }

  const canRepeat = (attempt: number) =>
    attempt < MAX_ATTEMPTS && time.now() + MAX_PAUSE_MS < (deadlines.getStore() ?? Number.POSITIVE_INFINITY)

  /** One attempt. A transaction that may be run again ends in `Undone`. */
  const attemptOnce = async <T>(run: Run<T>, call: KeyedCall | null): Promise<T> => {
    const connection = await acquire()
    try {
      // Apart from the transaction, and only now and then: serializable ones that delete the same rows are in each
      // other's way.
      if (call && keyedCalls++ % CALLS_AN_EXPIRY === 0)
        await connection.executeQuery(CompiledQuery.raw(EXPIRE_POSTGRES_RECORDED, [expiredAt(call)]))
      await connection.begin({ isolationLevel: 'serializable' })
      const result =
        call === null ? await run(connection) : await recorded(connection, POSTGRES_RECORDED, call, run)
      await connection.commit()
      return result
    } catch (error) {
      throw connection.repeatable ? new Undone(error) : error
    } finally {
      await connection.release()
    }
  }

  const atomic = async <T>(run: Run<T>, key?: string): Promise<T> => {
    const call = key === undefined ? null : { key, now: time.now(), lifetimeMs }
    // Set while it is not known whether an earlier attempt was committed.
    let unknown: CommitUnknownError | null = null
    const settledRun: Run<T> = (connection) => {
      // The key was free: no earlier attempt was committed.
      unknown = null
      return run(connection)
    }
    for (let attempt = 1; ; attempt++) {
      try {
        return await attemptOnce(settledRun, call)
      } catch (error) {
        if (key !== undefined && isMissingPostgresTable(error) && String(error).includes('_thaw_atomic')) {
          await exclusive(async (connection) => {
            for (const sql of CREATE_RECORDED) await connection.executeQuery(CompiledQuery.raw(sql))
          })
          continue
        }
        if (error instanceof CommitUnknownError && key !== undefined) unknown = error
        else if (!(error instanceof Undone)) throw unknown ?? error
        if (!canRepeat(attempt)) throw unknown ?? gaveUp(error, attempt)
      }
      await time.sleep(time.random() * Math.min(10 * 2 ** attempt, MAX_PAUSE_MS))
    }
  }

  const gaveUp = (error: unknown, attempts: number) =>
    new ConflictError(
      `a transaction on ${description} was undone in ${attempts} attempts because of others: nothing was written`,
      error instanceof Undone ? error.cause : error,
    )

  return {
    description,
    userTables: USER_TABLES,
    isMissingTable: isMissingPostgresTable,
    acquire,
    atomic,
    exclusive,
    around: (invocation, next) => deadlines.run(invocation.deadline, next),
    bookmark: null,
    async close() {
      await lock.lock(`the connection to ${description}`, LOCK_TIMEOUT_MS)
      await link.close()
    },
  }
}
