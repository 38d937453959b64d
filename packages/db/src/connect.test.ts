import { spawnSync } from 'node:child_process'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { temporaryDirectory } from '@thaw/testing'
import { CamelCasePlugin } from 'kysely'
import { expect, test } from 'vitest'
import { folderOf, removeFolders } from '../test/home.ts'
import { MIGRATIONS, SEED } from '../test/preparation.ts'
import { ConfigError, connect, type Database } from './index.ts'

removeFolders()

interface Schema {
  users: { id: number; name: string }
}

test('without a URL there is no database', () => {
  expect(() => connect({ env: {} })).toThrow(ConfigError)
  expect(() => connect({ env: {} })).toThrow(/DATABASE_URL is not set/)
})

test('everything may come from the environment', async () => {
  const db = connect<Schema>({
    env: {
      DATABASE_URL: 'sqlite::memory:',
      THAW_MIGRATIONS: await folderOf(MIGRATIONS),
      THAW_SEED: await folderOf(SEED),
    },
  })
  expect(db.engine).toBe('sqlite')
  expect(await db.selectFrom('users').select('name').execute()).toEqual([{ name: 'Ada' }, { name: 'Bo' }])
  await db.shutdown()
})

test('null stands for no folder, whatever the environment says', async () => {
  const env = { DATABASE_URL: 'sqlite::memory:', THAW_MIGRATIONS: '/no/such', THAW_SEED: '/no/such' }
  const db = connect<Schema>({ env, migrations: null, seed: null })
  expect(await db.ready()).toEqual({ migrations: [], seededRows: null })
  await db.destroy()
})

test('a failure to open is told to the first use, and the next one tries again', async () => {
  await using directory = await temporaryDirectory()
  const db = connect<Schema>({ url: `sqlite:${directory.path}/later/app.db`, env: {} })
  const invocation = { requestId: 'r', deadline: Date.now() + 1_000 }
  expect(await db.around(invocation, async () => 'no database needed')).toBe('no database needed')
  // By now an unhandled rejection would have been noticed, and would fail the run.
  await new Promise((resolve) => setImmediate(resolve))
  await mkdir(`${directory.path}/later`)
  await expect(db.ready()).rejects.toMatchObject({ code: 'OPEN_FAILED' })
  expect(await db.ready()).toEqual({ migrations: [], seededRows: null })
  await db.shutdown()
})

test('a store that cannot be used is a matter of configuration', async () => {
  const db = connect<Schema>({ url: 'sqlite+s3://bucket/prefix', env: {} })
  await expect(db.ready()).rejects.toThrow(ConfigError)
  await db.shutdown()
})

test('a database where nothing is to be done is not written to', async () => {
  await using directory = await temporaryDirectory()
  const options = {
    url: `sqlite+${pathToFileURL(`${directory.path}/home`)}`,
    migrations: await folderOf(MIGRATIONS),
    seed: await folderOf(SEED),
    env: {},
  }
  const objects = async () => (await readdir(`${directory.path}/home`, { recursive: true })).sort()
  const first = connect<Schema>(options)
  await first.ready()
  await first.shutdown()
  const before = await objects()
  const second = connect<Schema>(options)
  expect(await second.selectFrom('users').select('id').execute()).toHaveLength(2)
  await second.shutdown()
  expect(await objects()).toEqual(before)
})

test('write-behind: by option or by URL, persisted on demand, by an invocation and at the end', async () => {
  await using directory = await temporaryDirectory()
  const home = `sqlite+${pathToFileURL(`${directory.path}/home`)}`
  const names = async () => {
    const other = connect<Schema>({ url: home, env: {} })
    const rows = await other.selectFrom('users').select('name').orderBy('id').execute()
    await other.shutdown()
    return rows.map(({ name }) => name)
  }
  const add = (db: Database<Schema>, name: string) =>
    db
      .insertInto('users')
      .values({ id: name.length * 10, name })
      .execute()
  const db = connect<Schema>({
    url: home,
    env: {},
    durability: 'write-behind',
    writeBehind: { writes: null },
    migrations: await folderOf(MIGRATIONS),
    seed: await folderOf(SEED),
  })
  await db.ready()
  expect(await names()).toEqual(['Ada', 'Bo']) // prepared is persisted
  await add(db, 'Cleo')
  expect(await names()).toEqual(['Ada', 'Bo'])
  expect(await db.persist({ force: true })).toMatchObject({ writes: 1 })
  expect(await names()).toEqual(['Ada', 'Bo', 'Cleo'])
  const control = await db.writeBehind()
  control?.configure({ writes: 1 })
  await db.around({ requestId: 'r', deadline: Date.now() + 10_000 }, () => add(db, 'Dadda'))
  expect(await names()).toEqual(['Ada', 'Bo', 'Cleo', 'Dadda'])
  control?.configure({ writes: null })
  await add(db, 'Eduard')
  await db.shutdown()
  expect(await names()).toEqual(['Ada', 'Bo', 'Cleo', 'Dadda', 'Eduard'])

  const byUrl = connect<Schema>({ url: `${home}?durability=write-behind&writes=5&interval=off`, env: {} })
  expect((await byUrl.writeBehind())?.thresholds).toEqual({ writes: 5, intervalMs: null })
  await byUrl.shutdown()
})

