import { memoryStore, type ObjectStore } from '@thaw/store'
import { seededRandom } from '@thaw/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import { open } from '../test/kit.ts'
import {
  clearCalls,
  countRows,
  insertRows,
  invocation,
  type OneTable,
  oneTable,
  readCount,
} from '../test/one-table.ts'
import { linkKey } from './chain.ts'
import type { Durability, SqliteDatabase } from './index.ts'

let clock: OneTable['clock']
let bucket: ObjectStore
let store: OneTable['store']
let reader: SqliteDatabase
let writer: SqliteDatabase

beforeEach(async () => {
  ;({ clock, bucket, store, db: reader, writer } = await oneTable())
})

/** What an adapter does with what a client brought. */
const request = <T>(db: SqliteDatabase, bookmark: string, work: () => Promise<T>) =>
  db.around(invocation, work, { freshness: { bookmark, otherwise: 'strong' } })

const own = (txid: string) => `${writer.bookmark?.split('-')[0]}-${txid}`

describe("a bookmark with otherwise: 'strong'", () => {
  test('that can be honoured is: no request where the copy is that new, however old its proof', async () => {
    await insertRows(writer, 1)
    await request(reader, writer.bookmark ?? '', async () => expect(await countRows(reader)).toBe(1))
    clock.advance(10 * 24 * 3_600_000)
    clearCalls(store)
    await request(reader, own('2'), async () => expect(await countRows(reader)).toBe(1))
    expect(store.calls).toMatchObject({ get: 0, list: 0 })
  })

  test.each([
    ['ahead', own, '9'],
    ['far ahead', own, 'fffff'],
    ['foreign', (txid: string) => `f0f0f0f0f0f0f0f0-${txid}`, '2'],
    ['malformed', () => 'no bookmark', ''],
  ])(
    '%s: sees the head, asks once for all its reads, answers with a bookmark of what it saw',
    async (_kind, make, txid) => {
      await insertRows(writer, 3)
      await request(reader, make(txid), async () => {
        expect(await countRows(reader)).toBe(3)
        const asked = { ...store.calls }
        expect(asked.list).toBeLessThanOrEqual(1)
        expect(await countRows(reader)).toBe(3)
        expect(await readCount(reader)).toBe(3)
        expect(store.calls).toEqual(asked)
        expect(reader.bookmark).toBe(own('4'))
      })
    },
  )

  test.each<Durability>(['commit', 'invocation', 'write-behind'])(
    'that cannot be honoured keeps no request from writing, with durability %s',
    async (durability) => {
      const store = memoryStore({ now: clock.now })
      const db = await open({ store, clock, durability })
      for (const [index, bookmark] of ['f0f0f0f0f0f0f0f0-9', 'x', `${'0'.repeat(16)}-ffffff`].entries()) {
        await request(db, bookmark, async () => {
          if (index === 0) await db.execute('CREATE TABLE t(v)')
          expect(await countRows(db)).toBe(index)
          await db.execute('INSERT INTO t VALUES (1)')
          expect(await countRows(db)).toBe(index + 1)
        })
      }
      expect(await countRows(db)).toBe(3)
    },
  )

  test('inside a request that has written, it is the head that it was written upon', async () => {
    const db = await open({ store: bucket, clock, durability: 'invocation' })
    const freshness = { bookmark: own('ff'), otherwise: 'strong' } as const
    const read = () => readCount(db, { freshness })
    await db.around(invocation, async () => {
      await db.execute('INSERT INTO t VALUES (1)')
      expect(await read()).toBe(1)
    })
    const overtaken = db.around(invocation, async () => {
      await db.execute('INSERT INTO t VALUES (1)')
      await insertRows(writer, 1)
      clock.advance(60_000)
      await read()
    })
    await expect(overtaken).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('of what has replaced the database: the change is told once, then it leads there', async () => {
    const db = await open({ store: bucket, clock })
    await bucket.delete([linkKey(1)])
    const replacement = await open({ store: bucket, clock })
    await replacement.execute('CREATE TABLE t(v)')
    await insertRows(replacement, 1)
    const bookmark = replacement.bookmark ?? ''
    const read = () => request(db, bookmark, () => countRows(db))
    await expect(read()).rejects.toMatchObject({ code: 'HISTORY_CHANGED' })
    expect(await read()).toBe(1)
  })

  test('given in code without it, a bookmark stays strict, and it belongs to a bookmark alone', async () => {
    await expect(writer.read(() => 1, { freshness: { bookmark: own('ff') } })).rejects.toMatchObject({
      code: 'BOOKMARK_AHEAD',
    })
    for (const freshness of [
      { withinMs: 5, otherwise: 'strong' },
      { bookmark: own('1'), withinMs: 5, otherwise: 'strong' },
      { bookmark: own('1'), otherwise: 'weak' },
    ]) {
      const read = writer.read(() => 1, { freshness: freshness as never })
      await expect(read).rejects.toMatchObject({ code: 'BAD_OPTION' })
    }
  })

  test('whatever clients bring, they read their writes and never fail, in whichever environment', async () => {
    const seed = `${Date.now()}`
    const random = seededRandom(seed)
    const environments = [writer, await open({ store: bucket, clock }), await open({ store: bucket, clock })]
    const given: string[] = []
    let written = 0
    for (let n = 0; n < 120; n++) {
      const db = random.pick(environments)
      const known = given.at(-1) ?? own('1')
      const isOwn = random.chance(0.6)
      const brought = isOwn ? known : random.pick([own('ffff'), 'f0f0f0f0f0f0f0f0-2', '-', own(`${n + 90}`)])
      clock.advance(random.pick([0, 1_000, 400_000]))
      const begun = written
      await request(db, brought, async () => {
        expect(await countRows(db), `seed ${seed}, request ${n}, ${brought}`).toBe(begun) // nobody else writes meanwhile
        if (random.chance(0.4)) {
          await insertRows(db, 1)
          written++
          expect(await countRows(db), `seed ${seed}, request ${n}`).toBe(written)
        }
        given.push(db.bookmark ?? '')
      })
    }
  })
})
