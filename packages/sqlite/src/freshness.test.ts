import type { ObjectStore } from '@thaw/store'
import { beforeEach, expect, test } from 'vitest'
import { counting, open, rows, withOperations } from '../test/kit.ts'
import { COUNT, insertRows, invocation, type OneTable, oneTable, readCount } from '../test/one-table.ts'
import type { Freshness, SqliteDatabase } from './index.ts'

let clock: OneTable['clock']
let bucket: ObjectStore
let store: OneTable['store']
let db: SqliteDatabase
let writer: SqliteDatabase

beforeEach(async () => {
  ;({ clock, bucket, store, db, writer } = await oneTable())
  clock.advance(1_000)
})

/** What `fn` asked of the store. */
async function requests(fn: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = { ...store.calls }
  await fn()
  return Object.fromEntries(
    Object.entries(store.calls)
      .map(([operation, calls]) => [operation, calls - (before[operation] ?? 0)] as const)
      .filter(([, calls]) => calls > 0),
  )
}

const read = (options?: { freshness: Freshness }) => readCount(db, options)
const insert = (by: SqliteDatabase = writer) => insertRows(by, 1)

test('strong: all reads of a request share one question, however they are made', async () => {
  const asked = await requests(() =>
    db.around(invocation, async () => {
      await Promise.all([read(), rows(db, COUNT), read()])
      await rows(db, COUNT)
      await read()
    }),
  )
  expect(asked).toEqual({ get: 1 })
})

test('strong: requests that had begun before a question was sent share it, later ones do not', async () => {
  const began: (() => void)[] = []
  const both = new Promise<void>((resolve) => {
    began.push(resolve)
  })
  const request = async () => {
    await db.around(invocation, async () => {
      await both
      await read()
    })
  }
  expect(
    await requests(async () => {
      const requests = [request(), request(), request()]
      began[0]?.()
      await Promise.all(requests)
    }),
  ).toEqual({ get: 1 })

  expect(
    await requests(async () => {
      const first = db.around(invocation, () => read()) // has sent its question when it first waits
      await Promise.all([first, db.around(invocation, () => read())])
    }),
  ).toEqual({ get: 2 })
})

test('strong: what was written in a request is proof enough for its reads', async () => {
  const asked = await requests(() =>
    db.around(invocation, async () => {
      await insert(db)
      expect(await read()).toBe(1)
    }),
  )
  expect(asked).toEqual({ put: 1 })
})

test('strong: outside a request every read asks, and sees what was written before it', async () => {
  await insert()
  expect(await requests(async () => expect(await read()).toBe(1))).toEqual({ get: 2 }) // the one found, and the next
  expect(await requests(read)).toEqual({ get: 1 })
  expect(await requests(read)).toEqual({ get: 1 })
})

test('withinMs: no question while the last proof is recent, one for all after that', async () => {
  const fresh = { freshness: { withinMs: 2_000 } }
  await insert()
  expect(await requests(async () => expect(await read(fresh)).toBe(0))).toEqual({})
  clock.advance(1_000)
  expect(await requests(() => read(fresh))).toEqual({})
  clock.advance(1)
  expect(await requests(async () => expect(await read(fresh)).toBe(1))).toEqual({ get: 2 })
  clock.advance(2_000)
  expect(await requests(() => read(fresh))).toEqual({})
  clock.advance(1)
  expect(await requests(() => Promise.all([read(fresh), read(fresh), rows(db, COUNT)]))).toEqual({ get: 2 })
})

test('withinMs: a question that is under way serves those who come a little later', async () => {
  const fresh = { freshness: { withinMs: 2_000 } }
  clock.advance(2_000)
  expect(await requests(() => Promise.all([read(fresh), read(fresh), read(fresh)]))).toEqual({ get: 1 })
})

test('withinMs: a question that takes longer than that still ends the waiting', async () => {
  const slow = withOperations(bucket, {
    get: async (...args) => {
      clock.advance(500)
      return bucket.get(...args)
    },
  })
  store = counting(slow)
  db = await open({ store, clock })
  for (const withinMs of [0, 100]) {
    clock.advance(1_000)
    expect(await requests(() => read({ freshness: { withinMs } }))).toEqual({ get: 1 })
  }
})

test('withinMs: a clock that went back makes nothing recent, and is believed again after one list', async () => {
  const fresh = { freshness: { withinMs: 60_000 } }
  await insert()
  expect(await requests(async () => expect(await read(fresh)).toBe(0))).toEqual({})
  clock.advance(-2_000)
  expect(await requests(async () => expect(await read(fresh)).toBe(1))).toMatchObject({ list: 1 })
  expect(await requests(() => read(fresh))).toEqual({})
  expect(await requests(() => insert(db))).toEqual({ put: 1 })
})

test('withinMs: a request that has lasted for long does not rest on its own first question', async () => {
  clock.advance(10_000)
  await db.around(
    invocation,
    async () => {
      await read()
      await insert()
      clock.advance(10_000)
      expect(await read()).toBe(1)
    },
    { freshness: { withinMs: 5_000 } },
  )
})

test('a read says before its request, the request before the database', async () => {
  store = counting(bucket)
  db = await open({ store, clock, freshness: { withinMs: 60_000 } })
  expect(await requests(read)).toEqual({})
  expect(await requests(() => rows(db, COUNT))).toEqual({})
  const asked = await requests(() =>
    db.around(
      invocation,
      async () => {
        expect(await requests(() => read({ freshness: { withinMs: 60_000 } }))).toEqual({})
        await read()
      },
      { freshness: 'strong' },
    ),
  )
  expect(asked).toEqual({ get: 1 })
  expect(await requests(() => read({ freshness: 'strong' }))).toEqual({ get: 1 })
})

test('after a long absence a list brings the copy to the head, whatever asks for it', async () => {
  await insert()
  clock.advance(6 * 60_000)
  expect(
    await requests(async () => expect(await read({ freshness: { withinMs: 1_000 } })).toBe(1)),
  ).toMatchObject({
    list: 1,
  })
})

test.each([[{ withinMs: -1 }], [{ withinMs: Number.NaN }], [{} as Freshness]])(
  '%j is no freshness',
  async (freshness) => {
    await expect(read({ freshness })).rejects.toMatchObject({ code: 'BAD_OPTION' })
    await expect(db.around(invocation, () => read(), { freshness })).rejects.toMatchObject({
      code: 'BAD_OPTION',
    })
    await expect(open({ store: bucket, clock, freshness })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  },
)