test('what cannot be persisted keeps the database open, and goes with the next shutdown', async () => {
  await using directory = await temporaryDirectory()
  const url = `sqlite+${pathToFileURL(`${directory.path}/home`)}`
  const db = connect<Schema>({
    url,
    env: {},
    durability: 'write-behind',
    migrations: await folderOf(MIGRATIONS),
  })
  await db.ready()
  await db.insertInto('users').values({ id: 9, name: 'kept' }).execute()
  await rename(`${directory.path}/home`, `${directory.path}/away`)
  await writeFile(`${directory.path}/home`, 'no folder')
  await expect(db.shutdown()).rejects.toMatchObject({ code: 'PERSIST_FAILED', writes: 1 })
  expect(await db.selectFrom('users').select('name').where('id', '=', 9).execute()).toEqual([
    { name: 'kept' },
  ])
  await rm(`${directory.path}/home`)
  await rename(`${directory.path}/away`, `${directory.path}/home`)
  await db.shutdown()
  const other = connect<Schema>({ url, env: {} })
  expect(await other.selectFrom('users').select('id').where('id', '=', 9).execute()).toEqual([{ id: 9 }])
  await other.shutdown()
})

test('where everything acknowledged is durable there is nothing to persist', async () => {
  for (const url of ['sqlite::memory:', 'sqlite+memory:']) {
    const db = connect<Schema>({ url, env: {} })
    expect([await db.persist({ force: true }), await db.writeBehind()]).toEqual([null, null])
    await db.shutdown()
  }
})

test('plugins are for the application, not for migrations and seeds', async () => {
  const db = connect<{ userNotes: { id: number; userId: number } }>({
    url: 'sqlite::memory:',
    env: {},
    plugins: [new CamelCasePlugin()],
    migrations: await folderOf({
      '0001-notes.mjs': `export const up = (db) => db.schema.createTable('user_notes')
        .addColumn('id', 'integer').addColumn('user_id', 'integer').execute()`,
    }),
    seed: await folderOf({ 'user_notes.json': '[{ "id": 1, "user_id": 2 }]' }),
  })
  expect(await db.selectFrom('userNotes').selectAll().execute()).toEqual([{ id: 1, userId: 2 }])
  await db.atomic((tx) => tx.insertInto('userNotes').values({ id: 2, userId: 3 }).execute())
  await db.shutdown()
})

test('only the engine that the URL asks for is loaded', () => {
  const loaded = (url: string) => {
    const index = fileURLToPath(new URL('./index.ts', import.meta.url))
    const script = `
      import { registerHooks } from 'node:module'
      const seen = []
      registerHooks({ resolve: (specifier, context, next) => (seen.push(specifier), next(specifier, context)) })
      const { connect } = await import(${JSON.stringify(index)})
      const db = connect({ url: ${JSON.stringify(url)}, env: {} })
      await db.ready()
      await db.shutdown()
      console.log(JSON.stringify(seen))`
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    if (child.status !== 0) throw new Error(child.stderr)
    return JSON.parse(child.stdout).filter((specifier: string) =>
      ['pg', 'node:sqlite', '@thaw/sqlite', '@thaw/store'].includes(specifier),
    )
  }
  expect(new Set(loaded('sqlite::memory:'))).toEqual(new Set(['node:sqlite']))
  expect(new Set(loaded('sqlite+memory:'))).toEqual(new Set(['@thaw/sqlite', '@thaw/store', 'node:sqlite']))
  expect(new Set(loaded('postgres://nobody@127.0.0.1:1/none'))).toEqual(new Set(['pg']))
})
