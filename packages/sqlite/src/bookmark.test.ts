import { decodeLtx, encodeLtx } from '@thaw/ltx'
import { memoryStore, type ObjectStore } from '@thaw/store'
import { beforeEach, describe, expect, test } from 'vitest'
import { counting, open, rows, withOperations } from '../test/kit.ts'
import {
  bookmarkOf,
  COUNT,
  clearCalls,
  countRows,
  insertRows,
  invocation,
  type OneTable,
  oneTable,
  readCount,
} from '../test/one-table.ts'
import { formatBookmark, parseBookmark } from './bookmark.ts'
import { linkKey } from './chain.ts'
import { listLevel } from './files.ts'
import type { SqliteDatabase } from './index.ts'
import { maintain } from './maintenance/maintain.ts'
import { mergeFiles } from './maintenance/merge.ts'

const DAY = 24 * 3_600_000

let clock: OneTable['clock']
let bucket: ObjectStore
let store: OneTable['store']
let db: SqliteDatabase
let writer: SqliteDatabase

beforeEach(async () => {
  ;({ clock, bucket, store, db, writer } = await oneTable())
})

const insert = (count: number, by = writer) => insertRows(by, count)
const readAt = (bookmark: string, from = db) => readCount(from, { freshness: { bookmark } })

describe('a bookmark', () => {
  test('is a short text that a header can carry, and says what it was made of', () => {
    for (const bookmark of [
      { identity: 0xfedc_ba98_7654_3210n, txid: 1 },
      { identity: 0x8000_0000_0000_0000n, txid: 4711 },
      { identity: null, txid: Number.MAX_SAFE_INTEGER },
    ]) {
      const text = formatBookmark(bookmark)
      expect(text).toMatch(/^[0-9a-f-]{1,31}$/)
      expect(parseBookmark(text)).toEqual(bookmark)
    }
  })

  test.each([
    '',
    'x',
    '0-',
    '0-0',
    '0-01',
    '-1',
    '0-1\r\nx: y',
    'FEDCBA9876543210-1',
    '0-20000000000000',
    '1-1',
  ])('%j is none', async (text) => {
    await expect(readAt(text)).rejects.toMatchObject({ code: 'BOOKMARK_MALFORMED' })
    const freshness = { bookmark: text }
    const request = db.around(invocation, async () => expect.unreachable(), { freshness })
    await expect(request).rejects.toMatchObject({ code: 'BOOKMARK_MALFORMED' })
    expect(store.calls).toMatchObject({ get: 0, list: 0 })
  })

  test('is null while there is nothing to be seen', async () => {
    const empty = await open({ store: memoryStore(), clock })
    expect(empty.bookmark).toBe(null)
    await rows(empty, 'SELECT 1')
    expect(empty.bookmark).toBe(null)
    await empty.execute('CREATE TABLE t(v)')
    expect(empty.bookmark).toMatch(/^[0-9a-f]{16}-1$/)
  })
})

describe('a read from a bookmark on', () => {
  test('asks nothing where the copy is as new, however old the last proof is', async () => {
    await readAt(await insert(3))
    const bookmark = bookmarkOf(db)
    clock.advance(10 * DAY)
    clearCalls(store)
    expect(await readAt(bookmark)).toBe(3)
    expect(store.calls).toMatchObject({ get: 0, list: 0 })
  })

  test('sees what was written elsewhere, and asks for exactly what it lacks', async () => {
    const bookmark = await insert(3)
    await insert(2)
    expect(await readAt(bookmark)).toBe(3)
    expect(store.calls).toMatchObject({ get: 3, list: 0 })
    expect(db.position).toBe(4)
  })

  test('far behind, lists once, and serves all who wait for it', async () => {
    const early = await insert(10)
    const late = await insert(10)
    expect(await Promise.all([readAt(late), readAt(early), readAt(late)])).toEqual([20, 20, 20])
    expect(store.calls.list).toBe(1)
  })

  test('lists after a long absence, as every reader does then', async () => {
    const bookmark = await insert(1)
    clock.advance(6 * 60_000)
    expect(await readAt(bookmark)).toBe(1)
    expect(store.calls.list).toBe(1)
  })

  test('waits for the PUT of its own environment, and asks nothing, when that is what it lacks', async () => {
    let arrived = () => {}
    let answer = () => {}
    const [hasArrived, mayAnswer] = [
      new Promise<void>((resolve) => {
        arrived = resolve
      }),
      new Promise<void>((resolve) => {
        answer = resolve
      }),
    ]
    const slow = counting(
      withOperations(bucket, {
        put: async (key, body, options) => {
          const result = await bucket.put(key, body, options)
          arrived()
          await mayAnswer
          return result
        },
      }),
    )
    const publisher = await open({ store: slow, clock })
    const written = insert(1, publisher)
    await hasArrived
    const elsewhere = await readElsewhere()
    const getsBefore = slow.calls.get
    const seen = readAt(elsewhere, publisher)
    answer()
    expect(await seen).toBe(1)
    expect(await written).toBe(elsewhere)
    expect(slow.calls.get).toBe(getsBefore)
  })

  /** The bookmark of an environment that looked at the bucket. */
  async function readElsewhere(): Promise<string> {
    await rows(writer, COUNT)
    return bookmarkOf(writer)
  }

  test('asks by itself when that PUT is lost to another writer', async () => {
    const publisher = await open({ store: bucket, clock })
    const bookmark = await insert(2)
    const [, seen] = await Promise.all([insert(1, publisher), readAt(bookmark, publisher)])
    expect(seen).toBeGreaterThanOrEqual(2)
  })

  test('and within so many ms: both hold', async () => {
    const bookmark = await insert(1)
    await readAt(bookmark)
    await insert(1)
    clock.advance(2_000)
    const read = (withinMs: number) => readCount(db, { freshness: { bookmark, withinMs } })
    clearCalls(store)
    expect(await read(60_000)).toBe(1)
    expect(store.calls.get).toBe(0)
    expect(await read(1_000)).toBe(2)
  })
})

