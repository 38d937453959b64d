import { memoryStore, type ObjectStore } from '@thaw/store'
import { beforeEach, expect, test } from 'vitest'
import { open, rows, testClock, withOperations } from '../test/kit.ts'
import { DEFAULT_KEY_LIFETIME_MS } from './answers.ts'
import type { SqliteDatabase } from './types.ts'

const DAY = 24 * 3_600_000

let clock: ReturnType<typeof testClock>
let store: ObjectStore
let runs: number

beforeEach(() => {
  clock = testClock()
  store = memoryStore({ now: clock.now })
  runs = 0
})

const count = (db: SqliteDatabase, key: string) => db.atomic(() => ++runs, { key })
const keys = async (db: SqliteDatabase) => (await rows(db, 'SELECT key FROM _thaw_atomic')).length

test('a key is remembered for as long as a message may be delivered again, and then is a new one', async () => {
  const db = await open({ store, clock })
  expect(await count(db, 'a')).toBe(1)
  clock.advance(14 * DAY)
  expect(await count(db, 'a')).toBe(1)
  clock.advance(DEFAULT_KEY_LIFETIME_MS - 14 * DAY - 1)
  expect(await count(db, 'a')).toBe(1)
  clock.advance(1)
  expect(await count(db, 'a')).toBe(2)
  clock.advance(14 * DAY)
  expect(await count(db, 'a')).toBe(2)
})

test('a key that has expired is as good as gone before its row is', async () => {
  const db = await open({ store, clock, keyLifetimeMs: 1_000 })
  for (let n = 0; n < 30; n++) await count(db, `old ${n}`)
  clock.advance(1_000)
  expect(await count(db, 'old 29')).toBe(31)
  expect(await keys(db)).toBe(30 - 8)
  expect(await count(db, 'old 29')).toBe(31)
})

test('the table holds what lives, and no transaction deletes more than a few rows', async () => {
  const db = await open({ store, clock, keyLifetimeMs: 100 })
  let before = 0
  for (let n = 0; n < 300; n++) {
    await count(db, `key ${(n * 7919) % 300}`) // in no order
    const now = await keys(db)
    expect(now).toBeGreaterThanOrEqual(before + 1 - 8)
    before = now
    clock.advance(n === 150 ? 10_000 : 1)
  }
  expect(await keys(db)).toBeLessThanOrEqual(101)
})

test('a repetition deletes nothing and publishes nothing', async () => {
  const db = await open({ store, clock, keyLifetimeMs: 1_000 })
  for (let n = 0; n < 5; n++) await count(db, `old ${n}`)
  clock.advance(600)
  await count(db, 'new')
  clock.advance(600)
  const { position } = db
  expect(await count(db, 'new')).toBe(6)
  expect(db.position).toBe(position)
  expect(await keys(db)).toBe(6)
})

test('a transaction that runs again judges keys by the same instant', async () => {
  const db = await open({ store, clock, keyLifetimeMs: 1_000 })
  await count(db, 'a')
  clock.advance(900)
  const other = await open({ store, clock, keyLifetimeMs: 1_000 })
  let overtaken = false
  const slow = withOperations(store, {
    put: async (...args) => {
      if (!overtaken) {
        overtaken = true
        await other.execute('CREATE TABLE t(v)')
        clock.advance(500) // by now the key would have expired
      }
      return store.put(...args)
    },
  })
  const late = await open({ store: slow, clock, keyLifetimeMs: 1_000 })
  const results = await Promise.all([late.execute('CREATE TABLE u(v)'), count(late, 'a')])
  expect(overtaken).toBe(true)
  expect(results[1]).toBe(1)
})

test('a table of before, without the index, is taken over', async () => {
  const db = await open({ store, clock, keyLifetimeMs: 1_000 })
  await db.execute(
    'CREATE TABLE _thaw_atomic (key TEXT PRIMARY KEY, result TEXT, created_at INTEGER NOT NULL) WITHOUT ROWID',
  )
  await db.execute("INSERT INTO _thaw_atomic VALUES ('a', '\"from before\"', ?)", [clock.now()])
  expect(await count(db, 'a')).toBe('from before')
  clock.advance(1_000)
  expect(await count(db, 'a')).toBe(1)
})

test.each([0, -1, Number.NaN])('a lifetime of %d ms is refused', async (keyLifetimeMs) => {
  await expect(open({ store, clock, keyLifetimeMs })).rejects.toMatchObject({ code: 'BAD_OPTION' })
})
