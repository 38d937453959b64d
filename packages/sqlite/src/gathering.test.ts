import { AsyncLocalStorage } from 'node:async_hooks'
import { memoryStore, type ObjectStore } from '@thaw/store'
import { manualClock } from '@thaw/testing'
import { beforeEach, expect, test } from 'vitest'
import { counting, lostAnswer, open, refusal, rows, withOperations } from '../test/kit.ts'
import type { OpenOptions } from './options.ts'
import type { Reader, SqliteDatabase } from './types.ts'

const NEVER = Number.POSITIVE_INFINITY
const COUNT = 'SELECT count(*) AS n FROM t'

let store: ReturnType<typeof memoryStore>
let other: SqliteDatabase

beforeEach(async () => {
  store = memoryStore()
  other = await open({ store })
  await other.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)')
})

const gathers = (options: Partial<OpenOptions> = {}) =>
  open({ store, durability: 'invocation', ...options } as OpenOptions)

function invoke<T>(db: SqliteDatabase, next: () => Promise<T>, deadline = NEVER): Promise<T> {
  return db.around({ requestId: 'r', deadline }, next)
}

const insert = (db: SqliteDatabase, v: string) => db.execute('INSERT INTO t(v) VALUES (?)', [v])
const values = async (db: SqliteDatabase) =>
  (await rows(db, 'SELECT v FROM t ORDER BY id')).map((row) => Object(row).v)

/** A store whose next put does what `before` does first. */
function overtakable(inner: ObjectStore): ObjectStore & { before: (() => Promise<unknown>) | null } {
  const store = {
    ...inner,
    before: null as (() => Promise<unknown>) | null,
    put: async (...args: Parameters<ObjectStore['put']>) => {
      const { before } = store
      store.before = null
      await before?.()
      return inner.put(...args)
    },
  }
  return store
}

test('all that an invocation writes, in whatever way, is one object, there when it ends', async () => {
  const db = await gathers()
  const before = db.position
  const told = await invoke(db, async () => {
    const first = await insert(db, 'statement')
    await db.atomic((tx) => tx.execute("INSERT INTO t(v) VALUES ('atomic')"))
    const tx = await db.begin()
    tx.execute("INSERT INTO t(v) VALUES ('begun')")
    await tx.commit()
    expect(await values(other)).toEqual([])
    expect(db.position).toBe(before)
    return first.lastInsertRowid
  })
  expect(told).toBe(1)
  expect(db.position).toBe(before + 1)
  expect(await values(other)).toEqual(['statement', 'atomic', 'begun'])
  expect(await values(await open({ store }))).toEqual(['statement', 'atomic', 'begun'])
})

test('an invocation reads what it has written, others read what is published', async () => {
  const db = await gathers()
  await invoke(db, async () => {
    expect(await values(db)).toEqual([])
    await insert(db, 'own')
    expect(await values(db)).toEqual(['own'])
    expect(await db.read((reader) => reader.execute(COUNT).rows[0]?.n)).toBe(1)
    await db.execute('CREATE TABLE later(v)')
    expect(await rows(db, 'SELECT * FROM later')).toEqual([])
    const outside = await invoke(db, () => values(db))
    expect(outside).toEqual(['own']) // nested: the same invocation
  })
  const inside = Promise.withResolvers<void>()
  const seen = Promise.withResolvers<void>()
  const writing = invoke(db, async () => {
    await insert(db, 'not yet')
    inside.resolve()
    await seen.promise
  })
  await inside.promise
  expect(await values(db)).toEqual(['own'])
  expect(await invoke(db, () => values(db))).toEqual(['own'])
  expect(await db.read((reader) => reader.execute(COUNT).rows[0]?.n)).toBe(1)
  seen.resolve()
  await writing
  expect(await values(db)).toEqual(['own', 'not yet'])
})

