import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { type ObjectStore, openStore } from '@thaw/store'
import { type S3Server, startS3Server, temporaryDirectory } from '@thaw/testing'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { folderOf, removeFolders } from '../../../test/home.ts'
import { type ConnectOptions, connect } from '../../index.ts'

removeFolders()

interface Schema {
  users: { id: number; name: string }
}

let server: S3Server
let file: Uint8Array
let prefixes = 0

beforeAll(async () => {
  server = await startS3Server()
  await using directory = await temporaryDirectory()
  const path = `${directory.path}/old.db`
  const old = new DatabaseSync(path)
  // As an application leaves it that was in WAL mode and closed it.
  old.exec(
    "PRAGMA journal_mode = WAL; CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO users VALUES (1, 'Old')",
  )
  old.close()
  file = await readFile(path)
})
afterAll(() => server.close())

/** A place of its own in the bucket, and the old file beside it under `key`. */
async function place(key: string | null, bytes: Uint8Array = file) {
  const prefix = `place-${++prefixes}`
  const bucket = openStore(server.url, server.env)
  onTestFinished(() => bucket.close())
  if (key !== null) await bucket.put(`${prefix}-${key}`, bytes)
  return {
    bucket,
    key: `${prefix}-${key}`,
    prefix,
    transactions: () => names(bucket, `${prefix}/0000/`),
    connect: (env: Record<string, string> = {}, options: ConnectOptions = {}) => {
      const url = `sqlite+${server.urlOf(prefix)}`
      const db = connect<Schema>({ env: { ...server.env, DATABASE_URL: url, ...env }, ...options })
      onTestFinished(() => db.shutdown())
      return db
    },
  }
}

async function names(store: ObjectStore, prefix: string): Promise<string[]> {
  const found: string[] = []
  for await (const { key } of store.list(prefix)) found.push(key)
  return found
}

const FIRST = '0000000000000001-0000000000000001.ltx'

test('the file that the environment names is the first transaction, once, however many start together', async () => {
  const { bucket, prefix, key, connect, transactions } = await place('old/users.db')
  const before = await bucket.head(key)
  const options = { seed: await folderOf({ 'users.json': '[{ "id": 1, "name": "Seeded" }]' }) }
  const env = { DATABASE_S3_KEY: key, DATABASE_S3_BUCKET: server.bucket }
  const all = await Promise.all(
    Array.from({ length: 5 }, () => connect(env, options).selectFrom('users').selectAll().execute()),
  )
  for (const rows of all) expect(rows).toEqual([{ id: 1, name: 'Old' }])
  expect(await transactions()).toContain(`${prefix}/0000/${FIRST}`)
  expect(await bucket.head(key)).toEqual(before)
  const adopted = await bucket.get(`${prefix}/thaw/adopted`)
  expect(JSON.parse(Buffer.from(adopted?.body ?? '').toString())).toMatchObject({
    from: `s3://${server.bucket}/${key}`,
    etag: before?.etag,
    bytes: file.length,
  })
  await connect(env).insertInto('users').values({ id: 2, name: 'New' }).execute()
  expect(await connect(env).selectFrom('users').select('id').execute()).toEqual([{ id: 1 }, { id: 2 }])
})

test('the other name of the variable does too, in the bucket of the database', async () => {
  const { key, connect } = await place('old.db')
  expect(
    await connect({ DB_S3_KEY: `/${key}` })
      .selectFrom('users')
      .selectAll()
      .execute(),
  ).toHaveLength(1)
})

test('a named file that is not there is an error, unless it is said not to be', async () => {
  const { key, connect, transactions } = await place(null)
  const refused = connect({ DATABASE_S3_KEY: key }).ready()
  await expect(refused).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  await expect(refused).rejects.toThrow(`s3://${server.bucket}/${key}, which DATABASE_S3_KEY names`)
  expect(await transactions()).toEqual([])
  await connect({ DATABASE_S3_KEY: key, THAW_ADOPT: 'if-present' }).ready()
  await connect({ DATABASE_S3_KEY: key }, { adopt: 'never' }).ready()
})

test('where there is a database the variable means nothing any more', async () => {
  const { bucket, key, connect } = await place(null)
  const first = connect()
  await first.schema.createTable('users').addColumn('id', 'integer').execute()
  await bucket.put(key, file)
  const again = connect({ DATABASE_S3_KEY: key })
  expect(await again.selectFrom('users').selectAll().execute()).toEqual([])
  expect(await connect({ DB_S3_KEY: 'no/such' }).selectFrom('users').selectAll().execute()).toEqual([])
})

test('what is named and is no whole SQLite file is refused, and nothing is made of it', async () => {
  const damaged = Uint8Array.from(file)
  damaged.fill(0xff, 4096, 8192)
  for (const [bytes, code] of [
    [Buffer.from('DUCK and more'), 'FILE_NOT_SQLITE'],
    [new Uint8Array(), 'FILE_NOT_SQLITE'],
    [damaged, 'INTEGRITY_CHECK_FAILED'],
    [file.subarray(0, 5000), 'INTEGRITY_CHECK_FAILED'],
  ] as const) {
    const { key, connect, transactions } = await place('old.db', bytes)
    const refused = connect({ DATABASE_S3_KEY: key }).ready()
    await expect(refused).rejects.toMatchObject({ code })
    await expect(refused).rejects.toThrow(`s3://${server.bucket}/${key}`)
    expect(await transactions()).toEqual([])
  }
})

test('beside a file that nobody named nothing is begun empty', async () => {
  const { bucket, prefix, connect, transactions } = await place(null)
  for (const name of [prefix, `${prefix}.db`, `${prefix}.sqlite3`, `${prefix}/data/app.sqlite`]) {
    await bucket.put(name, file)
    await expect(connect().ready(), name).rejects.toMatchObject({ code: 'FILE_NOT_ADOPTED' })
    await bucket.delete([name])
  }
  // Neither its name alone nor its contents alone make a file the one that was meant.
  await bucket.put(`${prefix}.db`, Buffer.from('something else'))
  await bucket.put(`${prefix}/thaw/x.db`, file)
  await bucket.put(`${prefix}-other`, file)
  expect(await transactions()).toEqual([])
  await connect().ready()
})

test('the same in a folder', async () => {
  await using directory = await temporaryDirectory()
  const url = (name: string) => `sqlite+${pathToFileURL(`${directory.path}/${name}`).href}`
  await writeFile(`${directory.path}/app.db`, file)
  await mkdir(`${directory.path}/filled`)
  await writeFile(`${directory.path}/filled/app.db`, file)
  for (const name of ['app', 'filled']) {
    const db = connect({ url: url(name), env: {} })
    await expect(db.ready(), name).rejects.toMatchObject({ code: 'FILE_NOT_ADOPTED' })
    await db.shutdown()
  }
  const direct = connect({ url: url('app.db'), env: {} })
  await expect(direct.ready()).rejects.toThrow(/app\.db/)
  await direct.shutdown()
  expect((await readFile(`${directory.path}/app.db`)).equals(file)).toBe(true)
  const nowhere = connect({ url: url('new'), env: { DATABASE_S3_KEY: 'old.db' } })
  await expect(nowhere.ready()).rejects.toMatchObject({ code: 'DATABASE_CONFIG' })
  await nowhere.shutdown()
})

test('a wrong word is told at once', () => {
  const env = { DATABASE_URL: 'sqlite+memory:', THAW_ADOPT: 'always' }
  expect(() => connect({ env })).toThrow('THAW_ADOPT is "always": it has to be required, if-present or never')
})
