import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { memoryStore, type ObjectStore, type PutResult } from '@thaw/store'
import { beforeEach, expect, test } from 'vitest'
import {
  lostAnswer,
  open,
  refusal,
  rows,
  temporaryDirectory,
  testClock,
  withOperations,
} from '../test/kit.ts'
import type { SqliteDatabase } from './types.ts'

/** One answer of the store to a put of a transaction; null hands the put through. */
type Answer = ((put: () => Promise<PutResult>, key: string) => Promise<PutResult>) | null

let store: ObjectStore
let clock: ReturnType<typeof testClock>
let answers: Answer[]
let puts: number
let lists: number
let db: SqliteDatabase
let other: SqliteDatabase

beforeEach(async () => {
  clock = testClock()
  store = memoryStore({ now: clock.now })
  answers = []
  puts = 0
  lists = 0
  const scripted = withOperations(store, {
    list: (...args) => {
      lists++
      return store.list(...args)
    },
    put: (key, body, options) => {
      puts++
      const answer = answers.shift() ?? null
      const put = () => store.put(key, body, options)
      return answer ? answer(put, key) : put()
    },
  })
  db = await open({ store: scripted, clock })
  other = await open({ store, clock })
  await db.execute('CREATE TABLE t(v TEXT)')
  puts = 0
})

const insert = () => db.execute("INSERT INTO t(v) VALUES ('mine')")
const contents = () => rows(other, 'SELECT v FROM t ORDER BY rowid')

const busy: Answer = async () => ({ outcome: 'busy' })
const loseRequest: Answer = async (_put, key) => Promise.reject(lostAnswer(key))
const loseAnswer: Answer = async (put, key) => {
  await put()
  throw lostAnswer(key)
}
const refuse: Answer = async (_put, key) => Promise.reject(refusal(key))
const otherFirst: Answer = async (put) => {
  await other.execute("INSERT INTO t(v) VALUES ('theirs')")
  return put()
}

test('409: the same put again', async () => {
  answers = [busy, busy]
  await insert()
  expect(puts).toBe(3)
  expect(await contents()).toEqual([{ v: 'mine' }])
})

test('409 until the deadline is a conflict, and nothing was written', async () => {
  answers = Array.from({ length: 1_000 }, () => busy)
  await expect(insert()).rejects.toMatchObject({ code: 'CONFLICT' })
  answers = []
  expect(await contents()).toEqual([])
})

test('a lost request: the same bytes again', async () => {
  answers = [loseRequest, loseRequest]
  await insert()
  expect(await contents()).toEqual([{ v: 'mine' }])
})

test('a lost answer: 412, and the object under the name is ours', async () => {
  answers = [loseAnswer]
  await insert()
  expect(puts).toBe(2)
  expect(await contents()).toEqual([{ v: 'mine' }])
  await insert()
  expect(await contents()).toEqual([{ v: 'mine' }, { v: 'mine' }])
})

test('a lost request and another writer in its place: run again behind it', async () => {
  answers = [loseRequest, otherFirst]
  await insert()
  expect(await contents()).toEqual([{ v: 'theirs' }, { v: 'mine' }])
})

test('412 at the first attempt: another was faster', async () => {
  answers = [otherFirst]
  await insert()
  expect(await contents()).toEqual([{ v: 'theirs' }, { v: 'mine' }])
})

test('a refusal at the first attempt: nothing happened, and the copy is as before', async () => {
  answers = [refuse]
  await expect(insert()).rejects.toMatchObject({ code: 'STORE_ACCESS_DENIED' })
  expect(puts).toBe(1)
  expect(await rows(db, 'SELECT v FROM t')).toEqual([])
  await insert()
  expect(await contents()).toEqual([{ v: 'mine' }])
})

test('a refusal after an unknown attempt is no proof of failure', async () => {
  answers = [loseAnswer, refuse, refuse]
  await insert()
  expect(await contents()).toEqual([{ v: 'mine' }])
})

test('unknown until the deadline: CommitUnknownError, and a keyed repetition applies it once', async () => {
  const pay = () => db.atomic((tx) => tx.execute("INSERT INTO t(v) VALUES ('paid')").changes, { key: 'k' })
  const store503 = Array.from({ length: 1_000 }, () => loseRequest)
  answers = [...store503]
  await expect(pay()).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN', retryable: false })
  answers = []
  expect(await rows(db, 'SELECT v FROM t')).toEqual([])
  expect(await pay()).toBe(1)
  expect(await contents()).toEqual([{ v: 'paid' }])
})

test('after an unknown outcome the head is proven by a list before anything is built on it', async () => {
  answers = Array.from({ length: 1_000 }, () => loseRequest)
  await expect(insert()).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  answers = []
  lists = 0
  await insert()
  expect(lists).toBe(1)
})

test.each(['before the next one is tried', 'just before the next one is put'])(
  'an unknown transaction that arrives late, %s, is found and not taken for another',
  async (when) => {
    let arriveLate = async () => {}
    const swallow: Answer = async (put, key) => {
      arriveLate = async () => void (await put())
      throw lostAnswer(key)
    }
    answers = [swallow, ...Array.from({ length: 1_000 }, () => loseRequest)]
    await expect(insert()).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
    answers = []
    if (when.startsWith('before')) await arriveLate()
    else {
      answers = [
        async (put) => {
          await arriveLate()
          return put()
        },
      ]
    }
    await db.execute("INSERT INTO t(v) VALUES ('next')")
    expect(await contents()).toEqual([{ v: 'mine' }, { v: 'next' }])
  },
)

test('an invocation that ends sooner ends the pursuit sooner', async () => {
  answers = Array.from({ length: 1_000 }, () => loseRequest)
  const deadline = clock.now() + 500
  await expect(db.around({ requestId: '1', deadline }, insert)).rejects.toMatchObject({
    code: 'COMMIT_UNKNOWN',
  })
  expect(clock.now()).toBeLessThanOrEqual(deadline)
})

test('a store that ignores the condition is refused before the first transaction', async () => {
  const careless = memoryStore()
  const ignoring = withOperations(careless, {
    put: (key, body, { ifAbsent: _, ...rest } = {}) => careless.put(key, body, rest),
  })
  const unsafe = await open({ store: ignoring })
  await expect(unsafe.execute('CREATE TABLE t(v)')).rejects.toMatchObject({
    code: 'STORE_IGNORES_CONDITIONS',
  })
  for await (const { key } of careless.list('')) expect(key).not.toMatch(/\.ltx$/)
})

test('a transaction that cannot be encoded is undone, and does not travel with the next one', async () => {
  const { now } = clock
  clock.now = () => now() + 1_000.5 // no timestamp of LTX
  await expect(insert()).rejects.toMatchObject({ code: 'LTX_INPUT' })
  clock.now = now
  expect(puts).toBe(0)
  await db.execute("INSERT INTO t(v) VALUES ('next')")
  expect(await contents()).toEqual([{ v: 'next' }])
})

test('a copy that cannot be undone does not hide that the outcome is unknown', async () => {
  const directory = temporaryDirectory()
  const removeCopy = async (key: string) => {
    const copies = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    for (const path of copies.filter((name) => name.endsWith('replica.db'))) rmSync(join(directory, path))
    throw lostAnswer(key)
  }
  const mine = await open({ store: withOperations(store, { put: removeCopy }), clock, directory })
  await expect(mine.execute("INSERT INTO t(v) VALUES ('mine')")).rejects.toMatchObject({
    code: 'COMMIT_UNKNOWN',
  })
  expect(await rows(mine, 'SELECT v FROM t')).toEqual([])
})
