import { memoryStore, type ObjectStore } from '@thaw/store'
import { seededRandom } from '@thaw/testing'
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
  for (let n = 0; n < 5; n++) await count(db, `old ${n}`)
  clock.advance(1_000)
  expect(await count(db, 'old 4')).toBe(6)
  expect(await keys(db)).toBe(5)
  expect(await count(db, 'old 4')).toBe(6)
})

const random = seededRandom('answers/keys')

test.each<[string, (n: number) => string]>([
  ['one after the other', (n) => String(n).padStart(8, '0')],
  ['backwards', (n) => String(99_999_999 - n)],
  ['at random', () => String(random.next())],
  ['by customer', (n) => `customer ${n % 17} order ${Math.floor(n / 17)}`],
])('the table holds little more than what lives, whatever keys are like: %s', async (_name, keyOf) => {
  const lifetime = 100
  const db = await open({ store, clock, keyLifetimeMs: lifetime, maintainEvery: 0 })
  const freshness = { withinMs: Number.POSITIVE_INFINITY }
  const sql = 'SELECT count(*) AS held, count(*) FILTER (WHERE created_at > ?) AS living FROM _thaw_atomic'
  let before = 0
  let most = 0
  for (let n = 0; n < 600; n++) {
    clock.advance(n === 300 ? lifetime : 1)
    await count(db, keyOf(n))
    const since = clock.now() - lifetime
    const row = await db.read((reader) => reader.execute(sql, [since]).rows[0], { freshness })
    const held = Number(row?.held)
    expect(Number(row?.living)).toBe(Math.min(n < 300 ? n + 1 : n - 299, lifetime))
    expect(held).toBeGreaterThanOrEqual(before + 1 - 128)
    before = held
    most = Math.max(most, held)
  }
  expect(most).toBeLessThan(2 * lifetime)
})

test('a repetition deletes nothing and publishes nothing', async () => {
  const db = await open({ store, clock, keyLifetimeMs: 1_000 })
  for (let n = 0; n < 5; n++) await count(db, `old ${n}`)
  clock.advance(600)
  await count(db, 'new')
  clock.advance(600)
  const { position } = db
  for (let n = 0; n < 3; n++) expect(await count(db, 'new')).toBe(6)
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

test.each([0, -1, Number.NaN])('a lifetime of %d ms is refused', async (keyLifetimeMs) => {
  await expect(open({ store, clock, keyLifetimeMs })).rejects.toMatchObject({ code: 'BAD_OPTION' })
})
