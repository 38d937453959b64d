import { expect, test } from 'vitest'
import { open, temporaryDirectory, testClock } from '../../test/kit.ts'
import { bench, heldPut, insert, persisted, settled, values } from '../../test/write-behind.ts'
import { openSqlite } from '../index.ts'

const invocation = { requestId: '1', deadline: Number.POSITIVE_INFINITY }

test('a write is acknowledged and read before the bucket hears of it', async () => {
  const { db, store, requests } = await bench()
  await insert(db, 'a')
  expect(await values(db)).toEqual(['a'])
  expect(await db.read((reader) => reader.execute('SELECT v FROM t').rows)).toEqual([{ v: 'a' }])
  expect(requests).toEqual([])
  expect(db.writeBehind?.pending).toBe(1)
  expect(await persisted(store)).toEqual([])
})

test('persist puts everything that has gathered into one object, and reports it', async () => {
  const { db, store, requests } = await bench()
  for (const v of ['a', 'b', 'c']) await insert(db, v)
  const done = await db.persist()
  const object = await store.head('0000/0000000000000002-0000000000000002.ltx')
  expect(done).toEqual({ txid: 2, writes: 3, bytes: object?.size })
  expect(requests).toEqual([
    'list 0000/',
    'get 0000/0000000000000001-0000000000000001.ltx',
    'put 0000/0000000000000002-0000000000000002.ltx',
  ])
  expect(await persisted(store)).toEqual(['a', 'b', 'c'])
  expect(db.writeBehind?.pending).toBe(0)
})

test('with nothing to persist nothing is sent', async () => {
  const { db, requests } = await bench()
  expect(await db.persist({ force: true })).toBe(null)
  await db.atomic((tx) => tx.execute('SELECT count(*) FROM t').rows)
  await expect(db.atomic(() => Promise.reject(new Error('undone')))).rejects.toThrow('undone')
  expect(await db.persist({ force: true })).toBe(null)
  expect(requests).toEqual([])
})

test('after so many writes it persists by itself', async () => {
  const { db, store, requests } = await bench({ writes: 3 })
  await insert(db, 'a')
  await insert(db, 'b')
  await settled()
  expect(requests).toEqual([])
  await insert(db, 'c')
  await settled()
  expect(await persisted(store)).toEqual(['a', 'b', 'c'])
  expect(db.position).toBe(2)
})

test('ten writes and five minutes when nothing is said', async () => {
  const { db } = await bench({ writes: undefined, intervalMs: undefined } as object)
  expect(db.writeBehind?.thresholds).toEqual({ writes: 10, intervalMs: 300_000 })
})

test('after so long since the last persist it persists by itself', async () => {
  const { db, store, clock, timers } = await bench({ intervalMs: 1_000 })
  expect(timers.armed).toEqual([])
  clock.advance(400)
  await insert(db, 'a')
  await insert(db, 'b')
  expect(timers.armed).toEqual([600])
  clock.advance(600)
  timers.fire()
  await settled()
  expect(await persisted(store)).toEqual(['a', 'b'])
  expect(timers.armed).toEqual([])
})

test('a timer that went off too early, or a clock that was set back, puts nothing off for longer', async () => {
  const { db, store, clock, timers } = await bench({ intervalMs: 1_000 })
  await insert(db, 'a')
  clock.advance(-3_600_000)
  timers.fire()
  await settled()
  expect(timers.armed).toEqual([1_000])
  clock.advance(1_000)
  timers.fire()
  await settled()
  expect(await persisted(store)).toEqual(['a'])
})

test('a clock that jumped in a freeze makes the next write, or the next invocation, an occasion', async () => {
  const { db, store, clock } = await bench({ intervalMs: 1_000 })
  await insert(db, 'a')
  clock.advance(3_600_000) // the timer stood still
  await insert(db, 'b')
  await settled()
  expect(await persisted(store)).toEqual(['a', 'b'])
  await insert(db, 'c')
  clock.advance(3_600_000)
  await db.around(invocation, async () => {
    expect(await persisted(store)).toEqual(['a', 'b', 'c'])
  })
})

