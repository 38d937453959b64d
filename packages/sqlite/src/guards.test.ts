import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { memoryStore } from '@thaw/store'
import { beforeEach, expect, test } from 'vitest'
import { open, rows, temporaryDirectory } from '../test/kit.ts'
import type { Reader, SqliteDatabase } from './types.ts'

let store: ReturnType<typeof memoryStore>
let db: SqliteDatabase

beforeEach(async () => {
  store = memoryStore()
  db = await open({ store })
  await db.execute('CREATE TABLE parent(id INTEGER PRIMARY KEY)')
  await db.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, p INTEGER REFERENCES parent(id))')
  await db.execute("INSERT INTO t(v) VALUES ('there')")
})

/** Every way in which an application can run a statement. */
const ways: Record<string, (sql: string) => Promise<unknown>> = {
  execute: (sql) => db.execute(sql),
  atomic: (sql) => db.atomic((tx) => tx.execute(sql)),
  read: (sql) => db.read((reader) => reader.execute(sql)),
}

const REFUSED = [
  'PRAGMA journal_mode = DELETE',
  'pragma main.Journal_Mode(truncate)',
  '/* please */ PRAGMA journal_mode = off',
  'EXPLAIN PRAGMA journal_mode = DELETE',
  'PRAGMA locking_mode = EXCLUSIVE',
  'PRAGMA wal_checkpoint',
  'PRAGMA wal_checkpoint(TRUNCATE)',
  'PRAGMA wal_autocheckpoint = 1',
  'PRAGMA journal_size_limit = 0',
  'PRAGMA synchronous = FULL',
  'PRAGMA page_size = 512',
  'PRAGMA auto_vacuum = FULL',
  "PRAGMA encoding = 'UTF-16'",
  'PRAGMA query_only = 1',
  'PRAGMA writable_schema = 1',
  'PRAGMA schema_version = 1',
  'PRAGMA foreign_keys = OFF',
  'PRAGMA cache_size = 10',
  'PRAGMA recursive_triggers = ON',
  'PRAGMA temp.user_version = 4',
  'PRAGMA no_such_pragma = 1',
  'BEGIN',
  'BEGIN EXCLUSIVE',
  'COMMIT',
  'END',
  'ROLLBACK',
  "ATTACH 'other.db' AS other",
  "ATTACH ':memory:' AS other",
  'ATTACH ? AS other',
  'DETACH main',
  'CREATE TEMP TABLE gone(a)',
  'CREATE TABLE temp.gone(a)',
  'CREATE TEMPORARY TABLE gone AS SELECT * FROM t',
  'CREATE TEMP VIEW gone AS SELECT 1',
  'CREATE VIRTUAL TABLE temp.gone USING fts5(v)',
  'CREATE TEMP TRIGGER gone AFTER INSERT ON t BEGIN SELECT 1; END',
  "VACUUM INTO 'copy.db'",
]

