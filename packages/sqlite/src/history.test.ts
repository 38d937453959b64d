import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { memoryStore, type ObjectStore } from '@thaw/store'
import { beforeEach, expect, test } from 'vitest'
import { open, rows, temporaryDirectory, testClock } from '../test/kit.ts'
import { EMPTY_CHAIN, encodeLink, linkKey } from './chain.ts'
import type { SqliteDatabase } from './types.ts'

let store: ObjectStore
let db: SqliteDatabase
const clock = testClock()

beforeEach(async () => {
  store = memoryStore()
  db = await open({ store, clock })
  await db.execute('CREATE TABLE t(v)')
  for (let i = 0; i < 5; i++) await db.execute('INSERT INTO t VALUES (?)', [i])
})

async function damage(txid: number, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  const object = await store.get(linkKey(txid))
  if (!object) throw new Error(`there is no transaction ${txid}`)
  await store.put(linkKey(txid), change(object.body))
}

async function keys(): Promise<string[]> {
  const found: string[] = []
  for await (const { key, etag } of store.list('')) found.push(`${key} ${etag}`)
  return found
}

test('a missing object is named, and nothing is written', async () => {
  await store.delete([linkKey(3)])
  const before = await keys()
  await expect(open({ store })).rejects.toMatchObject({
    code: 'RESTORE_GAP',
    message: expect.stringContaining(linkKey(3)),
  })
  expect(await keys()).toEqual(before)
})

test.each([
  ['cut short', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 7)],
  ['empty', () => new Uint8Array()],
  ['with one bit turned', (bytes: Uint8Array) => bytes.map((byte, i) => (i === 200 ? byte ^ 4 : byte))],
  ['no LTX file', () => new TextEncoder().encode('hello')],
])('an object %s is named, and nothing is written', async (_what, change) => {
  await damage(4, change)
  const before = await keys()
  await expect(open({ store })).rejects.toMatchObject({
    code: 'RESTORE_CORRUPT',
    message: expect.stringContaining(linkKey(4)),
  })
  expect(await keys()).toEqual(before)
})

test('an object under the name of another is not believed', async () => {
  const third = await store.get(linkKey(3))
  await damage(4, () => third?.body ?? new Uint8Array())
  await expect(open({ store })).rejects.toMatchObject({ code: 'RESTORE_CORRUPT' })
})

test('an object of another history does not fit into the chain', async () => {
  const elsewhere = memoryStore()
  const foreign = await open({ store: elsewhere })
  await foreign.execute('CREATE TABLE t(v)')
  for (let i = 0; i < 5; i++) await foreign.execute('INSERT INTO t VALUES (?)', [`foreign ${i}`])
  const theirs = await elsewhere.get(linkKey(4))
  await damage(4, () => theirs?.body ?? new Uint8Array())
  await expect(open({ store })).rejects.toMatchObject({ code: 'HISTORY_CHANGED' })
})

test('a replica whose database was replaced says so once, then starts from what is there', async () => {
  const old = await open({ store, clock })
  for (const txid of [1, 2, 3, 4, 5, 6]) await store.delete([linkKey(txid)])
  const replacement = await open({ store })
  await replacement.execute('CREATE TABLE other(v)')
  for (let i = 0; i < 7; i++) await replacement.execute('INSERT INTO other VALUES (?)', [i])
  await expect(old.execute('INSERT INTO t VALUES (9)')).rejects.toMatchObject({ code: 'HISTORY_CHANGED' })
  expect(await rows(old, 'SELECT count(*) AS n FROM other')).toEqual([{ n: 7 }])
})

