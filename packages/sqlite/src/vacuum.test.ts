import { decodeLtx } from '@thaw/ltx'
import { memoryStore, type ObjectStore } from '@thaw/store'
import { expect, test } from 'vitest'
import { lostAnswer, open, refusal, rows, withOperations } from '../test/kit.ts'
import type { SqliteDatabase } from './types.ts'

const FILL = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
  INSERT INTO t(v) SELECT randomblob(1000) FROM n`
const SIZE = 'PRAGMA page_count'
const CONTENT = 'SELECT id, v FROM t ORDER BY id'

/** A database that is mostly free pages. */
async function hollow(store: ObjectStore, options: object = {}): Promise<SqliteDatabase> {
  const db = await open({ store, ...options })
  await db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)')
  await db.execute(FILL)
  await db.execute('DELETE FROM t WHERE id % 10 <> 0')
  return db
}

async function pages(db: SqliteDatabase): Promise<number> {
  return Number((await db.execute(SIZE)).rows[0]?.page_count)
}

/** Whether a cold start finds the same as `db`, in a sound database. */
async function expectSameFromNothing(store: ObjectStore, db: SqliteDatabase): Promise<void> {
  const cold = await open({ store })
  expect(await rows(cold, CONTENT)).toEqual(await rows(db, CONTENT))
  expect(await rows(cold, SIZE)).toEqual(await rows(db, SIZE))
  expect(await rows(cold, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
}

test('VACUUM makes the database smaller, in one object, here, for those who follow and from nothing', async () => {
  const store = memoryStore()
  const db = await hollow(store)
  const other = await open({ store })
  const before = { position: db.position, pages: await pages(db), rows: await rows(db, CONTENT) }
  expect(await db.execute('vacuum;')).toEqual({ rows: [], changes: 0, lastInsertRowid: 0 })
  expect(db.position).toBe(before.position + 1)
  expect(await pages(db)).toBeLessThan(before.pages / 4)
  expect(await rows(db, CONTENT)).toEqual(before.rows)
  expect(await rows(other, CONTENT)).toEqual(before.rows)
  expect(await pages(other)).toBe(await pages(db))
  await other.execute("INSERT INTO t(v) VALUES ('after')")
  await expectSameFromNothing(store, db)
})

test('VACUUM is a batch of its own among transactions that wait', async () => {
  const store = memoryStore()
  const db = await hollow(store)
  const before = db.position
  const insert = (v: string) => db.execute('INSERT INTO t(v) VALUES (?)', [v])
  await Promise.all([insert('1'), insert('2'), db.execute('VACUUM'), insert('3'), insert('4')])
  expect(db.position).toBe(before + 3)
  const object = await store.get(`0000/${hex(before + 2)}-${hex(before + 2)}.ltx`)
  const { header, pages: images } = decodeLtx(object?.body ?? new Uint8Array())
  expect(images).toHaveLength(header.commit)
  await expectSameFromNothing(store, db)
})

test('readers stay on the state before VACUUM until the bucket holds it', async () => {
  const store = memoryStore()
  let arrive = () => {}
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  await hollow(store)
  const held = withOperations(store, {
    put: async (...args) => {
      await arrived
      return store.put(...args)
    },
  })
  const db = await open({ store: held })
  const before = { pages: await pages(db), rows: await rows(db, CONTENT) }
  const vacuumed = db.execute('VACUUM')
  const during = db.read(async (reader) => {
    const seen = () => [reader.execute(SIZE).rows[0]?.page_count, reader.execute(CONTENT).rows.length]
    const first = seen()
    arrive()
    await vacuumed
    expect(seen()).toEqual(first)
    return first
  })
  expect(await during).toEqual([before.pages, before.rows.length])
  expect(await pages(db)).toBeLessThan(before.pages / 4)
})

test('a VACUUM that loses a race is undone and run again on the newer state', async () => {
  const store = memoryStore()
  await hollow(store)
  let overtake: (() => Promise<unknown>) | null = null
  const contested = withOperations(store, {
    put: async (...args) => {
      const first = overtake
      overtake = null
      await first?.()
      return store.put(...args)
    },
  })
  const db = await open({ store: contested })
  const rival = await open({ store })
  const before = await pages(db)
  overtake = () => rival.execute("INSERT INTO t(v) VALUES ('faster')")
  await db.execute('VACUUM')
  expect(await pages(db)).toBeLessThan(before / 4)
  expect(await rows(db, 'SELECT count(*) AS n FROM t')).toEqual([{ n: 21 }])
  await expectSameFromNothing(store, rival)
})

test('a VACUUM that the store refuses leaves everything as it was', async () => {
  const store = memoryStore()
  await hollow(store)
  let refusing = true
  const strict = withOperations(store, {
    put: (key, ...rest) => (refusing ? Promise.reject(refusal(key)) : store.put(key, ...rest)),
  })
  const db = await open({ store: strict })
  const before = { pages: await pages(db), position: db.position, rows: await rows(db, CONTENT) }
  await expect(db.execute('VACUUM')).rejects.toMatchObject({ code: 'STORE_ACCESS_DENIED' })
  expect({ pages: await pages(db), position: db.position, rows: await rows(db, CONTENT) }).toEqual(before)
  refusing = false
  await db.execute("INSERT INTO t(v) VALUES ('after')")
  await expectSameFromNothing(store, db)
})

test('a VACUUM whose answer was lost is settled by the object itself', async () => {
  const store = memoryStore()
  await hollow(store)
  let losing = true
  const forgetful = withOperations(store, {
    put: async (key, ...rest) => {
      const outcome = await store.put(key, ...rest)
      if (!losing) return outcome
      losing = false
      throw lostAnswer(key)
    },
  })
  const db = await open({ store: forgetful })
  const before = db.position
  await db.execute('VACUUM')
  expect(db.position).toBe(before + 1)
  await expectSameFromNothing(store, db)
})

test('VACUUM inside a transaction is refused with the way out', async () => {
  const db = await hollow(memoryStore())
  await expect(db.atomic((tx) => tx.execute('VACUUM'))).rejects.toThrow(/execute\('VACUUM'\)/)
  const open = await db.begin()
  expect(() => open.execute(' -- now\n VACUUM main')).toThrow(/execute\('VACUUM'\)/)
  await open.rollback()
})

test('incremental vacuuming gives back as many pages as were asked for', async () => {
  const store = memoryStore()
  const db = await hollow(store, { autoVacuum: 'incremental' })
  const free = async () => Number((await db.execute('PRAGMA freelist_count')).rows[0]?.freelist_count)
  const before = { free: await free(), pages: await pages(db) }
  await db.execute('PRAGMA incremental_vacuum(5)')
  expect(await free()).toBe(before.free - 5)
  await db.atomic((tx) => tx.execute('PRAGMA incremental_vacuum'))
  expect(await free()).toBe(0)
  expect(await pages(db)).toBeLessThan(before.pages / 2)
  await expectSameFromNothing(store, db)
})

function hex(txid: number): string {
  return txid.toString(16).padStart(16, '0')
}
