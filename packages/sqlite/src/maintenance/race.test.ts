import { memoryStore, type ObjectStore } from '@thaw/store'
import { beforeEach, expect, test } from 'vitest'
import { open, rows, testClock, withOperations } from '../../test/kit.ts'
import { linkKey } from '../chain.ts'
import { listLevel } from '../files.ts'
import type { SqliteDatabase } from '../types.ts'
import { maintain } from './maintain.ts'

// An environment may be frozen for days between two of its requests, and retention goes by meanwhile.

const DAY = 86_400_000
const ALL = 'SELECT id, v FROM t ORDER BY id'

let clock: ReturnType<typeof testClock>
let inner: ObjectStore
/** As the environment that is frozen reaches the bucket. */
let store: ObjectStore
let db: SqliteDatabase
/** Runs once, at the first request it fits. */
let passes: {
  readonly operation: 'get' | 'list'
  readonly key: string
  readonly run: () => Promise<void>
} | null

beforeEach(async () => {
  clock = testClock()
  inner = memoryStore({ now: clock.now })
  passes = null
  const pass = async (operation: 'get' | 'list', key: string) => {
    if (passes?.operation !== operation || passes.key !== key) return
    const { run } = passes
    passes = null
    await run()
  }
  store = withOperations(inner, {
    async get(key, options) {
      await pass('get', key)
      return inner.get(key, options)
    },
    async *list(prefix, options) {
      await pass('list', prefix)
      yield* inner.list(prefix, options)
    },
  })
  db = await open({ store: inner, clock })
  await db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)')
  for (let i = 1; i <= 10; i++) await insert()
})

async function insert(): Promise<void> {
  await db.execute('INSERT INTO t(v) VALUES (?)', [`at ${clock.now()}`])
}

const maintained = () => maintain({ store: inner, description: 'the database' })

async function compactAndAge(): Promise<void> {
  clock.advance(31_000)
  await maintained()
  clock.advance(2 * DAY)
}

test('its own transaction goes after it was listed', async () => {
  const warm = await open({ store, clock })
  await compactAndAge()
  passes = {
    operation: 'get',
    key: linkKey(11),
    run: async () => {
      await insert()
      await maintained()
    },
  }
  expect(await rows(warm, ALL)).toEqual(await rows(db, ALL))
  expect(passes).toBeNull()
  expect((await listLevel(inner, 0)).map(({ last }) => last)).toEqual([12])
})

test('the transactions to follow go after they were listed', async () => {
  const warm = await open({ store, clock })
  for (let i = 1; i <= 3; i++) await insert()
  await compactAndAge()
  passes = {
    operation: 'get',
    key: linkKey(12),
    run: async () => {
      await maintained()
    },
  }
  expect(await rows(warm, ALL)).toEqual(await rows(db, ALL))
  expect(passes).toBeNull()
})

test('a run that died left a hole in what was to follow', async () => {
  const warm = await open({ store, clock })
  for (let i = 1; i <= 3; i++) await insert()
  await compactAndAge()
  await inner.delete([linkKey(13)])
  expect(await rows(warm, ALL)).toEqual(await rows(db, ALL))
})

test('the lists of a restore are days apart', async () => {
  passes = {
    operation: 'list',
    key: '0000/',
    run: async () => {
      await compactAndAge()
      await maintained()
    },
  }
  const cold = await open({ store, clock })
  expect(passes).toBeNull()
  expect(await rows(cold, ALL)).toEqual(await rows(db, ALL))
})

test('a gap that stays is told, whoever finds it', async () => {
  const warm = await open({ store, clock })
  for (let i = 1; i <= 3; i++) await insert()
  clock.advance(2 * DAY)
  await inner.delete([linkKey(13)])
  const gap = { code: 'RESTORE_GAP', message: expect.stringContaining('0000/000000000000000d') }
  await expect(rows(warm, ALL)).rejects.toMatchObject(gap)
  await expect(open({ store, clock })).rejects.toMatchObject(gap)
})