describe('a bookmark that cannot be honoured', () => {
  test('is refused after the head was looked at, and the next read goes on', async () => {
    await insert(2)
    const ahead = `${bookmarkOf(writer).split('-')[0]}-4`
    await expect(readAt(ahead)).rejects.toMatchObject({
      code: 'BOOKMARK_AHEAD',
      message: expect.stringContaining('the last one of memory: is 3'),
    })
    expect(db.position).toBe(3)
    expect(store.calls).toMatchObject({ get: 3, list: 0 })
    expect(await readAt(await insert(1))).toBe(3)
  })

  test('far ahead costs one list and what there is', async () => {
    await insert(2)
    await expect(readAt(`${bookmarkOf(db).split('-')[0]}-fffff`)).rejects.toMatchObject({
      code: 'BOOKMARK_AHEAD',
    })
    expect(store.calls.list).toBe(1)
    expect(db.position).toBe(3)
  })

  test('of another database is refused, also of one with the same number of transactions', async () => {
    const other = await open({ store: memoryStore(), clock })
    await other.execute('CREATE TABLE t(v)')
    await expect(readAt(bookmarkOf(other))).rejects.toMatchObject({ code: 'BOOKMARK_FOREIGN' })
    expect(await readAt(bookmarkOf(db))).toBe(0)
  })

  test('of what has replaced the database tells that, and then leads there', async () => {
    for (const txid of [1, 2, 3]) await bucket.delete([linkKey(txid)])
    const replacement = await open({ store: bucket, clock })
    await replacement.execute('CREATE TABLE t(v)')
    const bookmark = await insert(1, replacement)
    await expect(readAt(bookmark)).rejects.toMatchObject({ code: 'HISTORY_CHANGED' })
    expect(await readAt(bookmark)).toBe(1)
  })

  test('does not keep a read that needs none from noticing, when it next asks', async () => {
    const bookmark = await insert(2)
    await readAt(bookmark)
    for (const txid of [1, 2, 3]) await bucket.delete([linkKey(txid)])
    const replacement = await open({ store: bucket, clock })
    await replacement.execute('CREATE TABLE t(v)')
    await insert(3, replacement)
    expect(await readAt(bookmark)).toBe(2)
    await expect(rows(db, COUNT)).rejects.toMatchObject({ code: 'HISTORY_CHANGED' })
    await expect(readAt(bookmark)).rejects.toMatchObject({ code: 'BOOKMARK_FOREIGN' })
  })
})

