import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { memoryStore, type ObjectStore } from '@thaw/store'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { open, rows, temporaryDirectory, withOperations } from '../../test/kit.ts'
import type { SqliteDatabase } from '../index.ts'
import { pullDatabase } from './pull.ts'
import { pushDatabase } from './push.ts'
import { restoreInPlace } from './restore-in-place.ts'

let store: ObjectStore
let db: SqliteDatabase
let directory: string
let file: string
const source = () => ({ store, description: 'the database' })

/** A database at transaction 2, pulled. */
beforeEach(async () => {
  store = memoryStore()
  db = await open({ store })
  await db.execute('CREATE TABLE t(a)')
  await db.execute("INSERT INTO t VALUES ('one')")
  directory = temporaryDirectory()
  file = join(directory, 'local.sqlite')
  expect(await pullDatabase(source(), file)).toMatchObject({ path: file, txid: 2, bytes: 8192 })
})

function edit(sql: string): void {
  const local = new DatabaseSync(file)
  try {
    local.exec(sql)
  } finally {
    local.close()
  }
}

const values = async () => (await rows(db, 'SELECT a FROM t')).map((row) => Object.values(row as object)[0])

test('what is changed in a pulled file goes back as one transaction, again and again, and is undone', async () => {
  expect(readdirSync(directory).sort()).toEqual(['local.sqlite', 'local.sqlite.thaw'])
  expect(await pushDatabase(source(), file)).toMatchObject({ before: 2, txid: null, pages: 0 })
  edit("INSERT INTO t VALUES ('two'); CREATE TABLE u(b)")
  expect(await pushDatabase(source(), file, { approve: () => false })).toMatchObject({
    before: 2,
    txid: null,
    pages: 3,
  })
  expect(await values()).toEqual(['one'])
  expect(await pushDatabase(source(), file)).toMatchObject({ before: 2, txid: 3 })
  expect(await values()).toEqual(['one', 'two'])
  edit("DELETE FROM t WHERE a = 'one'")
  expect(await pushDatabase(source(), file)).toMatchObject({ before: 3, txid: 4 })
  expect(await values()).toEqual(['two'])
  await restoreInPlace(source(), { to: 2 })
  expect(await values()).toEqual(['one'])
  expect(await rows(db, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
})

test('what is committed in the log of an open file goes along', async () => {
  const local = new DatabaseSync(file)
  onTestFinished(() => local.close())
  local.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; INSERT INTO t VALUES ('in the log')")
  await pushDatabase(source(), file)
  expect(await values()).toEqual(['one', 'in the log'])
  await expect(pullDatabase(source(), file)).rejects.toMatchObject({ code: 'FILE_CHANGED' })
})

test('nothing that others wrote since is replaced without force, which can be undone', async () => {
  edit("INSERT INTO t VALUES ('mine')")
  await db.execute("INSERT INTO t VALUES ('theirs')")
  const refused = pushDatabase(source(), file)
  await expect(refused).rejects.toMatchObject({ code: 'DATABASE_MOVED' })
  await expect(refused).rejects.toThrow(
    'no longer at transaction 2: it is at transaction 3. Nothing was changed',
  )
  expect(await values()).toEqual(['one', 'theirs'])
  expect(await pushDatabase(source(), file, { force: true })).toMatchObject({ before: 3, txid: 4 })
  expect(await values()).toEqual(['one', 'mine'])
  await restoreInPlace(source(), { to: 3 })
  expect(await values()).toEqual(['one', 'theirs'])
})

test('a transaction that comes between the look and the push is not overwritten', async () => {
  edit("INSERT INTO t VALUES ('mine')")
  let raced = false
  const racing = withOperations(store, {
    put: async (key, ...rest) => {
      if (key.startsWith('0000/') && !raced) {
        raced = true
        await db.execute("INSERT INTO t VALUES ('theirs')")
      }
      return store.put(key, ...rest)
    },
  })
  await expect(pushDatabase({ ...source(), store: racing }, file)).rejects.toMatchObject({
    code: 'DATABASE_MOVED',
  })
  expect(raced).toBe(true)
  expect(await values()).toEqual(['one', 'theirs'])
})

test('a file goes back only into the history that it came from', async () => {
  store = memoryStore()
  const other = await open({ store })
  await other.execute('CREATE TABLE t(a)')
  await other.execute("INSERT INTO t VALUES ('another database')")
  edit("INSERT INTO t VALUES ('mine')")
  const refused = pushDatabase(source(), file)
  await expect(refused).rejects.toMatchObject({ code: 'DATABASE_MOVED' })
  await expect(refused).rejects.toThrow('another history')
  expect(await rows(other, 'SELECT count(*) AS n FROM t')).toEqual([{ n: 1 }])
})

test('a file that nobody changed is brought up to date; any other is left alone', async () => {
  await db.execute("INSERT INTO t VALUES ('two')")
  expect(await pullDatabase(source(), file)).toMatchObject({ txid: 3 })
  edit("INSERT INTO t VALUES ('mine')")
  const changed = readFileSync(file)
  await expect(pullDatabase(source(), file)).rejects.toMatchObject({ code: 'FILE_CHANGED' })
  expect(readFileSync(file).equals(changed)).toBe(true)
  expect(await pushDatabase(source(), file)).toMatchObject({ before: 3, txid: 4 })
  expect(await pullDatabase(source(), file)).toMatchObject({ txid: 4 })
  rmSync(`${file}.thaw`)
  await expect(pullDatabase(source(), file)).rejects.toMatchObject({ code: 'FILE_EXISTS' })
  expect(readdirSync(directory)).toEqual(['local.sqlite'])
})

test('a file that is changed while it is pulled again is left alone', async () => {
  await db.execute("INSERT INTO t VALUES ('two')")
  let edited = false
  const slow = withOperations(store, {
    get: (...args) => {
      if (!edited) edit("INSERT INTO t VALUES ('mine')")
      edited = true
      return store.get(...args)
    },
  })
  await expect(pullDatabase({ ...source(), store: slow }, file)).rejects.toMatchObject({
    code: 'FILE_CHANGED',
  })
  const local = new DatabaseSync(file, { readOnly: true })
  onTestFinished(() => local.close())
  expect(local.prepare('SELECT a FROM t').all()).toHaveLength(2)
})

test('what cannot be pushed is refused and changes nothing', async () => {
  const temporary = temporaryDirectory()
  vi.stubEnv('TMPDIR', temporary)
  onTestFinished(() => void vi.unstubAllEnvs())
  const refused = async (code: string, force = false) =>
    expect(pushDatabase(source(), file, { force })).rejects.toMatchObject({ code })
  const note = readFileSync(`${file}.thaw`, 'utf8')
  for (const broken of [
    '',
    '{',
    '{}',
    note.replace('thaw-pull-1', 'other'),
    note.replace('"txid": "0', '"txid": "x'),
  ]) {
    writeFileSync(`${file}.thaw`, broken)
    await refused('FILE_NOT_PULLED')
  }
  rmSync(`${file}.thaw`)
  await refused('FILE_NOT_PULLED')
  edit('PRAGMA page_size = 512; VACUUM')
  await refused('PAGE_SIZE_DIFFERS', true)
  writeFileSync(file, '')
  await refused('FILE_NOT_SQLITE', true)
  rmSync(file)
  await refused('FILE_NOT_FOUND', true)
  expect(existsSync(file)).toBe(false)
  expect(await values()).toEqual(['one'])
  expect(db.position).toBe(2)
  expect(readdirSync(temporary)).toEqual([])
})
