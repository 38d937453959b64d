import { memoryStore } from '@thaw/store'
import type { ReadOptions, SqliteDatabase } from '../src/index.ts'
import { counting, open, rows, testClock } from './kit.ts'

export const COUNT = 'SELECT count(*) AS n FROM t'

/** A request without an end. */
export const invocation = { requestId: 'r', deadline: Number.POSITIVE_INFINITY }

export type OneTable = Awaited<ReturnType<typeof oneTable>>

/**
 * A bucket with a database of one empty table `t(v)`, made by transaction 1, on a clock that stands still. `writer` has
 * written it; `db` is another environment, whose requests `store` counts, from 0.
 */
export async function oneTable() {
  const clock = testClock()
  const bucket = memoryStore({ now: clock.now })
  const writer = await open({ store: bucket, clock })
  await writer.execute('CREATE TABLE t(v)')
  const store = counting(bucket)
  const db = await open({ store, clock })
  clearCalls(store)
  return { clock, bucket, writer, store, db }
}

export function clearCalls({ calls }: OneTable['store']): void {
  for (const operation of Object.keys(calls)) calls[operation] = 0
}

/** Writes so many rows, each a transaction, and gives the bookmark of the last. */
export async function insertRows(db: SqliteDatabase, count: number): Promise<string> {
  for (let i = 0; i < count; i++) await db.execute('INSERT INTO t VALUES (1)')
  return bookmarkOf(db)
}

/** As an ordinary statement counts them. */
export async function countRows(db: SqliteDatabase): Promise<number> {
  return Number(((await rows(db, COUNT)) as { n: number }[])[0]?.n)
}

/** As a read with options counts them. */
export async function readCount(db: SqliteDatabase, options?: ReadOptions): Promise<number> {
  return db.read((reader) => Number(reader.execute(COUNT).rows[0]?.n), options)
}

export function bookmarkOf(db: SqliteDatabase): string {
  if (db.bookmark === null) throw new Error('there is no bookmark')
  return db.bookmark
}