describe('a request', () => {
  test('answers with what it has read and written, not with what others did meanwhile', async () => {
    const early = await insert(1)
    await db.around(invocation, async () => {
      expect(db.bookmark).toBe(null)
      await rows(db, COUNT)
      expect(db.bookmark).toBe(early)
      await db.around(invocation, async () => insert(1, db))
      expect(db.bookmark).toBe(early)
      const written = await insert(1, db)
      expect(db.bookmark).toBe(written)
    })
    expect(db.bookmark).toBe(bookmarkOf(writer).replace(/-.*/, '-4'))
  })

  test('gives back the bookmark that it came with while it has seen nothing', async () => {
    const bookmark = await insert(1)
    const during = async () => db.bookmark
    expect(await db.around(invocation, during, { freshness: { bookmark } })).toBe(bookmark)
    expect(store.calls.get).toBe(0)
  })

  test('that failed has seen something too', async () => {
    await db.around(invocation, async () => {
      await expect(db.execute('INSERT INTO nowhere VALUES (1)')).rejects.toThrow('no such table')
      expect(db.bookmark).toBe(bookmarkOf(writer))
    })
  })

  test('of a client that goes from one environment to the next never goes back', async () => {
    const environments = [db, writer, await open({ store: bucket, clock })]
    let bookmark = bookmarkOf(db)
    let seen = 0
    for (let n = 0; n < 30; n++) {
      const here = environments[n % 3] ?? db
      const use = async () => {
        const before = await countRows(here)
        expect(before).toBeGreaterThanOrEqual(seen)
        seen = before
        if (n % 4 === 1) {
          await here.execute('INSERT INTO t VALUES (1)')
          seen++
        }
        return bookmarkOf(here)
      }
      bookmark = await here.around(invocation, use, { freshness: { bookmark } })
    }
    expect(seen).toBe(8)
  })
})

describe('which database it is', () => {
  test('is known to who found nothing and follows it from its beginning', async () => {
    const empty = memoryStore()
    const early = await open({ store: empty, clock })
    const creator = await open({ store: empty, clock })
    await creator.execute('CREATE TABLE t(v)')
    await rows(early, COUNT)
    expect(early.bookmark).toBe(bookmarkOf(creator))
  })

  test('is known behind compaction, snapshot and retention', async () => {
    const source = { store: bucket, description: 'the database' }
    const [identity] = bookmarkOf(writer).split('-')
    await insert(8)
    clock.advance(2 * 3_600_000)
    await maintain(source)
    const afterCompaction = await open({ store: bucket, clock })
    expect(bookmarkOf(afterCompaction)).toBe(`${identity}-9`)
    clock.advance(2 * DAY)
    await insert(1)
    clock.advance(2 * DAY)
    await maintain(source)
    clock.advance(40 * DAY)
    const { deleted } = await maintain(source)
    expect(deleted.length).toBeGreaterThan(0)
    expect(await bucket.head(linkKey(1))).toBe(null)
    const afterRetention = await open({ store: bucket, clock })
    expect(bookmarkOf(afterRetention)).toBe(`${identity}-a`)
    expect(await readAt(bookmarkOf(afterRetention))).toBe(9)
  })

  test('is verified by an environment that retention has left behind', async () => {
    const left = await open({ store: bucket, clock })
    await insert(3)
    await replaceBy(async (elsewhere) => {
      const other = await open({ store: elsewhere, clock })
      await other.execute('CREATE TABLE t(v)')
      await insert(9, other)
      clock.advance(2 * 3_600_000)
      await maintain({ store: elsewhere, description: 'the other' })
      clock.advance(2 * DAY)
      await maintain({ store: elsewhere, description: 'the other' })
    })
    await expect(rows(left, COUNT)).rejects.toMatchObject({ code: 'HISTORY_CHANGED' })
    expect(await rows(left, COUNT)).toEqual([{ n: 9 }])
  })

  test('is not known where only files of other tools tell of the beginning: then the number alone counts', async () => {
    const known = await insert(3)
    const key = await mergeFiles({ store: bucket, description: 'it' }, await listLevel(bucket, 0), 9)
    const { header, pages } = decodeLtx((await bucket.get(key))?.body ?? new Uint8Array())
    const { pageSize, commit, minTxid, maxTxid, timestamp } = header
    await bucket.put(key, encodeLtx({ pageSize, commit, minTxid, maxTxid, timestamp }, pages).bytes)
    clock.advance(2 * DAY)
    for (const txid of [1, 2, 3]) await bucket.delete([linkKey(txid)])

    const later = await open({ store: bucket, clock })
    expect(bookmarkOf(later)).toBe('0-4')
    expect(await readAt(known, later)).toBe(3)
    expect(await readAt('0-4')).toBe(3)
    const unknown = await insert(1, later)
    expect(unknown).toBe('0-5')
    expect(await readAt(unknown)).toBe(4)
    await expect(readAt('0-6')).rejects.toMatchObject({ code: 'BOOKMARK_AHEAD' })
  })

  /** Puts what `write` wrote in the place of everything that the bucket holds. */
  async function replaceBy(write: (elsewhere: ObjectStore) => Promise<void>): Promise<void> {
    const elsewhere = memoryStore({ now: clock.now })
    await write(elsewhere)
    for await (const { key } of bucket.list('')) await bucket.delete([key])
    for await (const { key } of elsewhere.list('')) {
      const object = await elsewhere.get(key)
      if (object) await bucket.put(key, object.body)
    }
  }
})
