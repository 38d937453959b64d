import { seededRandom } from '@thaw/testing'
import { expect, test } from 'vitest'
import { lostAnswer, open, refusal } from '../../test/kit.ts'
import { contents, perform, workload } from '../../test/workload.ts'
import {
  type Answer,
  bench,
  failNextGet,
  heldPut,
  insert,
  persisted,
  settled,
  values,
} from '../../test/write-behind.ts'
import type { SqliteDatabase } from '../index.ts'

const loseRequest: Answer = async (_put, key) => Promise.reject(lostAnswer(key))
const loseAnswer: Answer = async (put, key) => {
  await put()
  throw lostAnswer(key)
}
const refuse: Answer = async (_put, key) => Promise.reject(refusal(key))
/** Until the deadline. */
const always = (answer: Answer) => Array.from({ length: 1_000 }, () => answer)

const invocation = { requestId: '1', deadline: Number.POSITIVE_INFINITY }

test('transactions go on while a put is in flight, and travel with the next', async () => {
  const { db, store, answers } = await bench()
  await insert(db, 'a')
  const put = heldPut()
  answers.push(put.answer)
  const first = db.persist()
  await put.sent
  await insert(db, 'b')
  await db.execute('CREATE TABLE u(a)')
  await db.execute('VACUUM')
  expect(await values(db)).toEqual(['a', 'b'])
  put.let()
  expect(await first).toMatchObject({ txid: 2, writes: 1 })
  expect(await persisted(store)).toEqual(['a'])
  expect(db.writeBehind?.pending).toBe(3)
  expect(await db.persist()).toMatchObject({ txid: 3, writes: 3 })
  expect(await persisted(store)).toEqual(['a', 'b'])
})

test('a transaction that is still open is neither waited for nor taken along', async () => {
  const { db, store } = await bench()
  await insert(db, 'a')
  const open = await db.begin()
  open.execute(
    "INSERT INTO t(v) SELECT 'open' FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000) SELECT i FROM n)",
  )
  expect(await db.persist()).toMatchObject({ writes: 1 })
  expect(await persisted(store)).toEqual(['a'])
  await open.rollback()
  await insert(db, 'b')
  await db.persist()
  expect(await persisted(store)).toEqual(['a', 'b'])
})

test('persists that are asked for during a persist share the next one', async () => {
  const { db, store, answers, requests } = await bench()
  await insert(db, 'a')
  const put = heldPut()
  answers.push(put.answer)
  const first = db.persist()
  await put.sent
  const same = db.persist() // nothing more to do than what is under way
  await insert(db, 'b')
  const second = db.persist()
  const third = db.persist({ force: true })
  await settled()
  put.let()
  const results = await Promise.all([first, same, second, third])
  expect(results.map((done) => done?.txid)).toEqual([2, 2, 3, 3])
  expect(requests.filter((request) => request.startsWith('put'))).toHaveLength(2)
  expect(await persisted(store)).toEqual(['a', 'b'])
})

test('close waits for a put in flight, and persists what came meanwhile', async () => {
  const { db, store, answers } = await bench()
  await insert(db, 'a')
  const put = heldPut()
  answers.push(put.answer)
  const persisting = db.persist()
  await put.sent
  await insert(db, 'b')
  const closing = db.close()
  await settled()
  put.let()
  await Promise.all([persisting, closing])
  expect(await persisted(store)).toEqual(['a', 'b'])
})

test('what was refused is still here, reported, and goes with the next persist', async () => {
  const { db, store, answers } = await bench()
  await insert(db, 'a')
  answers.push(refuse)
  const failing = db.persist()
  await expect(failing).rejects.toMatchObject({
    code: 'PERSIST_FAILED',
    retryable: true,
    writes: 1,
    cause: { code: 'STORE_ACCESS_DENIED' },
  })
  await expect(db.persist()).rejects.toMatchObject({ code: 'PERSIST_FAILED' }) // backs off, and says why
  await insert(db, 'b')
  expect(await values(db)).toEqual(['a', 'b'])
  expect(await db.persist({ force: true })).toMatchObject({ txid: 2, writes: 2 })
  expect(await persisted(store)).toEqual(['a', 'b'])
})

