import { memoryStore } from '@thaw/store'
import { manualClock } from '@thaw/testing'
import { beforeEach, expect, test } from 'vitest'
import { open, rows } from '../test/kit.ts'
import type { SqliteDatabase, Transaction } from './types.ts'

const CONTENT = 'SELECT v FROM t ORDER BY v'

let clock: ReturnType<typeof manualClock>
let db: SqliteDatabase

beforeEach(async () => {
  clock = manualClock()
  db = await open({ store: memoryStore(), clock, transactionTimeoutMs: 1_000 })
  await db.execute('CREATE TABLE t(v)')
})

test('a function that never ends is rolled back in time, its handle is dead, and the others go on', async () => {
  const resume = Promise.withResolvers<void>()
  let handle: Transaction | null = null
  let late: unknown = null
  const stuck = db.atomic(async (tx) => {
    handle = tx
    tx.execute("INSERT INTO t VALUES ('stuck')")
    await resume.promise
    try {
      tx.execute("INSERT INTO t VALUES ('late')")
    } catch (error) {
      late = error
      throw error
    }
  })
  stuck.catch(() => undefined)
  const next = db.execute("INSERT INTO t VALUES ('next')")
  await clock.advance(999)
  expect(await rows(db, CONTENT)).toEqual([])
  await clock.advance(1)
  await expect(stuck).rejects.toMatchObject({ code: 'TRANSACTION_TIMEOUT', retryable: false })
  await next
  resume.resolve()
  await clock.advance(1)
  expect(late).toMatchObject({ code: 'HANDLE_CLOSED' })
  expect(() => handle?.execute('SELECT 1')).toThrow(/has ended/)
  expect(await rows(db, CONTENT)).toEqual([{ v: 'next' }])
  expect(clock.sleeping).toBe(0)
})

test('a transaction that its caller never ends is rolled back in time', async () => {
  const left = await db.begin()
  left.execute("INSERT INTO t VALUES ('left')")
  const next = db.execute("INSERT INTO t VALUES ('next')")
  await clock.advance(1_000)
  await next
  expect(() => left.execute('SELECT 1')).toThrow(/has ended/)
  await expect(left.commit()).rejects.toMatchObject({ code: 'TRANSACTION_TIMEOUT' })
  expect(await rows(db, CONTENT)).toEqual([{ v: 'next' }])
})

test("a transaction ends with its invocation's deadline, and does not begin after it", async () => {
  const deadline = clock.now() + 300
  const ended = db.around({ requestId: 'r', deadline }, async () => {
    const first = db.atomic(() => new Promise(() => {}))
    const second = db.execute("INSERT INTO t VALUES ('too late')")
    return Promise.allSettled([first, second])
  })
  await clock.advance(300)
  expect(await ended).toMatchObject([
    { reason: { code: 'TRANSACTION_TIMEOUT' } },
    { reason: { code: 'TRANSACTION_TIMEOUT' } },
  ])
  await db.execute("INSERT INTO t VALUES ('next')")
  expect(await rows(db, CONTENT)).toEqual([{ v: 'next' }])
})

test('a function that ends in time leaves no timer behind, and one that no timer can hold runs as long as it likes', async () => {
  await db.atomic(async (tx) => tx.execute("INSERT INTO t VALUES ('1')"))
  await expect(db.atomic(async () => Promise.reject(new Error('on purpose')))).rejects.toThrow('on purpose')
  expect(clock.sleeping).toBe(0)
  const patient = await open({ store: memoryStore(), clock, transactionTimeoutMs: Number.POSITIVE_INFINITY })
  const end = Promise.withResolvers<string>()
  const long = patient.atomic(() => end.promise)
  await clock.advance(2 ** 32)
  end.resolve('at last')
  expect(await long).toBe('at last')
})
