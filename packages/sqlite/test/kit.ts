import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ObjectStore, StoreError } from '@thaw/store'
import { onTestFinished } from 'vitest'
import { fileKey, type LtxFile } from '../src/files.ts'
import { type Clock, type OpenOptions, openSqlite, type SqliteDatabase } from '../src/index.ts'

/** A database of this test, closed with it. */
export async function open(options: OpenOptions): Promise<SqliteDatabase> {
  const db = await openSqlite({ directory: temporaryDirectory(), ...options })
  onTestFinished(() => db.close())
  return db
}

export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'thaw-sqlite-test-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A file of one byte, that nobody reads. */
export function ltxFile(level: number, first: number, last: number): LtxFile {
  return { level, first, last, key: fileKey(level, first, last), size: 1, etag: '', modifiedAt: 0 }
}

/** The same store with some of its operations replaced. */
export function withOperations(store: ObjectStore, replaced: Partial<ObjectStore>): ObjectStore {
  return { ...store, ...replaced }
}

/** What an S3 client says when it cannot know whether a put arrived. */
export function lostAnswer(key: string): StoreError {
  return new StoreError('STORE_UNAVAILABLE', 'the answer was lost', {
    operation: 'put',
    store: 'memory:',
    key,
    unknown: true,
  })
}

export function refusal(key: string): StoreError {
  return new StoreError('STORE_ACCESS_DENIED', 'not allowed', {
    operation: 'put',
    store: 'memory:',
    key,
    answered: 403,
  })
}

/** A clock that stands still unless somebody sleeps or moves it. */
export function testClock(start = 1_700_000_000_000): Clock & { advance(ms: number): void } {
  let now = start
  return {
    now: () => now,
    sleep: (ms, signal) => {
      // What can be called off bounds something else, which is over sooner.
      if (signal) return new Promise(() => {})
      now += ms
      return Promise.resolve()
    },
    advance: (ms) => {
      now += ms
    },
  }
}

export async function rows(db: SqliteDatabase, sql: string): Promise<unknown[]> {
  return (await db.execute(sql)).rows.map((row) => ({ ...row }))
}

/** How often each operation of a store was called. */
export function counting(store: ObjectStore): ObjectStore & { readonly calls: Record<string, number> } {
  const calls: Record<string, number> = { get: 0, put: 0, list: 0 }
  return {
    ...store,
    calls,
    get: (...args) => {
      calls.get = (calls.get ?? 0) + 1
      return store.get(...args)
    },
    put: (...args) => {
      calls.put = (calls.put ?? 0) + 1
      return store.put(...args)
    },
    list: (...args) => {
      calls.list = (calls.list ?? 0) + 1
      return store.list(...args)
    },
  }
}
