import { memoryStore } from '@thaw/store'
import { beforeEach, expect, test } from 'vitest'
import { counting, open, rows, withOperations } from '../test/kit.ts'
import type { SqliteDatabase } from './types.ts'

let store: ReturnType<typeof memoryStore>
let a: SqliteDatabase
let b: SqliteDatabase

beforeEach(async () => {
  store = memoryStore()
  a = await open({ store })
  b = await open({ store })
  await a.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)')
})

test('what one environment wrote, another reads', async () => {
  await a.execute('INSERT INTO t(v) VALUES (?)', ['from a'])
  expect(await rows(b, 'SELECT v FROM t')).toEqual([{ v: 'from a' }])
  expect(b.position).toBe(2)
})

test('a cold start finds everything', async () => {
  for (let i = 0; i < 40; i++) await a.execute('INSERT INTO t(v) VALUES (?)', [`${i}`])
  const cold = await open({ store })
  expect(cold.position).toBe(41)
  expect(await rows(cold, 'SELECT * FROM t')).toEqual(await rows(a, 'SELECT * FROM t'))
  expect(await rows(cold, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
})

test('writers that meet are run again, and both are applied', async () => {
  let runs = 0
  const raise = (db: SqliteDatabase) =>
    db.atomic((tx) => {
      runs++
      const n = Number(tx.execute('SELECT count(*) AS n FROM t').rows[0]?.n)
      tx.execute('INSERT INTO t(v) VALUES (?)', [`${n + 1}`])
    })
  await Promise.all([raise(a), raise(b)])
  expect(runs).toBe(3)
  expect(await rows(a, 'SELECT v FROM t ORDER BY id')).toEqual([{ v: '1' }, { v: '2' }])
})

test('what waits together travels together, in one object', async () => {
  const before = a.position
  const first = a.execute("INSERT INTO t(v) VALUES ('first')")
  await Promise.all([
    first,
    ...Array.from({ length: 50 }, (_, i) => a.execute('INSERT INTO t(v) VALUES (?)', [`${i}`])),
  ])
  expect(a.position - before).toBeLessThanOrEqual(2)
  expect(await rows(b, 'SELECT count(*) AS n FROM t')).toEqual([{ n: 51 }])
})

test('a function that throws leaves nothing, and its neighbours in the batch stay', async () => {
  const outcomes = await Promise.allSettled([
    a.atomic((tx) => tx.execute("INSERT INTO t(v) VALUES ('kept')")),
    a.atomic((tx) => {
      tx.execute("INSERT INTO t(v) VALUES ('dropped')")
      throw new Error('on purpose')
    }),
    a.atomic(async (tx) => {
      await Promise.resolve()
      tx.execute("INSERT INTO t(v) VALUES ('kept too')")
    }),
  ])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(await rows(b, 'SELECT v FROM t ORDER BY id')).toEqual([{ v: 'kept' }, { v: 'kept too' }])
})

test('nothing is told before the bucket holds it, and nobody reads it before', async () => {
  let arrive = () => {}
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const held = withOperations(store, {
    put: async (...args) => {
      await arrived
      return store.put(...args)
    },
  })
  const slow = await open({ store: held })
  await slow.execute('SELECT 1')
  let told = false
  const write = slow.execute("INSERT INTO t(v) VALUES ('soon')").then(() => {
    told = true
  })
  expect(await rows(slow, 'SELECT v FROM t')).toEqual([])
  expect(await slow.read((reader) => reader.execute('SELECT v FROM t').rows)).toEqual([])
  expect(told).toBe(false)
  arrive()
  await write
  expect(await rows(slow, 'SELECT v FROM t')).toEqual([{ v: 'soon' }])
})

test('a result of a lost race is never told: a thrown error and "nothing to do" are run again too', async () => {
  await a.execute("INSERT INTO t(v) VALUES ('old')")
  await rows(b, 'SELECT 1')
  await a.execute("UPDATE t SET v = 'new'")
  const seen = await b.atomic((tx) => tx.execute('SELECT v FROM t').rows[0]?.v)
  expect(seen).toBe('new')
  await a.execute("UPDATE t SET v = 'newer'")
  const thrown = b.atomic((tx) => {
    throw new Error(String(tx.execute('SELECT v FROM t').rows[0]?.v))
  })
  await expect(thrown).rejects.toThrow('newer')
})

test('a key is applied once, by whoever comes first, and gives its first result for ever', async () => {
  const pay = (db: SqliteDatabase, what: string) =>
    db.atomic(
      (tx) => {
        tx.execute('INSERT INTO t(v) VALUES (?)', [what])
        return { paid: what }
      },
      { key: 'payment-1' },
    )
  const [first, second] = await Promise.all([pay(a, 'a'), pay(b, 'b')])
  expect(first).toEqual(second)
  expect(await pay(await open({ store }), 'c')).toEqual(first)
  expect(await rows(a, 'SELECT count(*) AS n FROM t')).toEqual([{ n: 1 }])
})

test('a key whose function failed is free again', async () => {
  const failing = a.atomic(() => Promise.reject(new Error('not yet')), { key: 'k' })
  await expect(failing).rejects.toThrow('not yet')
  expect(await a.atomic(() => 'now', { key: 'k' })).toBe('now')
})

test('an open transaction commits, rolls back, and is not run again after a lost race', async () => {
  const first = await a.begin()
  first.execute("INSERT INTO t(v) VALUES ('committed')")
  await first.commit()

  const second = await a.begin()
  second.execute("INSERT INTO t(v) VALUES ('rolled back')")
  await second.rollback()
  expect(await rows(b, 'SELECT v FROM t')).toEqual([{ v: 'committed' }])

  const late = await a.begin()
  late.execute("INSERT INTO t(v) VALUES ('late')")
  await b.execute("INSERT INTO t(v) VALUES ('faster')")
  await expect(late.commit()).rejects.toMatchObject({ code: 'CONFLICT', retryable: true })
  expect(() => late.execute('SELECT 1')).toThrow(/has ended/)
  expect(await rows(a, 'SELECT v FROM t ORDER BY id')).toEqual([{ v: 'committed' }, { v: 'faster' }])
})

test('a transaction that always loses ends in ConflictError', async () => {
  const c = await open({ store, maxAttempts: 3 })
  const unlucky = c.atomic(async (tx) => {
    tx.execute("INSERT INTO t(v) VALUES ('unlucky')")
    await b.execute("INSERT INTO t(v) VALUES ('faster')")
  })
  await expect(unlucky).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(await rows(c, "SELECT count(*) AS n FROM t WHERE v = 'unlucky'")).toEqual([{ n: 0 }])
})

test('use from inside an own transaction is refused, after its end it is not', async () => {
  let later: Promise<unknown> = Promise.resolve()
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  await a.atomic(async (tx) => {
    await expect(a.execute('SELECT 1')).rejects.toMatchObject({ code: 'NESTED_USE' })
    await expect(a.atomic(() => 1)).rejects.toMatchObject({ code: 'NESTED_USE' })
    tx.execute("INSERT INTO t(v) VALUES ('x')")
    later = ended.then(() => a.execute('SELECT 1'))
  })
  end()
  await later
})

test('a handle is dead once its function has ended', async () => {
  const kept = await a.atomic((tx) => [tx])
  expect(() => kept[0]?.execute('SELECT 1')).toThrow(/has ended/)
  const reader = await a.read((r) => [r])
  expect(() => reader[0]?.execute('SELECT 1')).toThrow(/has ended/)
})

test('a statement that ends its transaction from inside leaves nothing, also if its error is swallowed', async () => {
  await a.execute("INSERT INTO t VALUES (1, 'there')")
  const ending = a.atomic((tx) => {
    tx.execute("INSERT INTO t(v) VALUES ('undone')")
    try {
      tx.execute("INSERT OR ROLLBACK INTO t VALUES (1, 'again')")
    } catch {}
    try {
      tx.execute("INSERT INTO t(v) VALUES ('on its own')")
    } catch {}
  })
  await expect(ending).rejects.toMatchObject({ code: 'TRANSACTION_ENDED_INSIDE' })
  await a.execute("INSERT INTO t(v) VALUES ('after')")
  expect(await rows(b, 'SELECT v FROM t ORDER BY id')).toEqual([{ v: 'there' }, { v: 'after' }])
})

test('a multi-statement read stays on its state, and cannot write', async () => {
  await a.execute("INSERT INTO t(v) VALUES ('1')")
  await a.read(async (reader) => {
    const before = reader.execute('SELECT count(*) AS n FROM t').rows[0]?.n
    await a.execute("INSERT INTO t(v) VALUES ('2')")
    expect(reader.execute('SELECT count(*) AS n FROM t').rows[0]?.n).toBe(before)
    expect(() => reader.execute("INSERT INTO t(v) VALUES ('3')")).toThrow(/readonly/)
  })
  expect(await rows(a, 'SELECT count(*) AS n FROM t')).toEqual([{ n: 2 }])
})

test('a read that holds up newer transactions for too long is ended', async () => {
  const c = await open({ store, readPatienceMs: 20 })
  const held = c.read(async (reader) => {
    await b.execute("INSERT INTO t(v) VALUES ('new')")
    expect(await rows(c, 'SELECT v FROM t')).toEqual([{ v: 'new' }])
    return reader.execute('SELECT v FROM t')
  })
  await expect(held).rejects.toMatchObject({ code: 'READ_INTERRUPTED' })
})

test('a statement that only looks like a read still commits', async () => {
  const result = await a.execute(
    "WITH x(v) AS (VALUES ('cte')) INSERT INTO t(v) SELECT v FROM x RETURNING id, v",
  )
  expect(result.rows.map((row) => ({ ...row }))).toEqual([{ id: 1, v: 'cte' }])
  expect(result.changes).toBe(1)
  await a.execute('PRAGMA user_version = 7')
  expect(await rows(b, 'PRAGMA user_version')).toEqual([{ user_version: 7 }])
})

test('a statement tells of the rows that it changed itself, and of no others', async () => {
  const changes = await a.atomic((tx) =>
    [
      "INSERT INTO t(v) VALUES ('1'), ('2'), ('3')",
      'CREATE TABLE other(v)',
      'SAVEPOINT s',
      '-- and now\n ALTER TABLE other ADD COLUMN w',
      "UPDATE t SET v = 'x' WHERE id > 1",
      'RELEASE s',
      'PRAGMA user_version = 1',
      'DELETE FROM t WHERE id > 100',
    ].map((sql) => tx.execute(sql).changes),
  )
  expect(changes).toEqual([3, 0, 0, 0, 2, 0, 0, 0])
})

test('a second statement in one text is refused, and the first is not run', async () => {
  const two = a.execute("INSERT INTO t(v) VALUES ('1'); INSERT INTO t(v) VALUES ('2')")
  await expect(two).rejects.toMatchObject({ code: 'ONE_STATEMENT' })
  await a.execute("INSERT INTO t(v) VALUES ('3'); -- and nothing more\n/* really */ ;")
  expect(await rows(a, 'SELECT v FROM t')).toEqual([{ v: '3' }])
})

test('integers come back as they were, also those that a number cannot hold', async () => {
  const values = [1, -1, 2 ** 53 - 1, 2n ** 53n + 1n, -(2n ** 63n)]
  const result = await a.execute('SELECT ? a, ? b, ? c, ? d, ? e', values)
  expect(Object.values(result.rows[0] ?? {})).toEqual(values)
})

test('the number of a new row comes back as it is, also one that a number cannot hold', async () => {
  const large = 2n ** 53n + 1n
  const insert = await a.execute('INSERT INTO t(id) VALUES (?)', [large])
  expect(insert).toMatchObject({ changes: 1, lastInsertRowid: large })
  const returning = await a.execute('INSERT INTO t(id) VALUES (?) RETURNING id', [large + 1n])
  expect(returning).toMatchObject({ changes: 1, lastInsertRowid: large + 1n, rows: [{ id: large + 1n }] })
  const small = await a.execute('INSERT INTO t(id) VALUES (7)')
  expect(small).toMatchObject({ changes: 1, lastInsertRowid: 7 })
})

test('within one request the head is looked at once, outside of one at every read', async () => {
  const counted = counting(store)
  const c = await open({ store: counted })
  counted.calls.get = 0
  await c.around({ requestId: '1', deadline: Number.POSITIVE_INFINITY }, async () => {
    await rows(c, 'SELECT 1')
    await rows(c, 'SELECT 2')
    await c.read((reader) => reader.execute('SELECT 3'))
  })
  expect(counted.calls.get).toBe(1)
  await rows(c, 'SELECT 4')
  await rows(c, 'SELECT 5')
  expect(counted.calls.get).toBe(3)
})

test('a request that began after a commit elsewhere sees it, whatever an earlier look said', async () => {
  await rows(b, 'SELECT 1')
  await a.execute("INSERT INTO t(v) VALUES ('new')")
  const seen = await b.around({ requestId: '1', deadline: Number.POSITIVE_INFINITY }, () =>
    rows(b, 'SELECT v FROM t'),
  )
  expect(seen).toEqual([{ v: 'new' }])
})

test('transactions run in the async context of their caller', async () => {
  const { AsyncLocalStorage } = await import('node:async_hooks')
  const context = new AsyncLocalStorage<string>()
  const run = (name: string) => context.run(name, () => a.atomic(() => context.getStore()))
  expect(await Promise.all(['one', 'two', 'three'].map(run))).toEqual(['one', 'two', 'three'])
})

test('a closed database says so, and leaves no copy', async () => {
  await a.close()
  await expect(a.execute('SELECT 1')).rejects.toMatchObject({ code: 'DATABASE_CLOSED' })
})

test.each(['commit', 'invocation', 'write-behind'] as const)(
  'what still asks for the head when a database is closed says so too: %s',
  async (durability) => {
    const asked = Promise.withResolvers<void>()
    let held: Promise<void> | null = null
    const slow = withOperations(store, {
      get: async (...args) => {
        asked.resolve()
        await held
        return store.get(...args)
      },
    })
    const c = await open({ store: slow, durability })
    const answer = Promise.withResolvers<void>()
    held = answer.promise
    const around = (next: () => Promise<unknown>) =>
      c.around({ requestId: '1', deadline: Number.POSITIVE_INFINITY }, next)
    const late = Promise.allSettled([
      around(() => c.execute('SELECT 1')),
      around(() => c.read((reader) => reader.execute('SELECT 1'))),
    ])
    await asked.promise
    const closed = c.close()
    answer.resolve()
    await closed
    for (const outcome of await late) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'DATABASE_CLOSED' })
    }
  },
)
