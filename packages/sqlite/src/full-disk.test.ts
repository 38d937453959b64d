import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { memoryStore, type ObjectStore } from '@thaw/store'
import { expect, type TestContext, test } from 'vitest'
import { open, rows } from '../test/kit.ts'
import { fillUp, smallFileSystem } from '../test/small-file-system.ts'
import type { SqliteDatabase } from './types.ts'

const MEBIBYTE = 1024 * 1024
/** As large as a log has to be for it to be folded into the file. */
const LOG_BYTES = 4 * MEBIBYTE
/** The index of a log grows when it has so many frames, by eight pages of the file system. */
const FRAMES_OF_FIRST_INDEX = 4062
const WRITES = 60

/** A database with one table, on a small disk and in a store in memory. Skips the test where there is none. */
async function openOnSmallDisk({ skip }: TestContext, options: Partial<Parameters<typeof open>[0]> = {}) {
  const directory = smallFileSystem(12 * MEBIBYTE)
  if (!directory) return skip('a small file system takes root and Linux')
  const store = memoryStore()
  const writeBehind = { writes: null, intervalMs: null }
  const db = await open({ store, directory, writeBehind, maintainEvery: 0, ...options })
  await db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, name, v)')
  return { directory, store, db }
}

function logSize(directory: string): number {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
  const log = files.find(({ name }) => name === 'replica.db-wal')
  return log ? statSync(join(log.parentPath, log.name)).size : 0
}

async function fillLog(db: SqliteDatabase, directory: string, to: number, blob: number): Promise<void> {
  while (logSize(directory) < to) {
    await db.execute('INSERT INTO t(v) VALUES (randomblob(?))', [blob])
    await db.persist()
  }
}

/** Writes texts; those of them that were acknowledged. */
async function writeSome(db: SqliteDatabase, name: string, blob: number): Promise<string[]> {
  const acknowledged: string[] = []
  for (let i = 0; i < WRITES; i++) {
    const write = db.execute('INSERT INTO t(name, v) VALUES (?, randomblob(?))', [`${name} ${i}`, blob])
    const done = await write.then(
      () => true,
      () => false,
    )
    if (done) acknowledged.push(`${name} ${i}`)
  }
  await db.persist()
  return acknowledged
}

async function namesIn(store: ObjectStore): Promise<unknown[]> {
  const found = await rows(await open({ store }), 'SELECT name FROM t WHERE name IS NOT NULL ORDER BY id')
  return found.map((row) => (row as { name: unknown }).name)
}

test.for(['commit', 'write-behind'] as const)(
  'a log that finds no room to be folded fails no %s',
  async (durability, context) => {
    const { directory, store, db } = await openOnSmallDisk(context, { durability })
    await fillLog(db, directory, LOG_BYTES - 200_000, 40_000)
    fillUp(directory, 500_000) // for the log, and not for the file

    const full = await writeSome(db, 'full', 40_000)
    expect(logSize(directory)).toBeGreaterThan(LOG_BYTES)
    expect(full.length).toBeLessThan(WRITES) // what was folded of the log takes the room of what comes then
    expect(await namesIn(store)).toEqual(full)
    rmSync(join(directory, 'other'))
    await db.execute("INSERT INTO t(name) VALUES ('later')")
    await db.persist()
    expect(await namesIn(store)).toEqual([...full, 'later'])
    expect(await rows(db, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
  },
)

test.for(['commit', 'write-behind'] as const)(
  'what SQLite could not commit because the index of its log had no room is not published: %s',
  async (durability, context) => {
    const pageSize = 512
    const { directory, store, db } = await openOnSmallDisk(context, { durability, pageSize })
    await fillLog(db, directory, (FRAMES_OF_FIRST_INDEX - 40) * (pageSize + 24), 3_000)
    fillUp(directory, 7 * 4096)

    const full = await writeSome(db, 'full', 0)
    expect(full.length).toBeGreaterThan(0)
    expect(full.length).toBeLessThan(WRITES)
    rmSync(join(directory, 'other'))
    const later = await writeSome(db, 'later', 0)
    expect(later).toHaveLength(WRITES)
    expect(await namesIn(store)).toEqual([...full, ...later])
  },
)

test('a copy that finds no room to follow says so, and follows when there is room again', async (context) => {
  const { directory, store, db } = await openOnSmallDisk(context)
  await fillLog(db, directory, LOG_BYTES / 2, 40_000)
  fillUp(directory, 0)
  await (await open({ store })).execute("INSERT INTO t(name) VALUES ('theirs')")
  await expect(rows(db, 'SELECT 1')).rejects.toMatchObject({
    code: 'RESTORE_NO_SPACE',
    message: expect.stringContaining(`${directory}/`),
  })
  rmSync(join(directory, 'other'))
  expect(await rows(db, 'SELECT name FROM t WHERE name IS NOT NULL')).toEqual([{ name: 'theirs' }])
})
