import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { memoryStore, type ObjectStore } from '@thaw/store'
import { latencyStore, seededRandom } from '@thaw/testing'
import { expect, onTestFinished, test, vi } from 'vitest'
import {
  counting,
  lostAnswer,
  open,
  rows,
  temporaryDirectory,
  testClock,
  withOperations,
} from '../../test/kit.ts'
import { contents, contentsOfFile, perform, workload } from '../../test/workload.ts'
import { Chain, linkKey } from '../chain.ts'
import { maintain } from '../maintenance/maintain.ts'
import { writePages } from '../page-file.ts'
import { exportDatabase } from './export.ts'
import { restoreInPlace } from './restore-in-place.ts'
import { succeeding } from './successor.ts'

const source = (store: ObjectStore) => ({ store, description: 'the database' })

test.each([512, 4096, 65_536])(
  'a state of the past comes back row for row, to warm copies and to new ones: pages of %i bytes',
  async (pageSize) => {
    const seed = `restore-in-place/${pageSize}`
    const random = seededRandom(seed)
    const store = memoryStore()
    const db = await open({ store, pageSize, maintainEvery: 0, autoVacuum: 'incremental' })
    const other = await open({ store, maintainEvery: 0 })
    const steps = workload(random, pageSize)
    const states = new Map<number, unknown>()
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 5; n++) {
        await perform(random.chance(0.5) ? db : other, steps.next().value)
        await db.execute('SELECT 1')
        states.set(db.position, await contents(db))
      }
      if (round === 2) await maintain(source(store), { policy: { compactAtFiles: 5, snapshotAtBytes: 1 } })
      const head = db.position
      const to = random.pick([...states.keys()])
      const message = `seed ${seed}, round ${round}: from transaction ${head} to ${to}`
      const result = await restoreInPlace(source(store), { to })
      expect(await contents(db), message).toEqual(states.get(to))
      expect(await contents(other), message).toEqual(states.get(to))
      const file = join(temporaryDirectory(), 'new.db')
      await exportDatabase(source(store), file)
      expect(contentsOfFile(file), message).toEqual(states.get(to))
      if (result.txid === null) expect(states.get(head), message).toEqual(states.get(to))
      else expect(result, message).toMatchObject({ before: head, txid: head + 1, to })
      // Undone: the workload goes on with the tables that it knows.
      await restoreInPlace(source(store), { to: head })
      expect(await contents(other), `${message}, undone`).toEqual(states.get(head))
    }
  },
)

