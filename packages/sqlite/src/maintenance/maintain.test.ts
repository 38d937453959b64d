import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { decodeLtx, readLtxTrailer } from '@thaw/ltx'
import { memoryStore, type ObjectStore } from '@thaw/store'
import { faultyStore, type SeededRandom, seededRandom } from '@thaw/testing'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { open, rows, testClock, withOperations } from '../../test/kit.ts'
import { encodeLink, linkKey } from '../chain.ts'
import { type LtxFile, listLevel } from '../files.ts'
import { restore } from '../restore.ts'
import type { SqliteDatabase } from '../types.ts'
import { maintain } from './maintain.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const LEVELS = [0, 1, 2, 3, 9]

let clock: ReturnType<typeof testClock>
let store: ObjectStore
let db: SqliteDatabase
const source = () => ({ store, description: 'the database' })

beforeEach(async () => {
  clock = testClock()
  store = memoryStore({ now: clock.now })
  db = await open({ store, clock })
  await db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)')
})

async function insert(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await db.execute('INSERT INTO t(v) VALUES (?)', [`row ${i} ${clock.now()}`])
}

async function files(level: number): Promise<string[]> {
  return (await listLevel(store, level)).map(({ first, last }) => `${first}-${last}`)
}

/** The rows of the database as of a transaction, as restored from the bucket alone. */
async function restored(to?: number): Promise<unknown[]> {
  const directory = mkdtempSync(join(tmpdir(), 'thaw-maintain-test-'))
  const path = join(directory, 'restored.db')
  try {
    await restore(source(), path, to)
    const copy = new DatabaseSync(path)
    try {
      expect(copy.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' })
      return copy
        .prepare('SELECT id, v FROM t ORDER BY id')
        .all()
        .map((row) => ({ ...row }))
    } finally {
      copy.close()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

test('levels are made when it is time, each from the one below', async () => {
  await insert(4)
  expect((await maintain(source())).created).toEqual([])
  clock.advance(31_000)
  await maintain(source())
  expect(await files(1)).toEqual(['1-5'])
  await insert(3)
  clock.advance(31_000)
  await maintain(source())
  expect(await files(1)).toEqual(['1-5', '6-8'])
  clock.advance(5 * 60_000)
  await maintain(source())
  expect(await files(2)).toEqual(['1-8'])
  clock.advance(HOUR)
  await maintain(source())
  expect(await files(3)).toEqual(['1-8'])
  expect(await restored()).toEqual(await rows(db, 'SELECT id, v FROM t ORDER BY id'))
})

test('many files are compacted whatever their age', async () => {
  await insert(20)
  await maintain(source(), { policy: { compactAtFiles: 20 } })
  expect(await files(1)).toEqual(['1-21'])
})

test('so many files that not all can be held open are compacted in several runs', async () => {
  await insert(299)
  const policy = { compactAfterMs: { 1: 0, 2: HOUR, 3: HOUR } }
  const { created } = await maintain(source(), { policy })
  expect(created).toHaveLength(2)
  expect(await files(1)).toEqual(['1-256', '257-300'])
  const copy = await open({ store })
  expect(await rows(copy, 'SELECT count(*) AS n FROM t')).toEqual([{ n: 299 }])
})

test('what is merged passes through memory piece by piece', async () => {
  const mebibyte = 1024 * 1024
  for (let i = 0; i < 2; i++) {
    await db.atomic((tx) => {
      for (let n = 0; n < 14; n++) tx.execute('INSERT INTO t(v) VALUES (randomblob(1000000))')
    })
  }
  let read = 0
  let written = 0
  let most = 0
  const counted = withOperations(store, {
    get: async (...args) => {
      const object = await store.get(...args)
      read += object?.body.length ?? 0
      most = Math.max(most, read - written)
      return object
    },
    put: (key, body, options) => {
      if (body instanceof Uint8Array || 'length' in body) return store.put(key, body, options)
      async function* counting(stream: AsyncIterable<Uint8Array>) {
        for await (const piece of stream) {
          expect(piece.length).toBeLessThan(mebibyte)
          written += piece.length
          yield piece
        }
      }
      return store.put(key, counting(body), options)
    },
  })
  const policy = { compactAtFiles: 2, snapshotAfterMs: Number.POSITIVE_INFINITY }
  await maintain({ store: counted, description: 'the database' }, { policy })
  expect(await files(1)).toEqual(['1-3'])
  expect(written).toBeGreaterThan(26 * mebibyte)
  expect(most).toBeLessThan(20 * mebibyte)
})

test('while another creates the same file, it is tried again', async () => {
  await insert(3)
  clock.advance(HOUR)
  let busy = 3
  const contended = withOperations(store, {
    put: (key, ...rest) =>
      key.startsWith('0001/') && busy-- > 0 ? Promise.resolve({ outcome: 'busy' }) : store.put(key, ...rest),
  })
  const { created } = await maintain({ store: contended, description: 'the database' })
  expect(created).toContain('0001/0000000000000001-0000000000000004.ltx')
  expect(await files(1)).toEqual(['1-4'])
})

test('a snapshot is made once a day when there is something new, and when much has to be applied', async () => {
  const daily = { policy: { compactAfterMs: { 1: 90 * DAY, 2: 90 * DAY, 3: 90 * DAY } } }
  await insert(3)
  expect((await maintain(source(), daily)).created).toEqual([])
  clock.advance(DAY)
  await maintain(source(), daily)
  expect(await files(9)).toEqual(['1-4'])
  clock.advance(DAY)
  expect((await maintain(source(), daily)).created).toEqual([])

  await db.atomic((tx) => {
    for (let i = 0; i < 300; i++) tx.execute('INSERT INTO t(v) VALUES (hex(randomblob(500)))')
  })
  const large = { policy: { ...daily.policy, snapshotAfterMs: 90 * DAY, snapshotAtBytes: 50_000 } }
  await maintain(source(), large)
  expect(await files(9)).toEqual(['1-4', '1-5'])
  expect(await restored()).toEqual(await rows(db, 'SELECT id, v FROM t ORDER BY id'))
})

test('a writer compacts by itself once enough has gathered', async () => {
  for (const upTo of [32, 64]) {
    const busy = await open({ store, clock, maintainEvery: 32 })
    while (busy.position < upTo) await busy.execute("INSERT INTO t(v) VALUES ('x')")
    await busy.close()
  }
  expect(await files(1)).toEqual(['1-32', '33-64'])
  expect(await files(0)).toHaveLength(64)
})

test('behind a compaction the history is still known: what does not continue it is refused', async () => {
  await insert(4)
  clock.advance(31_000)
  await maintain(source())
  const foreign = { txid: 5, checksum: 0xbadn, timestamp: clock.now() }
  const change = { pages: new Map([[1, new Uint8Array(4096)]]), pageCount: 2 }
  const link = encodeLink(foreign, change, 4096, 7n, clock.now())
  await store.put(link.key, link.bytes)
  await expect(restored()).rejects.toMatchObject({ code: 'HISTORY_CHANGED' })
  await expect(open({ store, clock })).rejects.toMatchObject({ code: 'HISTORY_CHANGED' })
})

test('a chain that grows the database without the pages for it is refused', async () => {
  const last = await store.get(linkKey(1))
  const { checksum } = readLtxTrailer(last?.body ?? new Uint8Array())
  const change = { pages: new Map([[1, new Uint8Array(4096)]]), pageCount: 9 }
  const link = encodeLink({ txid: 1, checksum, timestamp: clock.now() }, change, 4096, 7n, clock.now())
  await store.put(link.key, link.bytes)
  await expect(restored()).rejects.toMatchObject({
    code: 'RESTORE_CORRUPT',
    message: expect.stringContaining('lack 7 of 9'),
  })
})

test('a database that has become smaller is compacted to its new size', async () => {
  await db.atomic((tx) => {
    for (let i = 0; i < 200; i++) tx.execute('INSERT INTO t(v) VALUES (hex(randomblob(500)))')
  })
  await db.execute('DELETE FROM t WHERE id > 3')
  await db.execute('VACUUM')
  clock.advance(31_000)
  await maintain(source())
  expect(await files(1)).toEqual(['1-4'])
  for (const txid of [1, 2, 3, 4]) await store.delete([linkKey(txid)])
  expect(await restored()).toEqual(
    await rows(await open({ store, clock }), 'SELECT id, v FROM t ORDER BY id'),
  )
})

test('a cold start and a warm environment go on behind compaction and retention', async () => {
  const warm = await open({ store, clock })
  await insert(10)
  clock.advance(31_000)
  await maintain(source())
  clock.advance(2 * DAY)
  const { deleted } = await maintain(source())
  expect(deleted).toHaveLength(10)
  expect(await files(0)).toEqual(['11-11'])

  const cold = await open({ store, clock })
  expect(cold.position).toBe(11)
  await cold.execute("INSERT INTO t(v) VALUES ('from cold')")
  await warm.execute("INSERT INTO t(v) VALUES ('from warm')")
  await insert(1)
  expect(db.position).toBe(14)
  const all = await rows(db, 'SELECT * FROM t ORDER BY id')
  expect(await rows(warm, 'SELECT * FROM t ORDER BY id')).toEqual(all)
  expect(await rows(cold, 'SELECT * FROM t ORDER BY id')).toEqual(all)
  expect(await restored()).toEqual(all)
})

test('of a database that nobody writes to, nothing is made again once it has been deleted', async () => {
  await insert(10)
  for (const pause of [31_000, 5 * 60_000, HOUR, 2 * DAY, 8 * DAY]) {
    clock.advance(pause)
    await maintain(source())
  }
  expect(await Promise.all([1, 2, 3].map(files))).toEqual([[], [], ['1-11']])
  clock.advance(HOUR)
  expect(await maintain(source())).toEqual({ created: [], deleted: [] })
})

test('twice at the same time is as once', async () => {
  await insert(10)
  clock.advance(2 * HOUR)
  const [one, two] = await Promise.all([maintain(source()), maintain(source())])
  expect(one.created).toEqual(two.created)
  expect(await files(1)).toEqual(['1-11'])
  expect(await restored()).toEqual(await rows(db, 'SELECT id, v FROM t ORDER BY id'))
})

test('a damaged or foreign input makes nothing and deletes nothing', async () => {
  await insert(5)
  clock.advance(31_000)
  const third = await store.get(linkKey(3))
  const damaged = third?.body.map((byte, i) => (i === 150 ? byte ^ 1 : byte)) ?? new Uint8Array()
  await store.put(linkKey(3), damaged)
  clock.advance(31_000)
  const before = await names()
  await expect(maintain(source())).rejects.toMatchObject({ code: 'RESTORE_CORRUPT' })
  expect(await names()).toEqual(before)
})

test('inputs of two histories make nothing', async () => {
  await insert(5)
  const third = await store.get(linkKey(3))
  const { pages, header } = decodeLtx(third?.body ?? new Uint8Array())
  const change = { pages: new Map(pages.map(({ number, data }) => [number, data])), pageCount: header.commit }
  const foreign = encodeLink({ txid: 2, checksum: 0xbadn, timestamp: 1 }, change, header.pageSize, 7n, 2)
  await store.put(linkKey(3), foreign.bytes)
  clock.advance(31_000)
  const before = await names()
  await expect(maintain(source())).rejects.toMatchObject({ code: 'HISTORY_CHANGED' })
  expect(await names()).toEqual(before)
})

test('a file that is cut off is named', async () => {
  await insert(5)
  const last = await store.get(linkKey(6))
  await store.put(linkKey(6), last?.body.subarray(0, -8) ?? new Uint8Array())
  clock.advance(31_000)
  await expect(maintain(source())).rejects.toMatchObject({
    code: 'RESTORE_CORRUPT',
    message: expect.stringContaining(linkKey(6)),
  })
})

async function names(): Promise<string[]> {
  const found: string[] = []
  for (const level of LEVELS) for (const { key } of await listLevel(store, level)) found.push(key)
  return found
}

test('a file that retention takes away during a restore is planned around', async () => {
  await insert(8)
  clock.advance(31_000)
  await maintain(source())
  const expected = await rows(db, 'SELECT id, v FROM t ORDER BY id')
  let taken = false
  const inner = store
  store = withOperations(inner, {
    get: async (key, options) => {
      if (!taken && key.startsWith('0001/')) {
        taken = true
        await inner.delete([key])
      }
      return inner.get(key, options)
    },
  })
  expect(await restored()).toEqual(expected)
  expect(taken).toBe(true)
})

/** Weeks of writing, compaction and retention, some runs of which die. */
async function live(random: SeededRandom): Promise<Map<number, unknown[]>> {
  const states = new Map<number, unknown[]>()
  const remember = async () => states.set(db.position, await rows(db, 'SELECT id, v FROM t ORDER BY id'))
  await remember()
  for (let day = 0; day < 40; day++) {
    for (let burst = random.integer(0, 3); burst > 0; burst--) {
      for (let i = random.integer(1, 6); i > 0; i--) {
        await insert(1)
        if (random.chance(0.2)) await db.execute('DELETE FROM t WHERE id % 7 = ?', [random.integer(0, 6)])
        await remember()
      }
      clock.advance(random.integer(1_000, 3 * HOUR))
      const dying = faultyStore(store, () =>
        random.chance(0.05) ? { kind: 'unavailable' as const } : undefined,
      )
      await maintain({ store: random.chance(0.3) ? dying : store, description: 'd' }).catch(() => undefined)
    }
    clock.advance(random.integer(1, 30) * HOUR)
    await maintain(source()).catch(() => undefined)
  }
  return states
}

test('nothing goes that a restore point which is still there needs, and what is not needed goes', async () => {
  const seed = process.env.THAW_SEED ?? 'retention'
  onTestFinished(({ task }) => {
    if (task.result?.state === 'fail') console.log(`seed ${seed}`)
  })
  const states = await live(seededRandom(seed))
  const kept: LtxFile[] = []
  for (const level of LEVELS) kept.push(...(await listLevel(store, level)))
  const points = new Set(kept.map(({ last }) => last))
  for (const point of points) {
    if (states.has(point))
      expect(await restored(point), `as of transaction ${point}`).toEqual(states.get(point))
  }
  expect(points.has(db.position)).toBe(true)
  expect(points.size).toBeGreaterThan(10)
  // Single transactions are kept for a day behind their compaction, so most have gone.
  expect(kept.filter(({ level }) => level === 0).length).toBeLessThan(states.size / 2)
})
