import { writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { temporaryDirectory } from '@thaw/testing'
import { CompiledQuery, InsertQueryNode } from 'kysely'
import { expect, test } from 'vitest'
import { openFile } from './engine.ts'

const target = (path: string) =>
  ({ kind: 'file', engine: 'sqlite', description: `sqlite:${path}`, path }) as const

test('what cannot be opened is named', async () => {
  await using directory = await temporaryDirectory()
  const missing = `${directory.path}/no/such/app.db`
  await expect(openFile(target(missing))).rejects.toMatchObject({ code: 'OPEN_FAILED' })
  await expect(openFile(target(missing))).rejects.toThrow(`sqlite:${missing} cannot be opened`)
  const text = `${directory.path}/notes.txt`
  await writeFile(text, 'this is no database, but it is long enough for one: '.repeat(100))
  await expect(openFile(target(text))).rejects.toThrow(
    `sqlite:${text} cannot be used: is it a SQLite database?`,
  )
})

test('a second statement in one text is refused, not left out', async () => {
  const engine = await openFile(target(':memory:'))
  const connection = await engine.acquire()
  const run = (sql: string) => connection.executeQuery(CompiledQuery.raw(sql))
  await expect(run('create table a (id); create table b (id)')).rejects.toMatchObject({
    code: 'BAD_STATEMENT',
  })
  expect((await run('select name from sqlite_master')).rows).toEqual([])
  expect((await run('select 1 as one; -- done\n /* really; */ ;')).rows).toEqual([{ one: 1 }])
  await connection.release()
  await engine.close()
})

test('the number of a new row is as it is, also one that a number cannot hold', async () => {
  const engine = await openFile(target(':memory:'))
  const connection = await engine.acquire()
  await connection.executeQuery(CompiledQuery.raw('create table a (id integer primary key)'))
  const insert = async (id: string) => {
    const query = {
      ...CompiledQuery.raw(`insert into a values (${id})`),
      query: InsertQueryNode.createWithoutInto(),
    }
    return (await connection.executeQuery(query)).insertId
  }
  expect(await insert('9007199254740993')).toBe(9007199254740993n)
  expect(await insert('7')).toBe(7n)
  await connection.release()
  await engine.close()
})

test('the file is a plain SQLite database in WAL mode', async () => {
  await using directory = await temporaryDirectory()
  const path = `${directory.path}/app.db`
  const engine = await openFile(target(path))
  await engine.atomic(async (connection) => {
    await connection.executeQuery(CompiledQuery.raw('create table a (id)'))
  })
  const other = new DatabaseSync(path)
  expect(other.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' })
  expect(other.prepare('select name from sqlite_master').all()).toEqual([{ name: 'a' }])
  other.close()
  await engine.close()
})

test('a transaction that SQLite ends by itself leaves a usable connection', async () => {
  const engine = await openFile(target(':memory:'))
  const outcome = engine.atomic(async (connection) => {
    await connection.executeQuery(CompiledQuery.raw('create table a (id integer primary key)'))
    await connection.executeQuery(CompiledQuery.raw('insert or rollback into a values (1), (1)'))
  })
  await expect(outcome).rejects.toThrow(/UNIQUE/)
  await engine.atomic(async (connection) => {
    await connection.executeQuery(CompiledQuery.raw('create table a (id)'))
  })
  await engine.close()
})