test('smaller and larger than the head, undone, and undone again', async () => {
  const store = memoryStore()
  const db = await open({ store })
  await db.execute('CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)')
  await db.execute(
    'WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i, zeroblob(1000) FROM n',
  )
  await db.execute('DELETE FROM t WHERE a > 3')
  await db.execute('VACUUM')
  const count = async () => (await rows(db, 'SELECT count(*) AS n FROM t'))[0]
  const grown = await restoreInPlace(source(store), { to: 2 })
  expect(grown).toMatchObject({ before: 4, txid: 5, to: 2, pageSize: 4096 })
  expect(grown.bytes).toBeGreaterThan(grown.bytesBefore)
  expect(await count()).toEqual({ n: 300 })
  expect(await restoreInPlace(source(store), { to: 4 })).toMatchObject({ txid: 6, bytes: grown.bytesBefore })
  expect(await count()).toEqual({ n: 3 })
  expect(await restoreInPlace(source(store), { to: 5 })).toMatchObject({ txid: 7, bytes: grown.bytes })
  expect(await count()).toEqual({ n: 300 })
  expect(await rows(db, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
})

/** Three schemas of one table, the second and the third with as many changes of the schema behind them. */
async function threeSchemas() {
  const store = memoryStore()
  const db = await open({ store })
  const write = (...statements: string[]) =>
    db.atomic((tx) => {
      for (const sql of statements) tx.execute(sql)
    })
  await write('CREATE TABLE t(a, b)', 'CREATE TABLE gone(z)', "INSERT INTO t VALUES ('a', 'b')")
  await write(
    'DROP TABLE t',
    'CREATE TABLE t(x)',
    'ALTER TABLE gone RENAME TO renamed',
    "INSERT INTO t VALUES ('x')",
  )
  return { store, db, write }
}

test('open copies with statements of the newer schema see the older one, and the next', async () => {
  const { store, write } = await threeSchemas()
  const warm = await open({ store })
  const all = 'SELECT * FROM t'
  expect(await rows(warm, all)).toEqual([{ x: 'x' }])
  await warm.execute("INSERT INTO t VALUES ('y')")
  await restoreInPlace(source(store), { to: 1 })
  expect(await rows(warm, all)).toEqual([{ a: 'a', b: 'b' }])
  expect(await rows(warm, 'SELECT * FROM gone')).toEqual([])
  await expect(warm.execute('SELECT * FROM renamed')).rejects.toThrow('no such table: renamed')
  await expect(warm.execute("INSERT INTO t VALUES ('y')")).rejects.toThrow('t has 2 columns')
  await write('DROP TABLE t', 'CREATE TABLE t(p, q, r)', "INSERT INTO t VALUES ('p', 'q', 'r')")
  expect(await rows(warm, all)).toEqual([{ p: 'p', q: 'q', r: 'r' }])
})

test('a connection that never closes, over the same pages, is not mistaken about the schema either', async () => {
  const { store, write } = await threeSchemas()
  const path = join(temporaryDirectory(), 'kept-open.db')
  const chain = new Chain(store, 'the database')
  /** Puts a transaction into the file under the connection, as one that needs no log. */
  const apply = async (txid: number) => {
    const link = await chain.fetch(txid)
    if (!link) throw new Error(`there is no transaction ${txid}`)
    link.pages.get(1)?.fill(1, 18, 20)
    writePages(path, link.pageSize, link.pages, link.pageCount)
  }
  await apply(1)
  await apply(2)
  const kept = new DatabaseSync(path, { readOnly: true })
  onTestFinished(() => kept.close())
  const all = kept.prepare('SELECT * FROM t')
  expect(all.all().map((row) => ({ ...row }))).toEqual([{ x: 'x' }])
  const { schema_version: seen } = kept.prepare('PRAGMA schema_version').get() ?? {}

  await restoreInPlace(source(store), { to: 1 })
  const changes = Number(seen) - 3
  for (let n = 0; n < changes; n++) await write(`CREATE INDEX i${n} ON t(a)`)
  await write('ALTER TABLE t ADD COLUMN c')
  // It sees nothing of what came in between: were the counters to begin again, they would now be those that it knows.
  for (let txid = 3; await chain.fetch(txid); txid++) await apply(txid)
  expect(all.all().map((row) => ({ ...row }))).toEqual([{ a: 'a', b: 'b', c: null }])
})

test('the counters of page 1 go on from the higher of the two, and the page count is right', () => {
  const page = (change: number, cookie: number) => {
    const view = new DataView(new ArrayBuffer(512))
    for (const offset of [24, 92]) view.setUint32(offset, change)
    view.setUint32(40, cookie)
    return new Uint8Array(view.buffer)
  }
  const counters = (image: Uint8Array) => {
    const view = new DataView(image.buffer)
    return [24, 28, 40, 92].map((offset) => view.getUint32(offset))
  }
  expect(counters(succeeding(page(5, 2), page(9, 7), 3))).toEqual([10, 3, 8, 10])
  expect(counters(succeeding(page(9, 7), page(5, 2), 3))).toEqual([10, 3, 8, 10])
  expect(counters(succeeding(page(2 ** 32 - 1, 0), page(5, 2), 3))).toEqual([0, 3, 3, 0])
})

test('a dry run tells what would be done; nothing is done where nothing differs, and nothing is left behind', async () => {
  const memory = memoryStore()
  const db = await open({ store: memory })
  await db.execute('CREATE TABLE t(a)')
  await db.execute('INSERT INTO t VALUES (1)')
  const temporary = temporaryDirectory()
  vi.stubEnv('TMPDIR', temporary)
  onTestFinished(() => void vi.unstubAllEnvs())
  const store = counting(memory)
  const told = await restoreInPlace(source(store), { to: 1 }, { approve: () => false })
  expect(store.calls.put).toBe(0)
  expect(told).toMatchObject({ before: 2, txid: null, to: 1, pages: 1, bytes: 8192, bytesBefore: 8192 })
  const done = await restoreInPlace(source(store), { to: 1 })
  expect(done).toEqual({ ...told, txid: 3 })
  expect(done.published).toBe((await memory.get(linkKey(3)))?.size)
  store.calls.put = 0
  expect(await restoreInPlace(source(store), { to: 1 })).toMatchObject({ before: 3, txid: null, pages: 0 })
  expect(await restoreInPlace(source(store), {})).toMatchObject({
    before: 3,
    txid: null,
    pages: 0,
    published: 0,
  })
  expect(store.calls.put).toBe(0)
  for (const [moment, code] of [
    [{ to: 9 }, 'NO_RESTORE_POINT'],
    [{ at: 1 }, 'NO_RESTORE_POINT'],
  ] as const) {
    await expect(restoreInPlace(source(memory), moment)).rejects.toMatchObject({ code })
  }
  const empty = restoreInPlace(source(memoryStore()), { to: 1 })
  await expect(empty).rejects.toMatchObject({ code: 'DATABASE_EMPTY' })
  expect(readdirSync(temporary)).toEqual([])
})

/** A store before whose puts of transactions somebody else does something. */
function racing(store: ObjectStore, before: (attempt: number) => Promise<unknown>): ObjectStore {
  let attempts = 0
  return withOperations(store, {
    put: async (key, ...rest) => {
      if (key.startsWith('0000/')) await before(++attempts)
      return store.put(key, ...rest)
    },
  })
}

test('whoever writes meanwhile wins or loses as against any other writer, and what it wrote is undone too', async () => {
  const store = memoryStore()
  const db = await open({ store, autoVacuum: 'full' })
  await db.execute('CREATE TABLE quiet(a)')
  await db.execute('CREATE TABLE t(a, b)')
  await db.execute("INSERT INTO t VALUES (1, 'kept')")
  await db.execute('INSERT INTO t VALUES (2, zeroblob(30000))')
  const state = await rows(db, 'SELECT a, length(b) AS n FROM t')
  const steps = [
    'INSERT INTO quiet VALUES (1)', // on a page that did not differ
    'UPDATE t SET b = zeroblob(90000) WHERE a = 2', // larger than the state to come
    'DELETE FROM t', // smaller than that
    'DROP TABLE t',
    'CREATE TABLE other(z)',
  ]
  await db.execute("UPDATE t SET b = 'changed'")
  const store2 = racing(store, async (attempt) => {
    const sql = steps[attempt - 1]
    if (sql) await db.execute(sql)
  })
  expect(await restoreInPlace(source(store2), { to: 4 })).toMatchObject({ before: 10, txid: 11 })
  expect(await rows(db, 'SELECT * FROM quiet')).toEqual([])
  expect(await rows(db, 'SELECT a, length(b) AS n FROM t')).toEqual(state)
  expect(await rows(db, "SELECT name FROM sqlite_schema WHERE name = 'other'")).toEqual([])
  expect(await rows(db, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
})

test('it gets its turn beside a writer that never pauses', async () => {
  const memory = memoryStore()
  const seed = 'restore-in-place/turns'
  const random = seededRandom(seed)
  const far = () => latencyStore(memory, { putMs: 20, getMs: 10, jitter: 0.3, random })
  const db = await open({ store: far() })
  await db.execute('CREATE TABLE t(a)')
  await db.execute('INSERT INTO t VALUES (0)')
  let stop = false
  const writing = (async () => {
    while (!stop) await db.execute('UPDATE t SET a = a + 1')
  })()
  try {
    for (let n = 0; n < 3; n++) {
      const { before, txid, pages } = await restoreInPlace(source(far()), { to: 2 })
      expect(txid, `seed ${seed}`).toBe(pages === 0 ? null : before + 1)
    }
  } finally {
    stop = true
    await writing
  }
})

test('it gives up when others are faster every time, and has changed nothing', async () => {
  const store = memoryStore()
  const db = await open({ store })
  await db.execute('CREATE TABLE t(a)')
  await db.execute('INSERT INTO t VALUES (0)')
  const beaten = racing(store, () => db.execute('UPDATE t SET a = a + 1'))
  const refused = restoreInPlace(source(beaten), { to: 1 })
  await expect(refused).rejects.toMatchObject({ code: 'CONFLICT', retryable: true })
  await expect(refused).rejects.toThrow('100 times in a row')
  expect(await rows(db, 'SELECT a FROM t')).toEqual([{ a: 100 }])
})

test('after more than five minutes the head is proven anew by a list, also when it is compacted and gone', async () => {
  for (const retired of [false, true]) {
    const clock = testClock()
    const store = memoryStore({ now: clock.now })
    const db = await open({ store, clock, maintainEvery: 0 })
    for (let n = 1; n <= 3; n++) await db.execute(`CREATE TABLE t${n}(a)`)
    let late = false
    const slow = withOperations(store, {
      get: async (...args) => {
        const object = await store.get(...args)
        // The newest transaction is read twice: as the head, and as the state to come before that.
        if (args[0] === linkKey(3) && !late) {
          late = true
          clock.advance(6 * 60_000)
          for (let n = 4; n <= 6; n++) await db.execute(`CREATE TABLE t${n}(a)`)
          if (retired) {
            await maintain(source(store), { policy: { compactAtFiles: 3 } })
            await store.delete([3, 4, 5].map(linkKey))
          }
        }
        return object
      },
    })
    const result = await restoreInPlace(source(slow), { to: 2 }, { clock })
    expect(result).toMatchObject({ before: 6, txid: 7 })
    const tables = await rows(
      db,
      "SELECT group_concat(name) AS names FROM sqlite_schema WHERE type = 'table'",
    )
    expect(tables).toEqual([{ names: 't1,t2' }])
  }
})

test('the state of one database does not go onto another one that has taken its place', async () => {
  const store = memoryStore()
  const db = await open({ store })
  for (let n = 1; n <= 3; n++) await db.execute(`CREATE TABLE t${n}(a)`)
  let wiped = false
  const replaced = withOperations(store, {
    get: async (...args) => {
      const object = await store.get(...args)
      if (args[0] === linkKey(2) && !wiped) {
        wiped = true
        await store.delete([1, 2, 3].map(linkKey))
        await (await open({ store })).execute('CREATE TABLE other(a)')
      }
      return object
    },
  })
  const refused = restoreInPlace(source(replaced), { to: 2 })
  await expect(refused).rejects.toMatchObject({ code: 'HISTORY_CHANGED' })
  expect(await store.get(linkKey(2))).toBeNull()
})

test('a lost answer is settled by what is in the bucket; where that cannot be had, repeating does no harm', async () => {
  const clock = testClock()
  const store = memoryStore({ now: clock.now })
  const db = await open({ store, clock })
  await db.execute('CREATE TABLE t(a)')
  await db.execute('INSERT INTO t VALUES (1)')
  let puts = 0
  const losing = withOperations(store, {
    put: async (key, ...rest) => {
      const answer = await store.put(key, ...rest)
      if (key.startsWith('0000/') && ++puts === 1) throw lostAnswer(key)
      return answer
    },
  })
  expect(await restoreInPlace(source(losing), { to: 1 }, { clock })).toMatchObject({ txid: 3 })
  const silent = withOperations(store, {
    put: async (key, ...rest) => {
      await store.put(key, ...rest)
      throw lostAnswer(key)
    },
    get: async (key, ...rest) => {
      if (key === linkKey(4)) throw lostAnswer(key)
      return store.get(key, ...rest)
    },
  })
  const unknown = restoreInPlace(source(silent), { to: 2 }, { clock })
  await expect(unknown).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  expect(await restoreInPlace(source(store), { to: 2 }, { clock })).toMatchObject({ before: 4, txid: null })
  expect(await rows(db, 'SELECT a FROM t')).toEqual([{ a: 1 }])
})

test('keys that were recorded after the state are forgotten with what they stand for', async () => {
  const store = memoryStore()
  const db = await open({ store })
  await db.execute('CREATE TABLE t(a)')
  const add = (key: string) =>
    db.atomic((tx) => tx.execute('INSERT INTO t VALUES (?)', [key]).changes, { key })
  await add('before')
  const { position } = db
  await add('after')
  await restoreInPlace(source(store), { to: position })
  await add('before')
  await add('after')
  expect(await rows(db, 'SELECT a FROM t')).toEqual([{ a: 'before' }, { a: 'after' }])
})

test.each([
  ['an older one', [3, 4, 5, 6]],
  ['none', [1, 2, 3, 4, 5, 6]],
])('a state that is removed once it was chosen is refused, where %s could still be had', async (_, gone) => {
  const store = memoryStore()
  const db = await open({ store, maintainEvery: 0 })
  for (let txid = 1; txid <= 7; txid++) await db.execute(`CREATE TABLE t${txid}(a)`)
  await maintain(source(store), { policy: { compactAtFiles: 20, snapshotAtBytes: 1 } })
  const count = async () => {
    let objects = 0
    for await (const _ of store.list('')) objects++
    return objects
  }
  const before = await count()
  let lists = 0
  const racing: ObjectStore = {
    ...store,
    async *list(prefix, options) {
      // The first five are how it is chosen.
      if (++lists === 6) await store.delete(gone.map(linkKey))
      yield* store.list(prefix, options)
    },
  }
  await expect(restoreInPlace(source(racing), { to: 4 })).rejects.toMatchObject({ code: 'NO_RESTORE_POINT' })
  expect(await count()).toBe(before - gone.length)
})