test('a writer that waits for its turn is told that its database was replaced', async () => {
  const distant: ObjectStore = {
    ...store,
    put: (...args) => {
      clock.advance(20)
      return store.put(...args)
    },
  }
  const [waiting, other] = [await open({ store: distant, clock }), await open({ store: distant, clock })]
  for (const writer of [waiting, other, waiting]) await writer.execute('INSERT INTO t VALUES (5)')
  // Now it is the other one's turn.
  const elsewhere = memoryStore()
  const foreign = await open({ store: elsewhere })
  await foreign.execute('CREATE TABLE t(v)')
  for (let i = 0; i < 20; i++) await foreign.execute("INSERT INTO t VALUES ('foreign')")
  for await (const { key } of elsewhere.list('')) {
    await store.put(key, (await elsewhere.get(key))?.body ?? new Uint8Array())
  }
  await expect(waiting.execute('INSERT INTO t VALUES (8)')).rejects.toMatchObject({ code: 'HISTORY_CHANGED' })
  expect(await rows(waiting, 'SELECT DISTINCT v FROM t')).toEqual([{ v: 'foreign' }])
})

test('a replica whose database was wiped notices when it has been away', async () => {
  for (const txid of [1, 2, 3, 4, 5, 6]) await store.delete([linkKey(txid)])
  clock.advance(10 * 60_000)
  await expect(rows(db, 'SELECT * FROM t')).rejects.toMatchObject({ code: 'HISTORY_CHANGED' })
})

test('who was away knows its own transaction by the end of it, however large that is', async () => {
  let fetched = 0
  const counted: ObjectStore = {
    ...store,
    get: async (...args) => {
      const object = await store.get(...args)
      fetched += object?.body.length ?? 0
      return object
    },
  }
  const away = await open({ store: counted, clock })
  await away.execute('INSERT INTO t VALUES (randomblob(3000000))')
  const { position } = away
  clock.advance(10 * 60_000)
  fetched = 0
  expect(await rows(away, 'SELECT max(length(v)) AS n FROM t')).toEqual([{ n: 3_000_000 }])
  expect(fetched).toBeLessThan(100_000)
  expect(away.position).toBe(position)
  // And another one of its name it does not take for its own.
  const foreign = await store.get(linkKey(2))
  await store.put(linkKey(position), foreign?.body ?? new Uint8Array())
  clock.advance(10 * 60_000)
  await expect(rows(away, 'SELECT 1')).rejects.toMatchObject({ code: 'HISTORY_CHANGED' })
})

test('an environment that found nothing takes over what somebody else created, page size and all', async () => {
  const empty = memoryStore()
  const early = await open({ store: empty, clock })
  const path = join(temporaryDirectory(), 'other.db')
  const other = new DatabaseSync(path)
  other.exec(
    "PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; CREATE TABLE t(v); INSERT INTO t VALUES ('theirs')",
  )
  other.close()
  const file = readFileSync(path)
  const pages = new Map<number, Uint8Array>()
  for (let at = 0; at < file.length; at += 1024) pages.set(at / 1024 + 1, file.subarray(at, at + 1024))
  const link = encodeLink(EMPTY_CHAIN, { pages, pageCount: pages.size }, 1024, 1n, clock.now())
  await empty.put(link.key, link.bytes)

  await early.execute('CREATE TABLE IF NOT EXISTS t(v)')
  await early.execute("INSERT INTO t VALUES ('mine')")
  expect(await rows(await open({ store: empty }), 'SELECT v FROM t')).toEqual([
    { v: 'theirs' },
    { v: 'mine' },
  ])
})

test('two environments that create the database start from one', async () => {
  const empty = memoryStore()
  const [a, b] = [await open({ store: empty }), await open({ store: empty })]
  const create = (db: SqliteDatabase, v: string) =>
    db.atomic((tx) => {
      tx.execute('CREATE TABLE IF NOT EXISTS t(v)')
      tx.execute('INSERT INTO t VALUES (?)', [v])
    })
  await Promise.all([create(a, 'a'), create(b, 'b')])
  const all = await rows(a, 'SELECT v FROM t ORDER BY v')
  expect(all).toEqual([{ v: 'a' }, { v: 'b' }])
  expect(await rows(b, 'SELECT v FROM t ORDER BY v')).toEqual(all)
})
