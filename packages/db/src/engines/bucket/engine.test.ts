import {
  CommitUnknownError as BucketCommitUnknownError,
  ConflictError as BucketConflictError,
  openSqlite,
  type SqliteDatabase,
} from '@thaw/sqlite'
import { memoryStore, type ObjectStore } from '@thaw/store'
import { CompiledQuery } from 'kysely'
import { expect, test } from 'vitest'
import { CommitUnknownError, ConflictError } from '../../errors.ts'
import type { Engine } from '../engine.ts'
import { bucketEngine } from './engine.ts'

async function open(store: ObjectStore): Promise<{ engine: Engine; sqlite: SqliteDatabase }> {
  const sqlite = await openSqlite({ store })
  return { engine: bucketEngine(sqlite, () => sqlite.close()), sqlite }
}

async function run(engine: Engine, sql: string) {
  const connection = await engine.acquire()
  try {
    return (await connection.executeQuery<Record<string, unknown>>(CompiledQuery.raw(sql))).rows
  } finally {
    await connection.release()
  }
}

test('a transaction that others overtook ends in the conflict that every engine has', async () => {
  const store = memoryStore()
  const { engine } = await open(store)
  const other = await open(store)
  await run(engine, 'create table a (id integer)')
  const connection = await engine.acquire()
  await connection.begin({})
  await connection.executeQuery(CompiledQuery.raw('insert into a values (1)'))
  await run(other.engine, 'insert into a values (2)')
  const error = await connection.commit().catch((error: unknown) => error)
  expect(error).toBeInstanceOf(ConflictError)
  expect(error).toMatchObject({ code: 'CONFLICT', retryable: true, cause: expect.any(BucketConflictError) })
  await connection.release()
  expect(await run(engine, 'select id from a')).toEqual([{ id: 2 }])
  await engine.close()
  await other.engine.close()
})

test('atomic is run again when others overtook it', async () => {
  const store = memoryStore()
  const { engine } = await open(store)
  const other = await open(store)
  await run(engine, 'create table a (id integer)')
  let runs = 0
  await engine.atomic(async (connection) => {
    if (runs++ === 0) await run(other.engine, 'insert into a values (2)')
    await connection.executeQuery(CompiledQuery.raw('insert into a select count(*) + 10 from a'))
  })
  expect([runs, await run(other.engine, 'select id from a')]).toEqual([2, [{ id: 2 }, { id: 11 }]])
  await engine.close()
  await other.engine.close()
})

test('an unknown outcome is the error that every engine has', async () => {
  const cause = new BucketCommitUnknownError('nobody knows', new Error('timeout'))
  const sqlite = {
    description: 'memory:',
    atomic: () => Promise.reject(cause),
  } as unknown as SqliteDatabase
  const outcome = bucketEngine(sqlite, async () => {}).atomic(async () => 1)
  await expect(outcome).rejects.toBeInstanceOf(CommitUnknownError)
  await expect(outcome).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN', cause })
})

test('a read-only transaction stays on its snapshot', async () => {
  const { engine } = await open(memoryStore())
  await run(engine, 'create table a (id integer)')
  const connection = await engine.acquire()
  await connection.begin({ accessMode: 'read only' })
  const count = async () =>
    (await connection.executeQuery(CompiledQuery.raw('select count(*) as n from a'))).rows
  expect(await count()).toEqual([{ n: 0 }])
  await run(engine, 'insert into a values (1)')
  expect(await count()).toEqual([{ n: 0 }])
  await connection.commit()
  expect(await count()).toEqual([{ n: 1 }])
  await connection.release()
  await engine.close()
})

test('with the durability of invocations, what a request writes is there as one, and lost as one', async () => {
  const store = memoryStore()
  const sqlite = await openSqlite({ store, durability: 'invocation' })
  const engine = bucketEngine(sqlite, () => sqlite.close())
  const other = await open(store)
  await run(engine, 'create table a (id integer)')
  const invocation = { requestId: 'r', deadline: Date.now() + 60_000 }
  const before = sqlite.position
  const answer = await engine.around(invocation, async () => {
    await run(engine, 'insert into a values (1)')
    await engine.atomic(async (connection) => {
      await connection.executeQuery(CompiledQuery.raw('insert into a values (2)'))
    })
    return run(engine, 'select count(*) as n from a')
  })
  expect([answer, sqlite.position]).toEqual([[{ n: 2 }], before + 1])
  const lost = engine.around(invocation, async () => {
    await run(engine, 'insert into a values (3)')
    await run(other.engine, 'insert into a values (4)')
  })
  await expect(lost).rejects.toBeInstanceOf(ConflictError)
  expect(await run(other.engine, 'select id from a')).toEqual([{ id: 1 }, { id: 2 }, { id: 4 }])
  await engine.close()
  await other.engine.close()
})
