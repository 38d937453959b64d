import { CompiledQuery, type DatabaseConnection, Kysely } from 'kysely'
import { expect, test } from 'vitest'
import { folderOf, removeFolders } from '../../test/home.ts'
import { MIGRATIONS, SEED } from '../../test/preparation.ts'
import { transactionOver } from '../database.ts'
import { dialectOf } from '../dialect.ts'
import { EngineDriver } from '../driver.ts'
import type { Engine } from '../engines/engine.ts'
import { openFile } from '../engines/file/engine.ts'
import { Nesting } from '../nesting.ts'
import { prepare } from './prepare.ts'
import { seed } from './seed.ts'
import type { Untyped } from './state.ts'

removeFolders()

async function open(): Promise<Engine> {
  return openFile({ kind: 'file', engine: 'sqlite', description: 'memory', path: ':memory:' })
}

function over(connection: DatabaseConnection) {
  const driver = new EngineDriver(
    () => Promise.reject(new Error('only the transaction is used')),
    new Nesting(),
  )
  const dialect = dialectOf('sqlite', driver)
  const executor = new Kysely({ dialect }).getExecutor()
  return transactionOver<Untyped>({ config: { dialect }, dialect, driver, executor }, connection)
}

test('where nothing is to be done, one read tells so', async () => {
  const engine = await open()
  const folders = { migrations: await folderOf(MIGRATIONS), seed: await folderOf(SEED) }
  expect(await prepare(engine, over, folders)).toMatchObject({ seededRows: 2_502 })
  const statements: string[] = []
  const watched: Engine = {
    ...engine,
    exclusive: () => Promise.reject(new Error('nothing is to be done')),
    async acquire() {
      const connection = await engine.acquire()
      const executeQuery = connection.executeQuery.bind(connection)
      connection.executeQuery = (query) => {
        statements.push(query.sql)
        return executeQuery(query)
      }
      return connection
    },
  }
  expect(await prepare(watched, over, folders)).toEqual({ migrations: [], seededRows: null })
  expect(statements).toHaveLength(1)
  await engine.close()
})

test('who finds the seed done does not repeat it, even if its rows are gone', async () => {
  const engine = await open()
  const migrations = await folderOf(MIGRATIONS)
  const folder = await folderOf(SEED)
  await prepare(engine, over, { migrations, seed: null })
  expect(await seed(engine, over, folder)).toBe(2_502)
  for (const table of ['notes', 'users'])
    await engine.atomic((connection) => connection.executeQuery(CompiledQuery.raw(`delete from ${table}`)))
  // As a process does that looked before the first one had seeded.
  expect(await seed(engine, over, folder)).toBeNull()
  await engine.close()
})