test('what became due within an invocation is persisted before it ends', async () => {
  const { db, store, clock, answers } = await bench({ writes: 2, intervalMs: 1_000 })
  await db.around(invocation, async () => {
    await insert(db, 'a')
    clock.advance(1_001)
  })
  expect(await persisted(store)).toEqual(['a'])
  const put = heldPut()
  answers.push(put.answer)
  let over = false
  const second = db.around(invocation, async () => {
    await insert(db, 'b')
    await insert(db, 'c')
  })
  void second.then(() => {
    over = true
  })
  await put.sent
  await settled()
  expect(over).toBe(false)
  put.let()
  await second
  expect(await persisted(store)).toEqual(['a', 'b', 'c'])
})

test('a persist that somebody began and did not wait for is over before the invocation is', async () => {
  const { db, store, answers } = await bench()
  const put = heldPut()
  answers.push(put.answer)
  let over = false
  const around = db.around(invocation, async () => {
    await insert(db, 'a')
    void db.persist()
  })
  void around.then(() => {
    over = true
  })
  await put.sent
  await settled()
  expect(over).toBe(false)
  put.let()
  await around
  expect(await persisted(store)).toEqual(['a'])
})

test('as many writes again during a put are due when it is over', async () => {
  const { db, store, answers } = await bench({ writes: 2 })
  const put = heldPut()
  answers.push(put.answer)
  await insert(db, 'a')
  await insert(db, 'b')
  await put.sent
  await insert(db, 'c')
  await insert(db, 'd')
  put.let()
  await settled()
  expect(await persisted(store)).toEqual(['a', 'b', 'c', 'd'])
  expect(db.position).toBe(3)
})

test('an invocation among others does not wait for a persist, the last one does', async () => {
  const { db, store, answers } = await bench({ writes: 1 })
  const put = heldPut()
  answers.push(put.answer)
  const others = Promise.withResolvers<void>()
  const last = db.around(invocation, () => others.promise)
  await db.around(invocation, () => insert(db, 'a'))
  await put.sent
  await db.around(invocation, () => insert(db, 'b'))
  let over = false
  void last.then(() => {
    over = true
  })
  others.resolve()
  await settled()
  expect(over).toBe(false)
  put.let()
  await last
  expect(await persisted(store)).toEqual(['a', 'b'])
})

test('an invocation that fails persists what is due as well', async () => {
  const { db, store } = await bench({ writes: 1 })
  const failing = db.around(invocation, async () => {
    await insert(db, 'a')
    throw new Error('on purpose')
  })
  await expect(failing).rejects.toThrow('on purpose')
  expect(await persisted(store)).toEqual(['a'])
})

test('what is not due waits through invocations', async () => {
  const { db, requests } = await bench({ writes: 3, intervalMs: 60_000 })
  await insert(db, 'a')
  requests.length = 0
  await db.around(invocation, async () => {
    await insert(db, 'b')
  })
  expect(requests).toEqual(['get 0000/0000000000000002-0000000000000002.ltx']) // one look at the head
  expect(db.writeBehind?.pending).toBe(2)
})

test('an invocation looks at the head once, and finds what another writer left while nothing was pending', async () => {
  const { db, store, requests } = await bench()
  const other = await open({ store })
  await other.execute("INSERT INTO t(v) VALUES ('theirs')")
  expect(await values(db)).toEqual([]) // outside of any it asks nobody
  expect(requests).toEqual([])
  await db.around(invocation, async () => {
    await insert(db, 'ours')
    expect(await values(db)).toEqual(['theirs', 'ours'])
  })
  expect(requests.filter((request) => request.startsWith('get'))).toHaveLength(2) // what is there, and nothing behind it
  await db.persist()
  expect(await persisted(store)).toEqual(['theirs', 'ours'])
})

