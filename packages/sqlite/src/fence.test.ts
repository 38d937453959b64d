import { memoryStore, type ObjectStore, StoreError } from '@thaw/store'
import { beforeEach, expect, test } from 'vitest'
import { counting, lostAnswer, open, rows, testClock, withOperations } from '../test/kit.ts'
import { insideFence } from './publish.ts'

const MINUTE = 60_000
let clock: ReturnType<typeof testClock>
let store: ObjectStore

beforeEach(() => {
  clock = testClock()
  store = memoryStore({ now: clock.now, maxSkewMs: 15 * MINUTE })
})

test('the window is closed at its end, and to a clock that ran backwards', () => {
  expect(insideFence(1_000, 1_000, 500)).toBe(true)
  expect(insideFence(1_500, 1_000, 500)).toBe(true)
  expect(insideFence(1_501, 1_000, 500)).toBe(false)
  expect(insideFence(999, 1_000, 500)).toBe(false)
  expect(insideFence(0, Number.NEGATIVE_INFINITY, 500)).toBe(false)
})

test('after a freeze a transaction is published only once a list has proven the head', async () => {
  const counted = counting(store)
  const db = await open({ store: counted, clock })
  await db.execute('CREATE TABLE t(v)')
  clock.advance(4 * MINUTE)
  counted.calls.list = 0
  await db.execute('INSERT INTO t VALUES (1)')
  expect(counted.calls.list).toBe(0)
  clock.advance(6 * MINUTE)
  await db.execute('INSERT INTO t VALUES (2)')
  expect(counted.calls.list).toBe(1)
})

test('a name that has become free again is not written by an environment from the past', async () => {
  const frozen = await open({ store, clock })
  const writer = await open({ store, clock })
  await frozen.execute('CREATE TABLE t(v)')
  for (let i = 0; i < 5; i++) await writer.execute('INSERT INTO t VALUES (?)', [i])
  clock.advance(30 * 60 * MINUTE)
  // Retention: the object after the frozen environment's position is gone, those behind it are not.
  await store.delete(['0000/0000000000000002-0000000000000002.ltx'])
  await expect(frozen.execute('INSERT INTO t VALUES (99)')).rejects.toMatchObject({ code: 'RESTORE_GAP' })
  expect(await store.head('0000/0000000000000002-0000000000000002.ltx')).toBe(null)
})

test('every attempt is judged anew: a freeze between two attempts closes the fence', async () => {
  let attempts = 0
  const freezing = withOperations(store, {
    put: async (key, body, options) => {
      if (!key.endsWith('2.ltx')) return store.put(key, body, options)
      attempts++
      clock.advance(10 * MINUTE)
      throw lostAnswer(key)
    },
  })
  const db = await open({ store: freezing, clock, commitTimeoutMs: 60 * MINUTE })
  await db.execute('CREATE TABLE t(v)')
  await expect(db.execute('INSERT INTO t VALUES (1)')).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  expect(attempts).toBe(1)
})

test('absence proves nothing when a freeze lies between the last proof and the answer', async () => {
  let freeze = () => {}
  const freezing = withOperations(store, {
    get: async (key, options) => {
      const object = await store.get(key, options)
      if (key.endsWith('3.ltx')) freeze()
      return object
    },
  })
  const frozen = await open({ store: freezing, clock })
  const writer = await open({ store, clock })
  await writer.execute('CREATE TABLE t(v)')
  await writer.execute('INSERT INTO t VALUES (1)')
  await rows(frozen, 'SELECT * FROM t')
  // It falls behind again, follows, and is frozen while 3 is on its way; until it asks for 4, 4 has come and gone.
  for (let i = 2; i <= 5; i++) await writer.execute('INSERT INTO t VALUES (?)', [i])
  const fourth = '0000/0000000000000004-0000000000000004.ltx'
  const gone = await store.get(fourth)
  expect(gone).not.toBe(null)
  freeze = () => {
    freeze = () => {}
    clock.advance(120 * MINUTE)
    store.delete([1, 2, 3, 4, 5].map((n) => `0000/000000000000000${n}-000000000000000${n}.ltx`))
  }
  await frozen.execute('INSERT INTO t VALUES (99)').catch(() => undefined)
  expect(await store.head(fourth)).toBe(null)
})

test('an attempt is signed with the instant that the fence judged', async () => {
  const signed: unknown[] = []
  const slow = withOperations(store, {
    put: (key, body, options) => {
      if (key.endsWith('.ltx')) signed.push(options?.signedAt)
      return store.put(key, body, options)
    },
  })
  const db = await open({ store: slow, clock })
  await db.execute('CREATE TABLE t(v)')
  clock.advance(MINUTE)
  const now = clock.now()
  await db.execute('INSERT INTO t VALUES (1)')
  expect(signed.at(-1)).toBe(now)
})

test('a clock that stood still in a freeze is refused by the store', async () => {
  const late = { ...testClock(clock.now()) }
  const db = await open({ store, clock: late })
  await db.execute('CREATE TABLE t(v)')
  clock.advance(20 * MINUTE)
  const error = await db.execute('INSERT INTO t VALUES (1)').catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(StoreError)
  expect(error).toMatchObject({ code: 'STORE_CLOCK_SKEW' })
  expect(await rows(await open({ store, clock }), 'SELECT count(*) AS n FROM t')).toEqual([{ n: 0 }])
})
