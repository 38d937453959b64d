import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { openSqlite } from '@thaw/sqlite'
import { folderStore, memoryStore } from '@thaw/store'
import { startS3Server } from '@thaw/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runCli } from '../src/cli.ts'
import { commands } from '../src/table.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const nodeModules = fileURLToPath(new URL('../../../node_modules', import.meta.url))
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'thaw-cli-db-'))
})
afterEach(() => rm(root, { recursive: true }))

const urlOf = (name: string) => `sqlite+${pathToFileURL(join(root, name)).href}`

/** Runs `thaw db …` in a process of its own, without anything of this one's environment that names a database. */
function db(args: readonly string[], environment: Record<string, string> = {}) {
  const { DATABASE_URL: _, ...inherited } = process.env
  const options = { cwd: root, env: { ...inherited, ...environment } }
  return new Promise<{ code: number; out: string; err: string }>((resolve, reject) => {
    execFile(process.execPath, [main, 'db', ...args], options, (error, out, err) => {
      if (error !== null && typeof error.code !== 'number') reject(error)
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err })
    })
  })
}

/** A database with one row a transaction after the first: 2, 3, …, `last`. */
async function fill(name: string, last: number): Promise<void> {
  const database = await openSqlite({ store: folderStore(join(root, name)) })
  try {
    await database.execute('CREATE TABLE t(a INTEGER)')
    for (let a = 2; a <= last; a++) await database.execute('INSERT INTO t VALUES (?)', [a])
  } finally {
    await database.close()
  }
}

function valuesIn(file: string): unknown[] {
  const copy = new DatabaseSync(join(root, file), { readOnly: true })
  try {
    return copy
      .prepare('SELECT a FROM t ORDER BY a')
      .all()
      .map(({ a }) => a)
  } finally {
    copy.close()
  }
}

test('status tells of a database, of none, and of one that is broken', async () => {
  const url = urlOf('bucket')
  expect(await db(['status', '--url', url])).toEqual({
    code: 0,
    out: `${url}\n  holds no database yet\n`,
    err: '',
  })
  await fill('bucket', 4)
  const { code, out } = await db(['status'], { DATABASE_URL: url })
  expect(code).toBe(0)
  expect(out).toMatch(/head +transaction 4, \d{4}-.*Z \(\d+ s ago\)\n/)
  expect(out).toMatch(/not compacted +4 transactions, /)
  expect(out).toMatch(/level 0 +4 files, .* transactions 1 to 4, /)
  const json = await db(['status', '--url', url, '--json'])
  expect(JSON.parse(json.out)).toMatchObject({ database: url, head: { txid: 4 }, tail: { files: 4 } })

  await rm(join(root, 'bucket/0000/0000000000000003-0000000000000003.ltx'))
  const broken = await db(['status', '--url', url])
  expect(broken.code).toBe(1)
  expect(broken.out).toContain('PROBLEM: ')
  expect(broken.out).toContain('0000000000000003-0000000000000003.ltx is not there')
})

