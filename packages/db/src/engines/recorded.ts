import type { DatabaseConnection } from 'kysely'
import { CompiledQuery } from 'kysely'

/**
 * Where results of keyed transactions are kept. The same table on every engine, and the same rules: `@thaw/sqlite`
 * has them for databases that live in a bucket. Whether a key lives is told by its age alone, not by whether its row
 * has been deleted yet.
 */
export const CREATE_RECORDED = [
  `create table if not exists _thaw_atomic (
  key text primary key,
  result text,
  created_at bigint not null
)`,
  'create index if not exists _thaw_atomic_created_at on _thaw_atomic (created_at)',
]

/** The default of `@thaw/sqlite`, which is not loaded for every engine. */
export const DEFAULT_KEY_LIFETIME_MS = 15 * 24 * 3_600_000

interface Dialectal {
  /** Takes a key that is free or has expired. The statements have their parameters written as the engine wants them. */
  readonly claim: string
  readonly find: string
  readonly record: string
  /** Deletes some of the keys that have expired; null where that is not done in the same transaction. */
  readonly expire: string | null
}

function statements(parameter: (position: number) => string, expire: string | null): Dialectal {
  const [one, two, three] = [parameter(1), parameter(2), parameter(3)]
  return {
    claim: `insert into _thaw_atomic (key, created_at) values (${one}, ${two})
      on conflict (key) do update set created_at = excluded.created_at, result = null
      where _thaw_atomic.created_at <= ${three}`,
    find: `select result from _thaw_atomic where key = ${one}`,
    record: `update _thaw_atomic set result = ${one} where key = ${two}`,
    expire,
  }
}

const EXPIRED = (parameter: string) =>
  `select key from _thaw_atomic where created_at <= ${parameter} order by created_at`

/** More than the one that is added, so that the table shrinks to what lives; few, so that no transaction is slow. */
export const SQLITE_RECORDED = statements(
  () => '?',
  `delete from _thaw_atomic where key in (${EXPIRED('?')} limit 8)`,
)
export const POSTGRES_RECORDED = statements((position) => `$${position}`, null)

/** A statement of its own. It leaves alone what others are about to delete or to claim. */
export const EXPIRE_POSTGRES_RECORDED = `delete from _thaw_atomic
  where key = any (array(${EXPIRED('$1')} limit 256 for update skip locked))`

export interface KeyedCall {
  readonly key: string
  /** When it was made, ms since the epoch: one instant for all its attempts. */
  readonly now: number
  /** For how long a key is remembered. */
  readonly lifetimeMs: number
}

/** What was made at that instant (ms since the epoch) or before has expired. A whole number, as `bigint` wants it. */
export function expiredAt({ now, lifetimeMs }: KeyedCall): number {
  return Math.max(0, Math.floor(now - lifetimeMs))
}

/**
 * Runs `run` unless the key lives, and records what it returns, all in the transaction of `connection`. The key is
 * claimed first, so that of two at the same time one waits instead of doing the work in vain.
 * @returns the result as JSON carries it, the first time too; undefined stays undefined
 */
export async function recorded<T>(
  connection: DatabaseConnection,
  sql: Dialectal,
  call: KeyedCall,
  run: (connection: DatabaseConnection) => Promise<T>,
): Promise<T> {
  const { key, now } = call
  const expired = expiredAt(call)
  const claim = await connection.executeQuery(CompiledQuery.raw(sql.claim, [key, now, expired]))
  if (claim.numAffectedRows === 0n) {
    const found = await connection.executeQuery<{ result: string | null }>(CompiledQuery.raw(sql.find, [key]))
    return parse(found.rows[0]?.result ?? null)
  }
  const result = JSON.stringify(await run(connection)) ?? null
  await connection.executeQuery(CompiledQuery.raw(sql.record, [result, key]))
  if (sql.expire) await connection.executeQuery(CompiledQuery.raw(sql.expire, [expired]))
  return parse(result)
}

function parse<T>(result: string | null): T {
  return result === null ? (undefined as T) : JSON.parse(result)
}