test('thresholds change at run time, and can be switched off', async () => {
  const { db, store, clock, timers } = await bench({ intervalMs: 1_000 })
  await insert(db, 'a')
  expect(timers.armed).toEqual([1_000])
  db.writeBehind?.configure({ intervalMs: 5_000 })
  expect(timers.armed).toEqual([5_000])
  db.writeBehind?.configure({ intervalMs: null })
  expect(timers.armed).toEqual([])
  clock.advance(60_000)
  await insert(db, 'b')
  await settled()
  expect(await persisted(store)).toEqual([])
  db.writeBehind?.configure({ writes: 2 }) // due at once
  await settled()
  expect(await persisted(store)).toEqual(['a', 'b'])
  expect(db.writeBehind?.thresholds).toEqual({ writes: 2, intervalMs: null })
})

test.each([{ writes: 0 }, { writes: 1.5 }, { intervalMs: -1 }, { intervalMs: 2 ** 31 }])(
  '%o is refused, and changes nothing',
  async (thresholds) => {
    const { db } = await bench({ writes: 3, intervalMs: 1_000 })
    expect(() => db.writeBehind?.configure(thresholds)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION' }),
    )
    expect(db.writeBehind?.thresholds).toEqual({ writes: 3, intervalMs: 1_000 })
    const { store } = await bench()
    const opening = openSqlite({ store, durability: 'write-behind', writeBehind: thresholds })
    await expect(opening).rejects.toMatchObject({ code: 'BAD_OPTION' })
  },
)

test('an unknown durability is refused', async () => {
  const { store } = await bench()
  const opening = openSqlite({ store, durability: 'eventually' as 'commit' })
  await expect(opening).rejects.toMatchObject({ code: 'BAD_OPTION' })
})

test('close persists what has gathered, and leaves no timer', async () => {
  const { db, store, timers } = await bench({ intervalMs: 1_000 })
  await insert(db, 'a')
  const opened = await db.begin()
  opened.execute("INSERT INTO t(v) VALUES ('b')")
  const closing = db.close()
  await opened.commit()
  await closing
  expect(await persisted(store)).toEqual(['a', 'b'])
  expect(timers.armed).toEqual([])
  await expect(insert(db, 'c')).rejects.toMatchObject({ code: 'DATABASE_CLOSED' })
})

test('schema changes, VACUUM, keyed atomics and open transactions work, and travel', async () => {
  const { db, store, clock } = await bench()
  await db.execute('CREATE TABLE u(a)')
  for (let i = 0; i < 50; i++) await db.execute('INSERT INTO u VALUES (zeroblob(3000))')
  const keyed = () => db.atomic((tx) => tx.execute('DELETE FROM u').changes, { key: 'k' })
  expect(await keyed()).toBe(50)
  expect(await keyed()).toBe(50)
  await db.execute('VACUUM')
  const opened = await db.begin()
  opened.execute("INSERT INTO t(v) VALUES ('open')")
  await opened.commit()
  const rolledBack = await db.begin()
  rolledBack.execute("INSERT INTO t(v) VALUES ('no')")
  await rolledBack.rollback()
  await expect(db.atomic(() => db.persist())).rejects.toMatchObject({ code: 'NESTED_USE' })
  await db.persist()
  expect(await persisted(store)).toEqual(['open'])
  const other = await open({ store, clock })
  expect((await other.execute('PRAGMA page_count')).rows).toEqual(
    (await db.execute('PRAGMA page_count')).rows,
  )
  expect(await other.atomic(() => 'again', { key: 'k' })).toBe(50)
})

test('with the other durability there is nothing to persist', async () => {
  const { store } = await bench()
  const db = await open_(store)
  expect(db.writeBehind).toBe(null)
  await insert(db, 'a')
  expect(await db.persist({ force: true })).toBe(null)
  expect(await persisted(store)).toEqual(['a'])
})

test('a database that never was in the bucket comes to be there with the first persist', async () => {
  const clock = testClock()
  const { store } = await bench()
  await store.delete(['0000/0000000000000001-0000000000000001.ltx', 'thaw/conditional-put'])
  const db = await openSqlite({ store, clock, directory: temporaryDirectory(), durability: 'write-behind' })
  await db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)')
  await insert(db, 'a')
  await db.close()
  expect(await persisted(store)).toEqual(['a'])
})

const open_ = (store: Parameters<typeof persisted>[0]) => open({ store })