test('export as it was, import, fork: each is what was asked for, and nothing is overwritten', async () => {
  await fill('bucket', 5)
  const url = urlOf('bucket')
  const exported = await db(['export', 'all.db', '--url', url])
  expect(exported).toMatchObject({ code: 0, err: '' })
  expect(exported.out).toContain(`${join(root, 'all.db')}: transaction 5 of `)
  expect(valuesIn('all.db')).toEqual([2, 3, 4, 5])
  expect((await db(['export', 'some.db', '--at', '3', '--url', url])).code).toBe(0)
  expect((await db(['export', 'hex.db', '--at', '0000000000000003', '--url', url])).code).toBe(0)
  expect([valuesIn('some.db'), valuesIn('hex.db')]).toEqual([
    [2, 3],
    [2, 3],
  ])
  const late = await db(['export', 'late.db', '--at', '2999-01-01T00:00:00Z', '--url', url, '--json'])
  expect(JSON.parse(late.out)).toMatchObject({ path: join(root, 'late.db'), txid: 5 })

  const again = await db(['export', 'some.db', '--url', url])
  expect(again).toEqual({
    code: 1,
    out: '',
    err: `FILE_EXISTS: ${join(root, 'some.db')} is there already; name another file, or remove it\n`,
  })
  const early = await db(['export', 'early.db', '--at', '2001-01-01T00:00+01:00', '--url', url])
  expect(early).toMatchObject({ code: 1, out: '' })
  expect(early.err).toMatch(/^NO_RESTORE_POINT: .*2000-12-31T23:00:00\.000Z.*transaction 1 /)

  expect((await db(['import', 'some.db', '--url', urlOf('second')])).code).toBe(0)
  const twice = await db(['import', 'some.db', '--url', urlOf('second')])
  expect(twice).toMatchObject({ code: 1, out: '' })
  expect(twice.err).toContain('DATABASE_EXISTS: ')
  const fork = await db(['fork', urlOf('third'), '--url', url, '--at', '4', '--json'])
  expect(JSON.parse(fork.out)).toMatchObject({ database: urlOf('third'), from: 4 })
  await db(['export', 'second.db', '--url', urlOf('second')])
  await db(['export', 'third.db', '--url', urlOf('third')])
  expect([valuesIn('second.db'), valuesIn('third.db')]).toEqual([
    [2, 3],
    [2, 3, 4],
  ])
  expect((await readdir(root)).sort()).toEqual([
    'all.db',
    'bucket',
    'hex.db',
    'late.db',
    'second',
    'second.db',
    'some.db',
    'third',
    'third.db',
  ])
})

test('check shows every part, names what is damaged and ends with 1', async () => {
  await fill('bucket', 3)
  const url = urlOf('bucket')
  const good = await db(['check', '--url', url])
  expect(good).toMatchObject({ code: 0, err: '' })
  expect(good.out.match(/^ {2}(\w+) +ok /gm)?.map((line) => line.trim().split(' ')[0])).toEqual([
    'configuration',
    'upload',
    'download',
    'manager',
  ])
  const all = await db(['check', '--all', '--url', url])
  expect(all.out).toMatch(/ {2}history +ok +3 files .* from transaction 1 to 3\n$/)
  const object = join(root, 'bucket/0000/0000000000000002-0000000000000002.ltx')
  const bytes = await readFile(object)
  bytes[150] = (bytes[150] ?? 0) ^ 0xff
  await writeFile(object, bytes)
  const bad = await db(['check', '--upload', '--download', '--url', url, '--json'])
  expect(bad.code).toBe(1)
  expect(JSON.parse(bad.out)).toMatchObject({
    ok: false,
    results: [
      { part: 'upload', ok: true },
      {
        part: 'download',
        ok: false,
        error: expect.stringMatching(/^RESTORE_CORRUPT: 0000\/0000000000000002-/),
      },
    ],
  })
  const unset = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_REGION: 'eu-central-1' }
  const config = await db(['check', '--url', 'sqlite+s3://bucket/app'], unset)
  expect(config.code).toBe(1)
  expect(config.out).toMatch(/^ {2}configuration +FAILED +STORE_CREDENTIALS_MISSING: /)
})

test('maintain compacts, and says when there is nothing to do', async () => {
  const store = memoryStore()
  const database = await openSqlite({ store, maintainEvery: 0 })
  for (let i = 0; i < 256; i++) await database.execute(`PRAGMA user_version = ${i + 1}`)
  await database.close()
  await mkdir(join(root, 'bucket/0000'), { recursive: true })
  for await (const { key } of store.list('0000/')) {
    await writeFile(join(root, 'bucket', key), (await store.get(key))?.body ?? '')
  }
  const url = urlOf('bucket')
  const made = '0001/0000000000000001-0000000000000100.ltx'
  expect(await db(['maintain', '--no-delete', '--url', url])).toEqual({
    code: 0,
    out: `made ${made}\n`,
    err: '',
  })
  expect(await db(['maintain', '--url', url])).toEqual({ code: 0, out: 'nothing to do\n', err: '' })
  const again = await db(['maintain', '--url', url, '--json'])
  expect(JSON.parse(again.out)).toEqual({ created: [], deleted: [] })
  const { out } = await db(['status', '--url', url])
  expect(out).toMatch(/restore +reads 1 file, .*\n +not compacted +nothing\n/)
})

