import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { http, sqlite } from '@thaw/app'
import { checkDatabase, openSqlite } from '@thaw/sqlite'
import { openStore } from '@thaw/store'
import { type S3Server, startS3Server } from '@thaw/testing'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { buildApp } from '../src/build/build-app.ts'
import type { BuiltFunction } from '../src/build/model.ts'
import { createWorkspace, runIn } from './project.ts'

const DAY_MS = 86_400_000

const workspace = createWorkspace()
let built: BuiltFunction
let folder: string

beforeAll(async () => {
  const { loaded, outDir } = await workspace.project(
    { name: 'shop', database: sqlite(), functions: { api: http('./src/api.ts') } },
    { 'src/api.ts': 'export const handler = () => 1' },
  )
  const { maintenance } = await buildApp(loaded, { outDir })
  if (maintenance === null) throw new Error('no maintenance function was built')
  built = maintenance
  folder = await workspace.extract(built.zip)
})
afterAll(() => workspace[Symbol.asyncDispose]())

/** Invokes the handler in a process of its own, as Lambda does, and gives the one line that it logs. */
async function invoke(env: Readonly<Record<string, string>>) {
  const code = `const { handler } = await import('./index.mjs'); await handler({}, { awsRequestId: 'r1' })`
  const lines = (await runIn(folder, code, env)).split('\n')
  expect(lines).toHaveLength(1)
  return JSON.parse(lines[0] ?? '')
}

/** A database of so many transactions, the last of them large, whose writer leaves all maintenance to others. */
async function fill(url: string, env: Readonly<Record<string, string>>, transactions: number, large = 0) {
  const store = openStore(url, env)
  const db = await openSqlite({ store, maintainEvery: 0, directory: await workspace.folder() })
  await db.execute('CREATE TABLE t(v)')
  for (let left = transactions - 1; left > 0; left--) {
    await db.execute('INSERT INTO t VALUES (randomblob(?))', [left > large ? 10 : 100_000])
  }
  await db.close()
  await store.close()
}

/** How many rows there are, in a database that is found whole. */
async function rowsOf(url: string, env: Readonly<Record<string, string>>): Promise<unknown> {
  const store = openStore(url, env)
  try {
    const parts = ['download', 'history'] as const
    expect(await checkDatabase({ store, description: url }, { parts })).toMatchObject([
      { ok: true },
      { ok: true },
    ])
    const db = await openSqlite({ store, directory: await workspace.folder() })
    const { rows } = await db.execute('SELECT count(*) AS n FROM t')
    await db.close()
    return rows[0]?.n
  } finally {
    await store.close()
  }
}

/**
 * The way to an S3 server by which it seems to be so much later: maintenance asks for the time by an object that it has
 * just put, and judges by that how old the others are.
 */
async function laterBy(ms: number, { endpoint }: S3Server): Promise<string> {
  const proxy = createServer((asked, answer) => {
    const { method, url: path, headers } = asked
    const forwarded = request(new URL(path ?? '/', endpoint), { method, headers }, (given) => {
      const modified = given.headers['last-modified']
      if (path?.includes('thaw/clock') && modified !== undefined) {
        given.headers['last-modified'] = new Date(Date.parse(modified) + ms).toUTCString()
      }
      answer.writeHead(given.statusCode ?? 500, given.headers)
      given.pipe(answer)
    })
    forwarded.on('error', () => answer.destroy())
    asked.pipe(forwarded)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  onTestFinished(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  const { port } = proxy.address() as AddressInfo
  return `http://127.0.0.1:${port}`
}

test('the zip compacts and snapshots a database, and deletes what a day has covered', async () => {
  const server = await startS3Server()
  onTestFinished(() => server.close())
  const { env } = server
  const url = server.urlOf('shop-dev')
  await fill(url, env, 300, 44)
  const first = await invoke({ ...env, THAW_STORE_URL: url })
  expect(first).toMatchObject({
    level: 'INFO',
    message: 'maintenance',
    requestId: 'r1',
    database: `sqlite+${url.replace(/\?.*/, '')}`,
    created: ['0001/0000000000000001-0000000000000100.ltx', '0009/0000000000000001-000000000000012c.ltx'],
    deleted: {},
  })
  expect(await invoke({ ...env, THAW_STORE_URL: url })).toMatchObject({ created: [], deleted: {} })

  const later = url.replace(server.endpoint, await laterBy(2 * DAY_MS, server))
  expect(later).not.toBe(url)
  const { created, deleted } = await invoke({ ...env, THAW_STORE_URL: later })
  expect(created).toContain('0002/0000000000000001-000000000000012c.ltx')
  // All are covered for two days then, by what has just been made too; the newest transaction stays.
  expect(deleted).toEqual({ '0000': 299, '0001': 2 })
  expect(await rowsOf(url, env)).toBe(299)
})

test('two of it at once do the same work over S3, and none is lost', async () => {
  const server = await startS3Server()
  onTestFinished(() => server.close())
  const url = server.urlOf('shop-dev')
  await fill(url, server.env, 260)
  const env = { ...server.env, THAW_STORE_URL: url }
  for (const { created } of await Promise.all([invoke(env), invoke(env)])) {
    expect(created).toEqual(['0001/0000000000000001-0000000000000100.ltx'])
  }
  expect(await rowsOf(url, server.env)).toBe(259)
})

test('a run that fails says why in the log, and fails', async () => {
  const missing = await invoke({ THAW_STORE_URL: 's3://bucket/app' }).catch((error: unknown) => error)
  expect(String(missing)).toContain('STORE_REGION_MISSING')
  await expect(invoke({})).rejects.toThrow(/THAW_STORE_URL is not set/)
})

test('it holds the database and the store, and nothing of the application', () => {
  const names = built.dependencies.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(['@thaw/sqlite', '@thaw/store', '@thaw/ltx', '@thaw/deploy']))
  expect(names).not.toContain('shop')
  expect(names).not.toContain('kysely')
  expect(built.bytes).toBeLessThan(100_000)
})
