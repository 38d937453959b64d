import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigError, type Database, MigrationError, SeedError } from '../src/index.ts'
import { folderOf, type UsedHome } from './home.ts'

interface Schema {
  users: { id: number; name: string; tags: string | null; active: number }
  notes: { id: number; user_id: number; text: string }
}

/** Migrations import nothing, so that they load from anywhere. */
export const USERS = `export async function up(db) {
  await db.schema.createTable('users')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('tags', 'text')
    .addColumn('active', 'integer', (column) => column.notNull().defaultTo(1))
    .execute()
}
export async function down(db) {
  await db.schema.dropTable('users').execute()
}`
export const NOTES = `export async function up(db) {
  await db.schema.createTable('notes')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('user_id', 'integer', (column) => column.notNull().references('users.id'))
    .addColumn('text', 'text', (column) => column.notNull())
    .execute()
}`
export const MIGRATIONS = { '0001-users.mjs': USERS, '0002-notes.mjs': NOTES }
export const SEED = {
  '01-users.json': JSON.stringify([
    { id: 1, name: 'Ada', tags: ['first', { nested: true }] },
    { id: 2, name: 'Bo', active: false },
  ]),
  '02-notes.json': JSON.stringify(
    Array.from({ length: 2_500 }, (_, id) => ({ id, user_id: 1 + (id % 2), text: `note ${id}` })),
  ),
}