test('the same on S3, with the credentials of the process; other ones are refused', async () => {
  const server = await startS3Server()
  try {
    const url = `sqlite+${server.urlOf('app')}`
    await fill('bucket', 3)
    await db(['export', 'in.db', '--url', urlOf('bucket')])
    expect(await db(['import', 'in.db', '--url', url], server.env)).toMatchObject({ code: 0, err: '' })
    const { code, out } = await db(['check', '--url', url], server.env)
    expect({ code, failed: out.includes('FAILED') }).toEqual({ code: 0, failed: false })
    expect((await db(['export', 'out.db', '--url', url], server.env)).out).toContain('transaction 1 of ')
    expect(valuesIn('out.db')).toEqual([2, 3])
    const wrong = await db(['status', '--url', url], { ...server.env, AWS_SECRET_ACCESS_KEY: 'other' })
    expect(wrong).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^STORE_ACCESS_DENIED: /) })
  } finally {
    await server.close()
  }
})

test('the database of an application is that of `thaw dev`, with what its .env says', async () => {
  await mkdir(join(root, 'shop/src'), { recursive: true })
  await symlink(nodeModules, join(root, 'node_modules'))
  await writeFile(
    join(root, 'shop/src/api.ts'),
    `export const handler = async (): Promise<string> => 'hello'`,
  )
  await writeFile(
    join(root, 'shop/thaw.config.ts'),
    `import { defineApp, http, sqlite } from '@thaw/app'
     export default defineApp({ name: 'shop', functions: { api: http('./src/api.ts') }, database: sqlite() })`,
  )
  await fill('shop/.thaw/bucket/shop', 2)
  const status = async (...args: string[]) => {
    const { out, err } = await db(['status', '--json', ...args])
    expect(err).toBe('')
    return JSON.parse(out)
  }
  expect(await status('--app', 'shop')).toMatchObject({
    database: urlOf('shop/.thaw/bucket/shop'),
    head: { txid: 2 },
  })
  await writeFile(join(root, 'shop/.env'), `DATABASE_URL=${urlOf('elsewhere')}`)
  expect(await status('--app', 'shop')).toMatchObject({ database: urlOf('elsewhere'), head: null })
  expect(await status('--app', 'shop', '--url', urlOf('third'))).toMatchObject({ database: urlOf('third') })
})

test.each([
  [['status'], 'Which database? Give --url URL'],
  [['status', 'here', '--url', 'sqlite+file:///a'], "'here' is one argument too many"],
  [['status', '--url', 'postgres://me:geheim@host/name'], 'not in postgres://me:***@host/name.'],
  [['status', '--url', 'sqlite:./app.db'], 'sqlite+s3://bucket/prefix'],
  [['status', '--url', 'geheim'], 'This works on a database that lives in a bucket'],
  [['export', '--url', 'sqlite+file:///a'], 'Which file? Usage: thaw db export FILE'],
  [['export', 'x.db', '--at', '2026-11-20', '--url', 'sqlite+file:///a'], '--at takes a time with its zone'],
  [['export', 'x.db', '--at', '2026-13-45T00:00Z', '--url', 'sqlite+file:///a'], '--at takes a time'],
  [['fork', 'sqlite:x', '--url', 'sqlite+file:///a'], 'This works on a database that lives in a bucket'],
  [['check', '--everything'], "Unknown option '--everything'"],
  [['drop'], "There is no command 'thaw db drop'"],
])('%j is a wrong call', async (args, message) => {
  const out: string[] = []
  const err: string[] = []
  const code = await runCli(commands, ['db', ...args], {
    out: (line) => void out.push(line),
    err: (line) => void err.push(line),
    environment: {},
    directory: root,
  })
  expect({ code, out }).toEqual({ code: 2, out: [] })
  expect(err).toEqual([expect.stringContaining(message)])
  expect(err.join()).not.toContain('geheim')
})
