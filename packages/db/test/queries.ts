import { CamelCasePlugin, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import {
  ClosedError,
  type ConnectOptions,
  type Database,
  NestedUseError,
  ParameterError,
} from '../src/index.ts'
import type { UsedHome } from './home.ts'

interface Schema {
  accounts: { id: string; balance: number }
  movements: { id: number; account_id: string; amount: number }
  kinds: {
    id: number
    text: string | null
    whole: number | bigint | boolean | null
    real: number | null
    moment: string | Date | null
  }
}

async function create(db: Database<Schema>): Promise<void> {
  await db.schema
    .createTable('accounts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('balance', 'integer', (column) => column.notNull().check(sql`balance >= 0`))
    .execute()
  await db.schema
    .createTable('movements')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('amount', 'integer', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('kinds')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('text', 'text')
    .addColumn('whole', 'bigint')
    .addColumn('real', 'double precision')
    .addColumn('moment', 'text')
    .execute()
}

/** What application code may rely on, whatever the URL. */
export function queryTests(home: UsedHome): void {
  const open = async (options: ConnectOptions = {}) => {
    const db = await home.connect<Schema>(options)
    await create(db)
    await db.insertInto('accounts').values({ id: 'a', balance: 100 }).execute()
    return db
  }
  const balance = async (db: Pick<Database<Schema>, 'selectFrom'>, id = 'a') =>
    (await db.selectFrom('accounts').select('balance').where('id', '=', id).executeTakeFirstOrThrow()).balance

  /** Lets so many ms pass for the keys that are recorded by now. */
  const age = (db: Database<Schema>, ms: number) =>
    sql`update _thaw_atomic set created_at = created_at - ${ms}`.execute(db)

  describe('statements', () => {
    test('insert, update, delete and returning tell what they did', async () => {
      const db = await open()
      const rows = [
        { id: 'b', balance: 1 },
        { id: 'c', balance: 2 },
      ]
      const inserted = await db.insertInto('accounts').values(rows).executeTakeFirst()
      expect(inserted.numInsertedOrUpdatedRows).toBe(2n)
      const updated = await db.updateTable('accounts').set({ balance: 5 }).executeTakeFirst()
      expect(updated.numUpdatedRows).toBe(3n)
      const returned = await db
        .updateTable('accounts')
        .set((eb) => ({ balance: eb('balance', '+', 1) }))
        .where('id', '!=', 'a')
        .returningAll()
        .execute()
      expect(returned.toSorted((x, y) => (x.id < y.id ? -1 : 1))).toEqual([
        { id: 'b', balance: 6 },
        { id: 'c', balance: 6 },
      ])
      const deleted = await db.deleteFrom('accounts').where('balance', '=', 6).executeTakeFirst()
      expect(deleted.numDeletedRows).toBe(2n)
      const none = await db.deleteFrom('accounts').where('id', '=', 'nobody').executeTakeFirst()
      expect(none.numDeletedRows).toBe(0n)
    })

    test('values come back as they were given', async () => {
      const db = await open()
      const row = { id: 1, text: 'naïve 🧊 "\'', whole: 9007199254740991, real: 0.1 + 0.2, moment: null }
      await db.insertInto('kinds').values(row).execute()
      const big = 2n ** 62n + 1n
      const moment = new Date(Date.UTC(2026, 10, 20, 10, 0, 0, 50))
      await db.insertInto('kinds').values({ id: 2, text: null, whole: big, real: -1e300, moment }).execute()
      await db.insertInto('kinds').values({ id: 3, text: '', whole: true, real: 3, moment: null }).execute()
      expect(await db.selectFrom('kinds').selectAll().orderBy('id').execute()).toEqual([
        row,
        { id: 2, text: null, whole: big, real: -1e300, moment: '2026-11-20T10:00:00.050Z' },
        { id: 3, text: '', whole: 1, real: 3, moment: null },
      ])
    })

    test('aggregates are numbers', async () => {
      const db = await open()
      await db.insertInto('accounts').values({ id: 'b', balance: 51 }).execute()
      const { fn } = db
      const query = db
        .selectFrom('accounts')
        .select([fn.countAll().as('count'), fn.sum('balance').as('sum'), fn.avg('balance').as('average')])
      expect(await query.executeTakeFirstOrThrow()).toEqual({ count: 2, sum: 151, average: 75.5 })
      const sumOfBig = db.selectFrom('kinds').select(fn.sum('whole').as('sum'))
      await db
        .insertInto('kinds')
        .values({ id: 1, text: null, whole: 40, real: null, moment: null })
        .execute()
      expect(await sumOfBig.executeTakeFirstOrThrow()).toEqual({ sum: 40 })
    })

    test('undefined as a parameter is refused, and nothing is done', async () => {
      const db = await open()
      const nobody = undefined as unknown as string
      const query = db.updateTable('accounts').set({ balance: 0 }).where('id', '=', nobody)
      await expect(query.execute()).rejects.toThrow(ParameterError)
      await expect(query.execute()).rejects.toThrow(/parameter 2 of "update "accounts".* is undefined/)
      expect(await balance(db)).toBe(100)
    })

    test('foreign keys and checks hold', async () => {
      const db = await open()
      const orphan = db.insertInto('movements').values({ id: 1, account_id: 'nobody', amount: 1 })
      await expect(orphan.execute()).rejects.toThrow(/foreign key/i)
      await expect(db.updateTable('accounts').set({ balance: -1 }).execute()).rejects.toThrow(/check/i)
      expect(await balance(db)).toBe(100)
    })

    test('streams a result', async () => {
      const db = await open()
      for (const id of ['b', 'c', 'd']) await db.insertInto('accounts').values({ id, balance: 0 }).execute()
      const seen: string[] = []
      for await (const { id } of db.selectFrom('accounts').select('id').orderBy('id').stream(2)) seen.push(id)
      expect(seen).toEqual(['a', 'b', 'c', 'd'])
    })

    test('withPlugin and withSchema give a database of the same kind', async () => {
      const db = await open()
      const camel = db.withPlugin(new CamelCasePlugin()) as unknown as Database<{
        movements: { id: number; accountId: string; amount: number }
      }>
      await camel.atomic((tx) =>
        tx.insertInto('movements').values({ id: 1, accountId: 'a', amount: 3 }).execute(),
      )
      expect(await camel.selectFrom('movements').selectAll().execute()).toEqual([
        { id: 1, accountId: 'a', amount: 3 },
      ])
    })
  })

  describe('transactions', () => {
    test('are there as a whole or not at all', async () => {
      const db = await open()
      await db.transaction().execute(async (tx) => {
        await tx.updateTable('accounts').set({ balance: 70 }).execute()
        await tx.insertInto('movements').values({ id: 1, account_id: 'a', amount: -30 }).execute()
      })
      expect(await balance(db)).toBe(70)
      const failure = new Error('no')
      const failed = db.transaction().execute(async (tx) => {
        await tx.updateTable('accounts').set({ balance: 0 }).execute()
        throw failure
      })
      await expect(failed).rejects.toBe(failure)
      expect(await balance(db)).toBe(70)
    })

    test('of one another see nothing unfinished', async () => {
      const db = await open()
      const add = (amount: number) =>
        db.atomic(async (tx) => {
          const now = await balance(tx)
          await new Promise((resolve) => setImmediate(resolve))
          await tx
            .updateTable('accounts')
            .set({ balance: now + amount })
            .execute()
        })
      await Promise.all(Array.from({ length: 20 }, (_, index) => add(index)))
      expect(await balance(db)).toBe(100 + 190)
    })

    test('that only read refuse to write', async () => {
      const db = await open()
      const reading = db.transaction().setAccessMode('read only')
      expect(await reading.execute((tx) => balance(tx))).toBe(100)
      const writing = reading.execute((tx) => tx.updateTable('accounts').set({ balance: 0 }).execute())
      await expect(writing).rejects.toThrow(/read.?only/i)
      await db.updateTable('accounts').set({ balance: 99 }).execute()
      expect(await balance(db)).toBe(99)
    })

    test('that are controlled have savepoints', async () => {
      const db = await open()
      const trx = await db.startTransaction().execute()
      await trx.updateTable('accounts').set({ balance: 90 }).execute()
      const after = await trx.savepoint('one "two"').execute()
      await after.updateTable('accounts').set({ balance: 10 }).execute()
      await (await after.rollbackToSavepoint('one "two"').execute()).releaseSavepoint('one "two"').execute()
      await trx.commit().execute()
      expect(await balance(db)).toBe(90)
      const other = await db.startTransaction().execute()
      await other.updateTable('accounts').set({ balance: 1 }).execute()
      await other.rollback().execute()
      expect(await balance(db)).toBe(90)
    })
  })

  describe('atomic', () => {
    test('gives the value back, and the very error', async () => {
      const db = await open()
      const at = new Date(0)
      expect(await db.atomic(() => at)).toBe(at)
      const failure = new Error('no')
      const failed = db.atomic(async (tx) => {
        await tx.updateTable('accounts').set({ balance: 0 }).execute()
        throw failure
      })
      await expect(failed).rejects.toBe(failure)
      expect(await balance(db)).toBe(100)
    })

    test('with a key happens once and answers the same', async () => {
      const db = await open()
      let runs = 0
      const take = (amount: number, key: string) =>
        db.atomic(
          async (tx) => {
            runs++
            const left = (await balance(tx)) - amount
            await tx.updateTable('accounts').set({ balance: left }).execute()
            return { left, at: new Date(0) }
          },
          { key },
        )
      const first = await take(10, 'order 1')
      expect(first).toEqual({ left: 90, at: '1970-01-01T00:00:00.000Z' })
      expect(await take(10, 'order 1')).toEqual(first)
      expect(runs).toBe(1)
      expect(await take(10, 'order 2')).toMatchObject({ left: 80 })
      expect(await balance(db)).toBe(80)
      expect(await db.atomic(() => undefined, { key: 'void' })).toBeUndefined()
      expect(await db.atomic(() => 1, { key: 'void' })).toBeUndefined()
    })

    test('with one key, all at once, happens once', async () => {
      const db = await open()
      const pay = () =>
        db.atomic(
          async (tx) => {
            const left = (await balance(tx)) - 1
            await tx.updateTable('accounts').set({ balance: left }).execute()
            return left
          },
          { key: 'order' },
        )
      expect(await Promise.all(Array.from({ length: 10 }, pay))).toEqual(Array(10).fill(99))
      expect(await balance(db)).toBe(99)
    })

    test('that throws leaves its key free', async () => {
      const db = await open()
      const failed = db.atomic(
        async (tx) => {
          await tx.updateTable('accounts').set({ balance: 1 }).execute()
          throw new Error('no')
        },
        { key: 'order' },
      )
      await expect(failed).rejects.toThrow('no')
      expect(await balance(db)).toBe(100)
      expect(await db.atomic(() => 'second', { key: 'order' })).toBe('second')
    })

    test('remembers a key for as long as it lives, and no longer', async () => {
      const db = await open({ keyLifetimeMs: 60_000 })
      let runs = 0
      const count = (key: string) => db.atomic(async () => ++runs, { key })
      expect([await count('a'), await count('b')]).toEqual([1, 2])
      await age(db, 50_000)
      expect([await count('a'), await count('b')]).toEqual([1, 2])
      await age(db, 50_000)
      expect([await count('a'), await count('a'), await count('b'), await count('b')]).toEqual([3, 3, 4, 4])
      await age(db, 100_000)
      for (let n = 0; n < 20; n++) await count(`old ${n}`)
      await age(db, 100_000)
      const kept = async () => {
        const { rows } = await sql<{ key: string }>`select key from _thaw_atomic order by key`.execute(db)
        return rows.map(({ key }) => key)
      }
      const added: string[] = []
      while (added.length < 20 || (await kept()).length > added.length) {
        expect(added.length, 'so many keys were added, and old ones are still there').toBeLessThan(150)
        await count(`new ${added.length}`)
        added.push(`new ${added.length}`)
      }
      expect(await kept()).toEqual(added.sort())
    })

    test('remembers a key for ever where that is asked for, and for no time at all nowhere', async () => {
      const db = await open({ keyLifetimeMs: Number.POSITIVE_INFINITY })
      expect(await db.atomic(() => 1, { key: 'a' })).toBe(1)
      await age(db, 365 * 24 * 3_600_000)
      expect(await db.atomic(() => 2, { key: 'a' })).toBe(1)
      for (const keyLifetimeMs of [0, -1, Number.NaN])
        await expect(open({ keyLifetimeMs })).rejects.toMatchObject({ code: 'DATABASE_CONFIG' })
    })

    test('refuses a key that says nothing, or is too long', async () => {
      const db = await open()
      await expect(db.atomic(() => 1, { key: '' })).rejects.toMatchObject({ code: 'BAD_KEY' })
      await expect(db.atomic(() => 1, { key: 'é'.repeat(501) })).rejects.toMatchObject({ code: 'BAD_KEY' })
      expect(await db.atomic(() => 1, { key: 'é'.repeat(500) })).toBe(1)
      expect(await db.atomic(() => 1, { key: undefined })).toBe(1)
    })

    test('keeps its transaction to itself', async () => {
      const db = await open()
      let kept: Pick<Database<Schema>, 'selectFrom'> | undefined
      await db.atomic((tx) => {
        kept = tx
      })
      await expect(kept?.selectFrom('accounts').selectAll().execute()).rejects.toMatchObject({
        code: 'TRANSACTION_ENDED',
      })
    })

    test('waits for a statement that nobody awaits', async () => {
      const db = await open()
      await db.atomic((tx) => {
        tx.updateTable('accounts').set({ balance: 42 }).execute()
      })
      expect(await balance(db)).toBe(42)
    })

    test('runs its statements one after the other, however they are started', async () => {
      const db = await open()
      const ids = ['b', 'c', 'd', 'e']
      await db.atomic((tx) =>
        Promise.all(ids.map((id) => tx.insertInto('accounts').values({ id, balance: 0 }).execute())),
      )
      expect(await db.selectFrom('accounts').select('id').execute()).toHaveLength(5)
    })
  })

  describe('the outer database inside a transaction', () => {
    test('is refused, in every form', async () => {
      const db = await open()
      const uses: [string, () => Promise<unknown>][] = [
        ['query', () => balance(db)],
        ['write', () => db.updateTable('accounts').set({ balance: 0 }).execute()],
        ['atomic', () => db.atomic(() => 1)],
        ['transaction', () => db.transaction().execute((tx) => balance(tx))],
        ['controlled', () => db.startTransaction().execute()],
        ['connection', () => db.connection().execute((one) => balance(one))],
        ['plugin', () => balance(db.withPlugin(new CamelCasePlugin()))],
      ]
      for (const [name, use] of uses) {
        await expect(db.atomic(use), name).rejects.toThrow(NestedUseError)
        await expect(db.transaction().execute(use), name).rejects.toThrow(NestedUseError)
        await expect(db.transaction().setAccessMode('read only').execute(use), name).rejects.toThrow(
          NestedUseError,
        )
        await expect(db.connection().execute(use), name).rejects.toThrow(NestedUseError)
      }
      expect(await balance(db)).toBe(100)
    })

    test('works as soon as the transaction has ended, and for another database', async () => {
      const db = await open()
      const other = await open()
      let later: (() => void) | undefined
      const ended = new Promise<void>((resolve) => {
        later = resolve
      })
      let after: Promise<number> | undefined
      await db.atomic(async () => {
        expect(await balance(other)).toBe(100)
        after = ended.then(() => balance(db))
      })
      later?.()
      expect(await after).toBe(100)
    })
  })

  test('takes a freshness and tells a bookmark, which is null where there is one copy', async () => {
    const db = await open({ freshness: { withinMs: 1_000 } })
    const invocation = { requestId: 'r', deadline: Date.now() + 10_000 }
    const change = db.updateTable('accounts').set({ balance: 1 })
    const bookmark = await db.around(invocation, async () => {
      await change.execute()
      return db.bookmark
    })
    const hasBookmarks = (await home.url()).startsWith('sqlite+')
    expect(bookmark !== null).toBe(hasBookmarks)
    const freshness = bookmark === null ? 'strong' : { bookmark }
    const seen = await db.around(invocation, () => balance(db), { freshness })
    expect(seen).toBe(1)
    await db.shutdown()
    expect(db.bookmark).toBe(null)
  })

  test('around and shutdown need no object in front of them', async () => {
    const db = await open()
    const { around, shutdown } = db
    const invocation = { requestId: 'r', deadline: Date.now() + 10_000 }
    expect(await around(invocation, () => balance(db))).toBe(100)
    await shutdown()
    await shutdown()
    await expect(balance(db)).rejects.toThrow(ClosedError)
    expect(await around(invocation, async () => 'no database needed')).toBe('no database needed')
  })
}