test('a persist in the background that fails is reported, and tried again, ever more rarely', async () => {
  const { db, store, clock, timers, answers, reported, requests } = await bench({ writes: 1 })
  answers.push(refuse, refuse)
  await insert(db, 'a')
  await settled()
  expect(reported).toEqual([expect.objectContaining({ code: 'PERSIST_FAILED' })])
  expect(timers.armed).toEqual([1_000])
  requests.length = 0
  await insert(db, 'b')
  await db.around(invocation, async () => {})
  expect(requests).toEqual([]) // not before its time
  clock.advance(1_000)
  timers.fire()
  await settled()
  expect(reported).toHaveLength(2)
  expect(timers.armed).toEqual([2_000])
  clock.advance(2_000)
  await db.around(invocation, async () => {}) // an occasion as good as the timer
  expect(await persisted(store)).toEqual(['a', 'b'])
  expect(timers.armed).toEqual([])
})

test('while the store is away nothing is lost, and close says that it is not done', async () => {
  const { db, store, answers } = await bench()
  await insert(db, 'a')
  answers.push(...always(loseRequest))
  await expect(db.close()).rejects.toMatchObject({
    code: 'PERSIST_FAILED',
    cause: { code: 'COMMIT_UNKNOWN' },
  })
  await insert(db, 'b')
  answers.length = 0
  await db.close()
  expect(await persisted(store)).toEqual(['a', 'b'])
})

test('a lost answer within the deadline: the object under the name is ours', async () => {
  const { db, store, answers } = await bench()
  await insert(db, 'a')
  answers.push(loseAnswer)
  expect(await db.persist()).toMatchObject({ txid: 2, writes: 1 })
  expect(await persisted(store)).toEqual(['a'])
})

/** A put that took effect, and whose answer, and that of every later one, is lost. */
async function unknown(db: SqliteDatabase, answers: Answer[], first: Answer): Promise<void> {
  answers.push(first, ...always(loseRequest))
  await expect(db.persist()).rejects.toMatchObject({ code: 'PERSIST_FAILED' })
  answers.length = 0
}

test('an object that was put and never acknowledged is found by the next persist, and not put again', async () => {
  const { db, store, answers, requests } = await bench({}, { commitTimeoutMs: 5 })
  await insert(db, 'a')
  answers.push(loseAnswer)
  failNextGet(store, 2)
  await expect(db.persist()).rejects.toMatchObject({ code: 'PERSIST_FAILED' })
  await insert(db, 'b')
  requests.length = 0
  const done = await db.persist({ force: true })
  expect(done).toMatchObject({ txid: 3, writes: 2 })
  expect(requests.filter((request) => request.startsWith('put'))).toEqual([
    'put 0000/0000000000000003-0000000000000003.ltx',
  ])
  expect(await persisted(store)).toEqual(['a', 'b'])
})

test('an object that arrives late is recognised, whenever it arrives', async () => {
  for (const when of ['before the next persist', 'while its head is proven', 'just before its put']) {
    const { db, store, answers } = await bench({}, { commitTimeoutMs: 5 })
    await insert(db, 'a')
    let arrive = async () => {}
    await unknown(db, answers, async (put, key) => {
      arrive = async () => void (await put())
      throw lostAnswer(key)
    })
    await insert(db, 'b')
    if (when === 'before the next persist') await arrive()
    else if (when === 'just before its put') {
      answers.push(async (put) => {
        await arrive()
        return put()
      })
    } else {
      const { list } = store
      store.list = (prefix, options) => {
        store.list = list
        return (async function* () {
          await arrive()
          yield* list(prefix, options)
        })()
      }
    }
    await db.persist({ force: true })
    expect(await persisted(store), when).toEqual(['a', 'b'])
    expect(db.writeBehind?.pending, when).toBe(0)
  }
})