test.each(REFUSED)('refused, whichever way it comes, with the reason: %s', async (sql) => {
  const settings = async () => ({
    writer: await db.atomic(settingsOf),
    reader: await db.read(settingsOf),
  })
  const before = await settings()
  for (const [way, run] of Object.entries(ways)) {
    const error = await run(sql).then(
      () => null,
      (reason) => reason,
    )
    expect(error, way).toMatchObject({ name: 'StatementRefusedError', code: 'STATEMENT_REFUSED' })
    expect(error.message, way).toMatch(/^\S.* is refused: .{20}/)
  }
  expect(await settings()).toEqual(before)
  await db.execute("INSERT INTO t(v) VALUES ('after')")
  const other = await open({ store })
  expect(await rows(other, 'SELECT v FROM t')).toEqual([{ v: 'there' }, { v: 'after' }])
  expect(await rows(other, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
})

/** What a statement could have changed on a connection. */
function settingsOf(connection: Reader): unknown {
  const names = ['journal_mode', 'locking_mode', 'synchronous', 'page_size', 'auto_vacuum', 'cache_size']
  const more = ['foreign_keys', 'query_only', 'writable_schema', 'schema_version', 'wal_autocheckpoint']
  const values = [...names, ...more].map((name) => connection.execute(`PRAGMA ${name}`).rows[0])
  const attached = "SELECT name FROM pragma_database_list WHERE name <> 'temp'"
  return {
    values,
    databases: connection.execute(attached).rows,
    temporary: connection.execute('SELECT * FROM sqlite_temp_schema').rows,
  }
}

test('a refused statement that was refused once is refused again, and our own BEGIN is not lent out', async () => {
  for (let i = 0; i < 3; i++) {
    for (const sql of ['BEGIN IMMEDIATE', 'COMMIT', 'PRAGMA schema_version = 9']) {
      await expect(ways.atomic?.(sql)).rejects.toMatchObject({ code: 'STATEMENT_REFUSED' })
    }
  }
})

test('a file that a statement asked for is not made', async () => {
  const directory = temporaryDirectory()
  await expect(db.execute('ATTACH ? AS x', [join(directory, 'x.db')])).rejects.toThrow(/ATTACH is refused/)
  await expect(db.execute(`VACUUM INTO '${join(directory, 'y.db')}'`)).rejects.toThrow(/VACUUM is refused/)
  expect(existsSync(join(directory, 'x.db')) || existsSync(join(directory, 'y.db'))).toBe(false)
})

test('the neighbours of a refused statement in its transaction stay', async () => {
  await db.atomic((tx) => {
    tx.execute("INSERT INTO t(v) VALUES ('kept')")
    expect(() => tx.execute('PRAGMA synchronous = FULL')).toThrow(/synchronous = FULL is refused/)
  })
  expect(await rows(await open({ store }), 'SELECT count(*) AS n FROM t')).toEqual([{ n: 2 }])
})

test.each([
  'PRAGMA journal_mode',
  'PRAGMA journal_mode = WAL',
  'PRAGMA synchronous',
  'PRAGMA page_size',
  'PRAGMA user_version',
  'PRAGMA foreign_keys',
  'PRAGMA foreign_keys = ON',
  'PRAGMA table_info(t)',
  'PRAGMA main.index_list(t)',
  "SELECT name FROM pragma_table_info('t')",
  'PRAGMA foreign_key_list(t)',
  'PRAGMA foreign_key_check',
  'PRAGMA integrity_check(5)',
  'PRAGMA quick_check',
  'PRAGMA optimize',
  'PRAGMA shrink_memory',
  'EXPLAIN QUERY PLAN SELECT * FROM t',
  'SELECT * FROM sqlite_temp_schema',
])('works, whichever way it comes: %s', async (sql) => {
  for (const run of Object.values(ways)) await run(sql)
})

test('what a pragma or a schema change writes into the database travels', async () => {
  await db.execute('PRAGMA user_version = 7')
  await db.atomic((tx) => tx.execute('PRAGMA application_id = 1234'))
  await db.execute('ALTER TABLE t RENAME TO renamed')
  await db.execute('CREATE VIRTUAL TABLE words USING fts5(v)')
  await db.execute("INSERT INTO words VALUES ('some words')")
  await db.execute('ANALYZE')
  const other = await open({ store })
  expect(await rows(other, 'PRAGMA user_version')).toEqual([{ user_version: 7 }])
  expect(await rows(other, 'PRAGMA application_id')).toEqual([{ application_id: 1234 }])
  expect(await rows(other, 'SELECT v FROM renamed')).toEqual([{ v: 'there' }])
  expect(await rows(other, "SELECT v FROM words('words')")).toEqual([{ v: 'some words' }])
})

test('savepoints work inside a transaction, and are refused where they would mean nothing', async () => {
  await db.atomic((tx) => {
    tx.execute('SAVEPOINT outer_one')
    tx.execute("INSERT INTO t(v) VALUES ('kept')")
    tx.execute('SAVEPOINT inner_one')
    tx.execute("INSERT INTO t(v) VALUES ('dropped')")
    tx.execute('ROLLBACK TO inner_one')
    tx.execute('RELEASE inner_one')
    tx.execute('RELEASE outer_one')
  })
  expect(await rows(db, 'SELECT v FROM t')).toEqual([{ v: 'there' }, { v: 'kept' }])
  await expect(db.execute('SAVEPOINT x')).rejects.toMatchObject({ code: 'STATEMENT_REFUSED' })
  await expect(ways.read?.('SAVEPOINT x')).rejects.toMatchObject({ code: 'STATEMENT_REFUSED' })
})

test('the check of foreign keys can be put off until the end of a transaction, and only there', async () => {
  const put = (first: string) =>
    db.atomic((tx) => {
      if (first) tx.execute(first)
      tx.execute('INSERT INTO t(p) VALUES (5)')
      tx.execute('INSERT INTO parent VALUES (5)')
    })
  await expect(put('')).rejects.toThrow(/FOREIGN KEY/)
  await put('PRAGMA defer_foreign_keys = ON')
  await expect(db.execute('DELETE FROM parent')).rejects.toThrow(/FOREIGN KEY/)
  await expect(db.execute('PRAGMA defer_foreign_keys = ON')).rejects.toThrow(/inside atomic/)
})
