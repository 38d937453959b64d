import type { DatabaseConnection } from 'kysely'
import { CompiledQuery } from 'kysely'

/**
 * Where results of keyed transactions are kept. The same table on every engine: `@thaw/sqlite` makes it itself for
 * databases that live in a bucket.
 */
export const CREATE_RECORDED = `create table if not exists _thaw_atomic (
  key text primary key,
  result text,
  created_at bigint not null
)`

interface Dialectal {
  /** The statement with its parameters written as the engine wants them. */
  readonly claim: string
  readonly find: string
  readonly record: string
}

function statements(parameter: (position: number) => string): Dialectal {
  const [one, two] = [parameter(1), parameter(2)]
  return {
    claim: `insert into _thaw_atomic (key, created_at) values (${one}, ${two}) on conflict (key) do nothing`,
    find: `select result from _thaw_atomic where key = ${one}`,
    record: `update _thaw_atomic set result = ${one} where key = ${two}`,
  }
}

export const SQLITE_RECORDED = statements(() => '?')
export const POSTGRES_RECORDED = statements((position) => `$${position}`)

/**
 * Runs `run` unless the key has a result, and records what it returns, all in the transaction of `connection`. The
 * key is claimed first, so that of two at the same time one waits instead of doing the work in vain.
 * @param now ms since the epoch
 * @returns the result as JSON carries it, the first time too; undefined stays undefined
 */
export async function recorded<T>(
  connection: DatabaseConnection,
  sql: Dialectal,
  key: string,
  now: number,
  run: (connection: DatabaseConnection) => Promise<T>,
): Promise<T> {
  const claim = await connection.executeQuery(CompiledQuery.raw(sql.claim, [key, now]))
  if (claim.numAffectedRows === 0n) {
    const found = await connection.executeQuery<{ result: string | null }>(CompiledQuery.raw(sql.find, [key]))
    return parse(found.rows[0]?.result ?? null)
  }
  const result = JSON.stringify(await run(connection)) ?? null
  await connection.executeQuery(CompiledQuery.raw(sql.record, [result, key]))
  return parse(result)
}

function parse<T>(result: string | null): T {
  return result === null ? (undefined as T) : JSON.parse(result)
}