/** Migrating and seeding, whatever the URL. For databases that outlive a connection. */
export function preparationTests(home: UsedHome): void {
  const rows = (db: Database<Schema>, table: 'users' | 'notes') =>
    db.selectFrom(table).selectAll().orderBy('id').execute()
  const tables = async (db: Database<Schema>) =>
    (await db.introspection.getTables()).map(({ name }) => name).sort()

  test('a new database is migrated and seeded before its first query, and never again', async () => {
    const options = {
      url: await home.url(),
      migrations: await folderOf(MIGRATIONS),
      seed: await folderOf(SEED),
    }
    const first = await home.connect<Schema>(options)
    expect(await rows(first, 'users')).toEqual([
      { id: 1, name: 'Ada', tags: '["first",{"nested":true}]', active: 1 },
      { id: 2, name: 'Bo', tags: null, active: 0 },
    ])
    expect(await rows(first, 'notes')).toHaveLength(2_500)
    expect(await first.ready()).toEqual({ migrations: ['0001-users', '0002-notes'], seededRows: 2_502 })

    await first.deleteFrom('notes').execute()
    await first.shutdown()
    const second = await home.connect<Schema>(options)
    expect(await second.ready()).toEqual({ migrations: [], seededRows: null })
    expect(await rows(second, 'notes')).toEqual([])
  })

  test('a new migration is applied to a database with data, which is not seeded again', async () => {
    const url = await home.url()
    const migrations = await folderOf({ '0001-users.mjs': USERS })
    const seed = await folderOf({ 'users.json': '[{ "id": 1, "name": "Ada" }]' })
    const first = await home.connect<Schema>({ url, migrations, seed })
    expect(await first.ready()).toEqual({ migrations: ['0001-users'], seededRows: 1 })
    await first.deleteFrom('users').execute()
    await first.shutdown()

    await writeFile(join(migrations, '0002-notes.mjs'), NOTES)
    const second = await home.connect<Schema>({ url, migrations, seed })
    expect(await second.ready()).toEqual({ migrations: ['0002-notes'], seededRows: null })
    expect(await rows(second, 'users')).toEqual([])
    expect(await rows(second, 'notes')).toEqual([])
  })

  test('a database with tables of its own is not seeded', async () => {
    const url = await home.url()
    const first = await home.connect<Schema>({ url })
    await first.schema.createTable('users').addColumn('id', 'integer').addColumn('name', 'text').execute()
    await first.shutdown()
    const seed = await folderOf({ 'users.json': '[{ "id": 1, "name": "Ada" }]' })
    const second = await home.connect<Schema>({ url, seed })
    expect(await second.ready()).toEqual({ migrations: [], seededRows: null })
    expect(await rows(second, 'users')).toEqual([])
  })

  test('a database that an application without the seed has written to is not seeded', async () => {
    const url = await home.url()
    const migrations = await folderOf(MIGRATIONS)
    const first = await home.connect<Schema>({ url, migrations })
    await first.insertInto('users').values({ id: 7, name: 'Cy', tags: null, active: 1 }).execute()
    await first.shutdown()
    const seed = await folderOf(SEED)
    for (const expected of [[{ id: 7 }], []]) {
      const next = await home.connect<Schema>({ url, migrations, seed })
      expect(await next.ready()).toEqual({ migrations: [], seededRows: null })
      expect(await next.selectFrom('users').select('id').execute()).toEqual(expected)
      await next.deleteFrom('users').execute()
      await next.shutdown()
    }
  })

  test('a seed may come later, as long as its tables are empty', async () => {
    const url = await home.url()
    const migrations = await folderOf(MIGRATIONS)
    const first = await home.connect<Schema>({ url, migrations })
    expect(await first.ready()).toEqual({ migrations: ['0001-users', '0002-notes'], seededRows: null })
    await first.shutdown()
    const second = await home.connect<Schema>({ url, migrations, seed: await folderOf(SEED) })
    expect(await second.ready()).toEqual({ migrations: [], seededRows: 2_502 })
  })

  test('older code works on a database that is ahead of it', async () => {
    const url = await home.url()
    const first = await home.connect<Schema>({ url, migrations: await folderOf(MIGRATIONS) })
    await first.ready()
    await first.shutdown()
    const older = await folderOf({ '0001-users.mjs': USERS })
    const second = await home.connect<Schema>({ url, migrations: older })
    expect(await second.ready()).toEqual({ migrations: [], seededRows: null })
    expect(await rows(second, 'users')).toEqual([])
  })

  describe('what goes wrong leaves nothing half done', () => {
    test('a migration that fails is named, and tried again', async () => {
      const variable = 'THAW_TEST_MIGRATION_MAY_PASS'
      const failing = `export async function up(db) {
        await db.schema.createTable('notes').addColumn('id', 'integer').execute()
        if (!process.env.${variable}) await db.schema.createTable('users').addColumn('id', 'integer').execute()
      }`
      const migrations = await folderOf({ '0001-users.mjs': USERS, '0002-again.mjs': failing })
      const db = await home.connect<Schema>({ migrations, seed: await folderOf({}) })
      for (const _ of [1, 2]) {
        const error = await rows(db, 'users').catch((error: unknown) => error)
        expect(error).toBeInstanceOf(MigrationError)
        expect(error).toMatchObject({ code: 'MIGRATION_FAILED', file: join(migrations, '0002-again.mjs') })
        expect(String(error)).toMatch(/0002-again\.mjs.*already exists/)
        expect((error as Error).cause).toBeInstanceOf(Error)
      }
      process.env[variable] = '1'
      try {
        expect(await db.ready()).toEqual({ migrations: ['0001-users', '0002-again'], seededRows: 0 })
      } finally {
        delete process.env[variable]
      }
      expect(await tables(db)).toEqual(['_thaw_state', 'notes', 'users'])
    })

    test('a migration that cannot be loaded, or is none, is named', async () => {
      for (const [text, message] of [
        ['export const up = (', /0001-bad\.mjs.* cannot be loaded/],
        ['export const down = () => {}', /0001-bad\.mjs.* does not export a function "up"/],
      ] as const) {
        const migrations = await folderOf({ '0001-bad.mjs': text })
        const db = await home.connect<Schema>({ migrations })
        await expect(db.ready()).rejects.toThrow(MigrationError)
        await expect(db.ready()).rejects.toThrow(message)
      }
    })

    test('a folder that has parted from the database is refused, and so is one out of order', async () => {
      const url = await home.url()
      const first = await home.connect<Schema>({ url, migrations: await folderOf(MIGRATIONS) })
      await first.ready()
      const parted = await folderOf({ '0001-users.mjs': USERS, '0002-other.mjs': NOTES })
      const second = await home.connect<Schema>({ url, migrations: parted })
      await expect(second.ready()).rejects.toThrow(/0002-other.*the database has 0002-notes/)
      const unordered = await folderOf({ ...MIGRATIONS, '0000-late.mjs': 'export const up = () => {}' })
      const third = await home.connect<Schema>({ url, migrations: unordered })
      await expect(third.ready()).rejects.toThrow(/0000-late/)
      expect(await tables(first)).toEqual(['_thaw_state', 'notes', 'users'])
    })

    test.each([
      ['text that is no JSON', '[{ "id": 1 ', null, /01-users\.json is not JSON/],
      ['no array', '{ "id": 1 }', null, /01-users\.json is not an array/],
      ['a row that is none', '[{ "id": 1, "name": "Ada" }, 5]', 1, /01-users\.json, row 1.*not 5/],
      ['an empty row', '[{ }]', 0, /01-users\.json, row 0/],
      ['a broken rule', '[{ "id": 1, "name": "A" }, { "id": 2, "name": "A" }]', 0, /rows 0 to 1.*unique/i],
      ['an unknown column', '[{ "id": 1, "name": "A", "age": 5 }]', 0, /01-users\.json, row 0.*age/],
    ])('a seed with %s is named, and tried again', async (_, text, row, message) => {
      const migrations = await folderOf(MIGRATIONS)
      const seed = await folderOf({ '00-notes.json': '[]', '01-users.json': text })
      const db = await home.connect<Schema>({ migrations, seed })
      const error = await db.ready().catch((error: unknown) => error)
      expect(error).toBeInstanceOf(SeedError)
      expect(error).toMatchObject({ code: 'SEED_FAILED', file: join(seed, '01-users.json'), row })
      expect(String(error)).toMatch(message)
      await writeFile(join(seed, '01-users.json'), '[{ "id": 3, "name": "Cy" }]')
      expect(await db.ready()).toEqual({ migrations: [], seededRows: 1 })
      expect(await db.selectFrom('users').select('id').execute()).toEqual([{ id: 3 }])
    })

    test('a seed for a table that is not there is named', async () => {
      const seed = await folderOf({ 'nothing.json': '[{ "id": 1 }]' })
      const db = await home.connect<Schema>({ seed })
      await expect(db.ready()).rejects.toThrow(/nothing\.json: table nothing cannot be read/)
    })

    test('folders that are not there are named with their variables', async () => {
      const env = { ...(await home.env()), THAW_MIGRATIONS: 'no/such', LAMBDA_TASK_ROOT: '/var/task' }
      const db = await home.connect<Schema>({ env })
      await expect(db.ready()).rejects.toThrow(ConfigError)
      await expect(db.ready()).rejects.toThrow(/\/var\/task\/no\/such .*THAW_MIGRATIONS/)
      const seedless = await home.connect<Schema>({
        migrations: await folderOf(MIGRATIONS),
        seed: '/no/such',
      })
      await expect(seedless.ready()).rejects.toThrow(/\/no\/such .*THAW_SEED/)
    })
  })

  test('a migration that uses the outer database is told, instead of waiting for itself', async () => {
    const name = 'outerDatabaseOfTheTest'
    const migrations = await folderOf({
      '0001-outer.mjs': `export const up = () => globalThis.${name}.selectFrom('users').selectAll().execute()`,
    })
    const db = await home.connect<Schema>({ migrations })
    Object.assign(globalThis, { [name]: db })
    await expect(db.ready()).rejects.toMatchObject({ cause: { code: 'NESTED_USE' } })
  })

  test('folders may go when nothing is to be done with them', async () => {
    const url = await home.url()
    const migrations = await folderOf(MIGRATIONS)
    await (await home.connect<Schema>({ url, migrations })).ready()
    for (const name of Object.keys(MIGRATIONS)) await rm(join(migrations, name))
    expect(await (await home.connect<Schema>({ url, migrations })).ready()).toMatchObject({ migrations: [] })
  })
}