test('while the fate of a put is unknown its bytes never change', async () => {
  const { db, store, answers } = await bench({}, { commitTimeoutMs: 5 })
  await insert(db, 'a')
  await unknown(db, answers, loseRequest)
  await insert(db, 'b')
  const done = await db.persist({ force: true })
  expect(done).toMatchObject({ txid: 3, writes: 2 }) // first what was sent, then the rest
  expect(await persisted(store)).toEqual(['a', 'b'])
})

test('a freeze between the proof and the put is noticed: nothing goes out unproven', async () => {
  const { db, store, clock, answers, requests } = await bench()
  await insert(db, 'a')
  const { list } = store
  store.list = (prefix, options) => {
    store.list = list
    return (async function* () {
      yield* list(prefix, options)
      clock.advance(10 * 60_000)
    })()
  }
  await db.persist()
  expect(requests.filter((request) => request.startsWith('list'))).toHaveLength(2)
  expect(answers).toEqual([])
  expect(await persisted(store)).toEqual(['a'])
})

test('a log past its limit is folded during a persist that holds writers back, and undo still works', async () => {
  const { db, store, answers } = await bench({ largestLogBytes: 1_000_000 })
  const large = () => db.execute('INSERT INTO t(v) VALUES (zeroblob(5000000))')
  await large()
  const put = heldPut()
  answers.push(put.answer)
  const first = db.persist()
  await put.sent
  await insert(db, 'meanwhile') // so that the log cannot be folded behind this persist
  put.let()
  await first
  const held = heldPut()
  answers.push(held.answer)
  const second = db.persist()
  await held.sent
  let written = false
  const writing = insert(db, 'after').then(() => {
    written = true
  })
  await settled()
  expect(written).toBe(false)
  held.let()
  await Promise.all([second, writing])
  await insert(db, 'unpublished')
  const other = await open({ store })
  await other.execute("INSERT INTO t(v) VALUES ('theirs')")
  await expect(db.persist()).rejects.toMatchObject({ code: 'WRITE_BEHIND_LOST' })
  await expect(values(db)).rejects.toMatchObject({ code: 'WRITE_BEHIND_LOST' })
  const count = 'SELECT id, length(v) AS n FROM t'
  expect((await db.execute(count)).rows).toEqual((await other.execute(count)).rows)
  expect((await db.execute('PRAGMA integrity_check')).rows).toEqual([{ integrity_check: 'ok' }])
})

test('what is not published is never folded into the file, where an undo would not find what it overwrote', async () => {
  const { db, store, answers } = await bench()
  await insert(db, 'before')
  await db.execute('INSERT INTO t(v) VALUES (zeroblob(6000000))')
  const put = heldPut()
  answers.push(put.answer)
  const persisting = db.persist()
  await put.sent
  await db.execute("UPDATE t SET v = 'after' WHERE v = 'before'")
  put.let()
  await persisting
  const other = await open({ store })
  await other.execute('CREATE TABLE theirs(a)')
  const lost = await db.persist().catch((error: unknown) => error)
  await expect(db.execute('SELECT 1')).rejects.toBe(lost)
  expect((await db.execute('SELECT v FROM t WHERE id = 1')).rows).toEqual([{ v: 'before' }])
})

test.each([1, 2, 3])(
  'a random workload with persists in between is in the bucket as it was here: seed %i',
  async (seed) => {
    const random = seededRandom(`write-behind ${seed}`)
    const { db, store, answers } = await bench({ writes: 4 }, { pageSize: 512 })
    const steps = workload(random, 512)
    const underWay: Promise<unknown>[] = []
    for (let n = 0; n < 60; n++) {
      if (random.chance(0.3)) answers.push(random.pick([loseRequest, loseAnswer]))
      await perform(db, steps.next().value)
      if (random.chance(0.2)) underWay.push(db.persist().catch(() => undefined))
      if (random.chance(0.3)) await settled()
    }
    await Promise.all(underWay)
    answers.length = 0
    await db.persist({ force: true })
    expect(await contents(await open({ store })), `seed ${seed}`).toEqual(await contents(db))
  },
)