test('the bookmark that an invocation gives is of what it has written, also of a first transaction', async () => {
  for (const bucket of [store, memoryStore()]) {
    const db = await gathers({ store: bucket })
    const elsewhere = await open({ store: bucket })
    const given = await invoke(db, async () => {
      const before = db.bookmark
      await db.execute('CREATE TABLE IF NOT EXISTS u(x)')
      await db.execute('INSERT INTO u VALUES (1)')
      expect(db.bookmark).not.toBe(before)
      return db.bookmark ?? ''
    })
    expect(Number.parseInt(given.split('-')[1] ?? '', 16)).toBe(db.position)
    const count = (reader: Reader) => reader.execute('SELECT x FROM u').rows.length
    expect(await elsewhere.read(count, { freshness: { bookmark: given } })).toBe(1)
    await elsewhere.close()
  }
})

test('a snapshot that an invocation reads from stays as it is while it writes on', async () => {
  const db = await gathers()
  await invoke(db, async () => {
    await insert(db, '1')
    await db.read(async (reader) => {
      await insert(db, '2')
      expect(reader.execute(COUNT).rows[0]?.n).toBe(1)
    })
    expect(await values(db)).toEqual(['1', '2'])
  })
})

test('a lost race ends the whole invocation as a conflict, and nothing of it is in the bucket', async () => {
  const contested = overtakable(store)
  const db = await gathers({ store: contested })
  let runs = 0
  const request = () =>
    invoke(db, async () => {
      runs++
      await insert(db, 'one')
      contested.before = runs > 1 ? null : () => insert(other, 'faster')
      await insert(db, 'two')
      return 'answer'
    })
  await expect(request()).rejects.toMatchObject({ code: 'CONFLICT', retryable: true })
  expect(runs).toBe(1)
  expect(await values(db)).toEqual(['faster'])
  expect(await values(other)).toEqual(['faster'])
  expect(await request()).toBe('answer')
  expect(await values(other)).toEqual(['faster', 'one', 'two'])
  expect(await rows(db, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
})

test('an error of the invocation is told once what it wrote is published, and not at all when that is lost', async () => {
  const contested = overtakable(store)
  const db = await gathers({ store: contested })
  const failing = (overtake: boolean) =>
    invoke(db, async () => {
      await insert(db, 'kept')
      await db
        .atomic((tx) => {
          tx.execute("INSERT INTO t(v) VALUES ('rolled back')")
          throw new Error('of a transaction')
        })
        .catch(() => undefined)
      if (overtake) contested.before = () => insert(other, 'faster')
      throw new Error('of the invocation')
    })
  await expect(failing(false)).rejects.toThrow('of the invocation')
  expect(await values(other)).toEqual(['kept'])
  await expect(failing(true)).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(await values(other)).toEqual(['kept', 'faster'])
})

test('while nothing is written, transactions are ordinary ones: looked after once each, and run again', async () => {
  const counted = counting(store)
  const db = await gathers({ store: counted })
  let runs = 0
  const seen = await invoke(db, async () => {
    const n = await db.atomic(async (tx) => {
      const before = tx.execute(COUNT).rows[0]?.n
      if (runs++ === 0) await insert(other, 'meanwhile')
      return before
    })
    const change = await db.execute('DELETE FROM t WHERE id > 100')
    return { n, changes: change.changes }
  })
  expect(seen).toEqual({ n: 1, changes: 0 })
  expect(runs).toBe(2)
  expect(counted.calls.put).toBe(0)
})

test('several at once: the writes of one invocation share an object, two invocations come one after the other', async () => {
  const db = await gathers()
  const before = db.position
  await invoke(db, () => Promise.all(['a', 'b', 'c'].map((v) => insert(db, v))))
  expect(db.position).toBe(before + 1)
  const events: string[] = []
  await Promise.all(
    ['x', 'y'].map((name) =>
      invoke(db, async () => {
        await insert(db, name)
        events.push(`${name} wrote`)
        expect(await values(db)).toHaveLength(name === 'x' ? 4 : 5)
        events.push(`${name} read`)
      }),
    ),
  )
  expect(events).toEqual(['x wrote', 'x read', 'y wrote', 'y read'])
  expect(db.position).toBe(before + 3)
})

test('an invocation that reads while it begins to write does not wait for itself', async () => {
  const db = await gathers()
  await rows(db, 'SELECT 1')
  for (let i = 0; i < 20; i++) {
    await insert(other, `other ${i}`)
    const both = invoke(db, () => Promise.all([insert(db, 'w'), values(db), values(db)]))
    await both.catch((error) => expect(error).toMatchObject({ code: 'CONFLICT' }))
  }
  expect(await values(db)).toEqual(await values(other))
})

test('a read inside is as new as the invocation, or ends it as a conflict', async () => {
  const db = await gathers()
  await rows(db, 'SELECT 1') // what follows is built upon this proof
  let again: unknown = null
  await insert(other, 'new')
  const late = invoke(db, async () => {
    await insert(db, 'own')
    await expect(values(db)).rejects.toMatchObject({ code: 'CONFLICT' })
    again = await insert(db, 'more').catch((error) => error)
    return 'swallowed'
  })
  await expect(late).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(again).toMatchObject({ code: 'CONFLICT' })
  expect(await values(db)).toEqual(['new'])
})

test('an invocation that has not proven the head lately looks before its first write: no conflict for being away', async () => {
  const clock = manualClock()
  const db = await gathers({ clock })
  await insert(other, 'long ago')
  await clock.advance(10_000)
  await invoke(db, () => insert(db, 'now'))
  expect(await values(other)).toEqual(['long ago', 'now'])
})

test('a key is applied once: the recorded result comes back within the invocation and in later ones', async () => {
  const db = await gathers()
  const pay = (what: string) =>
    db.atomic(
      (tx) => {
        tx.execute('INSERT INTO t(v) VALUES (?)', [what])
        return what
      },
      { key: 'payment' },
    )
  await invoke(db, async () => {
    expect(await pay('first')).toBe('first')
    expect(await pay('second')).toBe('first')
  })
  expect(await invoke(db, () => pay('third'))).toBe('first')
  expect(await values(other)).toEqual(['first'])
})

test('a publication whose answer is lost is settled by the object; one that never is ends in COMMIT_UNKNOWN', async () => {
  const clock = manualClock()
  let losing: 'answers' | 'everything' | 'nothing' = 'nothing'
  const bad = withOperations(store, {
    get: (...args) => (losing === 'everything' ? Promise.reject(lostAnswer(args[0])) : store.get(...args)),
    put: async (key, ...rest) => {
      if (losing === 'nothing') return store.put(key, ...rest)
      if (losing === 'answers') await store.put(key, ...rest)
      throw lostAnswer(key)
    },
  })
  const db = await gathers({ store: bad, clock })
  losing = 'answers'
  const settled = invoke(db, () => insert(db, 'arrived'))
  settled.catch(() => undefined)
  await clock.advance(10)
  losing = 'nothing'
  await clock.advance(1_000)
  await settled
  const unknown = invoke(db, async () => {
    await insert(db, 'never')
    losing = 'everything'
  })
  unknown.catch(() => undefined)
  await clock.advance(60_000)
  await expect(unknown).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  losing = 'nothing'
  expect(await values(db)).toEqual(['arrived'])
})

test('what the store refuses is undone, and the error is that of the store', async () => {
  let refusing = false
  const strict = withOperations(store, {
    put: (key, ...rest) => (refusing ? Promise.reject(refusal(key)) : store.put(key, ...rest)),
  })
  const db = await gathers({ store: strict })
  refusing = true
  await expect(invoke(db, () => insert(db, 'refused'))).rejects.toMatchObject({ code: 'STORE_ACCESS_DENIED' })
  refusing = false
  expect(await values(db)).toEqual([])
  await invoke(db, () => insert(db, 'taken'))
  expect(await values(other)).toEqual(['taken'])
})

test('a deadline that passes undoes the invocation and lets the others go on, whether it ever ends or not', async () => {
  const clock = manualClock()
  const db = await gathers({ clock })
  const end = Promise.withResolvers<void>()
  let late: unknown = null
  const slow = invoke(
    db,
    async () => {
      await insert(db, 'slow')
      await end.promise
      late = await insert(db, 'late').catch((error) => error)
      await expect(values(db)).rejects.toMatchObject({ code: 'TRANSACTION_TIMEOUT' })
    },
    clock.now() + 3_000,
  )
  slow.catch(() => undefined)
  const next = invoke(db, () => insert(db, 'next'))
  await clock.advance(2_999)
  expect(await values(other)).toEqual([])
  await clock.advance(2)
  await next
  expect(await values(other)).toEqual(['next'])
  end.resolve()
  await expect(slow).rejects.toMatchObject({ code: 'TRANSACTION_TIMEOUT' })
  expect(late).toMatchObject({ code: 'TRANSACTION_TIMEOUT' })
  expect(await values(db)).toEqual(['next'])
})

test('what nobody awaited is part of it when it had begun, and a commit of its own when it begins later', async () => {
  const db = await gathers()
  const before = db.position
  const later = Promise.withResolvers<void>()
  let afterwards: Promise<unknown> = Promise.resolve()
  await invoke(db, async () => {
    await insert(db, 'awaited')
    void db.atomic(async (tx) => {
      await Promise.resolve()
      tx.execute("INSERT INTO t(v) VALUES ('begun')")
    })
    afterwards = later.promise.then(() => insert(db, 'later'))
  })
  expect(db.position).toBe(before + 1)
  expect(await values(other)).toEqual(['awaited', 'begun'])
  later.resolve()
  await afterwards
  expect(await values(other)).toEqual(['awaited', 'begun', 'later'])
  expect(db.position).toBe(before + 2)
})

test('a transaction that is left open ends with its time, and the rest of the invocation is published', async () => {
  const clock = manualClock()
  const db = await gathers({ clock, transactionTimeoutMs: 500 })
  const left = invoke(db, async () => {
    await insert(db, 'kept')
    const tx = await db.begin()
    tx.execute("INSERT INTO t(v) VALUES ('left open')")
    return tx
  })
  await clock.advance(600)
  const tx = await left
  expect(() => tx.execute('SELECT 1')).toThrow(/has ended/)
  await expect(tx.commit()).rejects.toMatchObject({ code: 'TRANSACTION_TIMEOUT' })
  expect(await values(other)).toEqual(['kept'])
})

test('VACUUM is gathered like anything else', async () => {
  const db = await gathers()
  await db.execute(
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t(v) SELECT hex(randomblob(500)) FROM n',
  )
  const before = db.position
  await invoke(db, async () => {
    await db.execute('DELETE FROM t WHERE id > 3')
    await insert(db, 'before')
    await db.execute('VACUUM')
    await insert(db, 'after')
    expect(await rows(db, COUNT)).toEqual([{ n: 5 }])
  })
  expect(db.position).toBe(before + 1)
  const cold = await open({ store })
  expect(await values(cold)).toEqual(await values(db))
  expect(await rows(cold, 'PRAGMA page_count')).toEqual(await rows(db, 'PRAGMA page_count'))
  expect(await rows(cold, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
})

test('the first transaction of a database can be gathered', async () => {
  const empty = memoryStore()
  const db = await gathers({ store: empty })
  await invoke(db, async () => {
    await db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)')
    await insert(db, 'first')
  })
  expect(db.position).toBe(1)
  expect(await values(await open({ store: empty }))).toEqual(['first'])
})

test('in the context of an invocation that is over, the bookmark is of what was published', async () => {
  const db = await gathers()
  let within: <T>(fn: () => T) => T = (fn) => fn()
  const before = db.bookmark
  await invoke(db, async () => {
    await insert(db, '1')
    within = AsyncLocalStorage.snapshot()
  })
  expect(within(() => db.bookmark)).toBe(db.bookmark)
  expect(db.bookmark).not.toBe(before)
})

test('outside of invocations it commits, and inside its own transactions it is not to be used', async () => {
  const db = await gathers()
  const before = db.position
  await insert(db, '1')
  await insert(db, '2')
  expect(db.position).toBe(before + 2)
  await invoke(db, () =>
    db.atomic(async (tx) => {
      tx.execute("INSERT INTO t(v) VALUES ('3')")
      await expect(insert(db, '4')).rejects.toMatchObject({ code: 'NESTED_USE' })
    }),
  )
  await invoke(db, async () => {
    await insert(db, '5')
    await expect(db.close()).rejects.toMatchObject({ code: 'NESTED_USE' })
  })
  expect(await values(other)).toEqual(['1', '2', '3', '5'])
})

test('a durability that there is not is refused', async () => {
  await expect(open({ store, durability: 'never' as 'commit' })).rejects.toMatchObject({ code: 'BAD_OPTION' })
})
