import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeLtx, formatTxid, readLtxTrailer } from '@thaw/ltx'
import { type ObjectStore, openStore } from '@thaw/store'
import { type S3Server, seededRandom, startS3Server } from '@thaw/testing'
import { expect, onTestFinished, test } from 'vitest'
import { encodeLink, linkKey } from '../src/chain.ts'
import { listAll } from '../src/files.ts'
import { maintain, type SqliteDatabase } from '../src/index.ts'
import { mergeFiles } from '../src/maintenance/merge.ts'
import type { NewDatabase } from '../src/options.ts'
import { AT_ONCE, deleteAsIfDaysLater } from './days-later.ts'
import { open, temporaryDirectory } from './kit.ts'
import { contents, contentsOf, contentsOfFile, perform, performPlainly, workload } from './workload.ts'

/** The public tools, where they are installed: go install github.com/superfly/ltx/cmd/ltx@latest, litestream.io */
const has = (command: string) => spawnSync(command, ['version']).status === 0
const ltx = has('ltx')
const litestream = has('litestream')

/** A database in a bucket, and what it held after each of its transactions. */
interface Written {
  readonly server: S3Server
  readonly store: ObjectStore
  readonly db: SqliteDatabase
  readonly states: ReadonlyMap<number, unknown>
}

async function write(seed: string, steps: number, made: NewDatabase): Promise<Written> {
  const server = await startS3Server()
  onTestFinished(() => server.close())
  const store = await openStore(server.urlOf('app'), server.env)
  onTestFinished(() => store.close())
  const db = await open({ store, ...made })
  const states = new Map<number, unknown>()
  const changes = workload(seededRandom(seed), made.pageSize ?? 4096)
  for (let n = 0; n < steps; n++) {
    await perform(db, changes.next().value)
    states.set(db.position, await contents(db))
  }
  return { server, store, db, states }
}

/** A file of every level that covers all transactions, the single ones kept. */
async function compactEverything(store: ObjectStore): Promise<void> {
  const source = { store, description: 'the database' }
  const single = (await listAll(store)).filter(({ level }) => level === 0)
  for (const level of [1, 2, 3, 9]) {
    const below = level === 1 ? single : (await listAll(store)).filter((file) => file.level === level - 1)
    await mergeFiles(source, level === 9 ? single : below, level)
  }
}

/** Environment variables of this machine, such as a bundle of certificates, are not for the tools. */
function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  return execFileSync(command, args, {
    encoding: 'utf8',
    stdio: 'pipe',
    env: { PATH: process.env.PATH ?? '', ...env },
  })
}

function restore(server: S3Server, directory: string, ...options: string[]): unknown {
  const path = join(directory, 'restored.db')
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
  run('litestream', ['restore', ...options, '-o', path, server.urlOf('app')], server.env)
  return contentsOfFile(path)
}

test.skipIf(!litestream).each([512, 4096, 65_536])(
  'litestream restores what was written here, whole and to any transaction: pages of %i bytes',
  async (pageSize) => {
    const seed = `litestream/${pageSize}`
    const written = await write(seed, 20, { pageSize, autoVacuum: 'incremental' })
    const directory = temporaryDirectory()
    for (const [txid, state] of written.states) {
      const message = `seed ${seed}, transaction ${txid}`
      expect(restore(written.server, directory, '-txid', formatTxid(txid)), message).toEqual(state)
    }
    expect(restore(written.server, directory), `seed ${seed}`).toEqual(await contents(written.db))
  },
)

test.skipIf(!litestream)('litestream restores from before and behind a VACUUM', async () => {
  const written = await write('litestream/vacuum', 15, {})
  const directory = temporaryDirectory()
  const before = { txid: written.db.position, state: await contents(written.db) }
  await written.db.execute('DELETE FROM item WHERE id % 5 <> 0')
  await written.db.execute('VACUUM')
  expect(restore(written.server, directory)).toEqual(await contents(written.db))
  expect(restore(written.server, directory, '-txid', formatTxid(before.txid))).toEqual(before.state)
})

test.skipIf(!ltx || !litestream)('the tools accept a transaction that asks others to wait', async () => {
  const { server, store, db } = await write('tools/reservation', 5, {})
  const before = await contents(db)
  const object = await store.get(linkKey(db.position))
  const head = decodeLtx(object?.body ?? new Uint8Array())
  const change = {
    pages: new Map([[1, await newestFirstPage(store, db.position)]]),
    pageCount: head.header.commit,
  }
  const at = { txid: db.position, checksum: head.checksum, timestamp: head.header.timestamp }
  const link = encodeLink(at, change, head.header.pageSize, 7n, Date.now(), 5_000)
  await store.put(link.key, link.bytes, { ifAbsent: true })
  const path = join(temporaryDirectory(), 'link.ltx')
  writeFileSync(path, link.bytes)
  expect(run('ltx', ['verify', path])).toContain('ok')
  expect(restore(server, temporaryDirectory())).toEqual(before)
  expect(await contents(db)).toEqual(before)
  expect(await contents(await open({ store }))).toEqual(before)
})

async function newestFirstPage(store: ObjectStore, last: number): Promise<Uint8Array> {
  for (let txid = last; txid > 0; txid--) {
    const { pages } = decodeLtx((await store.get(linkKey(txid)))?.body ?? new Uint8Array())
    const page = pages.find(({ number }) => number === 1)
    if (page) return page.data
  }
  throw new Error('no transaction has the first page')
}

test.skipIf(!litestream)(
  'litestream restores before and behind compactions, a VACUUM, a snapshot and retention',
  async () => {
    const seed = 'litestream/maintained'
    const written = await write(seed, 14, { pageSize: 1024 })
    const source = { store: written.store, description: 'the database' }
    const directory = temporaryDirectory()
    const before = { txid: formatTxid(written.db.position), state: await contents(written.db) }
    await maintain(source, { policy: { ...AT_ONCE, snapshotAfterMs: Number.POSITIVE_INFINITY } })
    expect(restore(written.server, directory), 'compacted').toEqual(before.state)
    await perform(written.db, { name: 'drop', statements: [['DELETE FROM item WHERE id % 4 <> 0']] })
    await written.db.execute('VACUUM')
    expect(restore(written.server, directory), 'vacuumed').toEqual(await contents(written.db))
    expect(restore(written.server, directory, '-txid', before.txid), 'as of before').toEqual(before.state)
    await maintain(source, { policy: AT_ONCE })
    await perform(written.db, { name: 'fill', statements: [["INSERT INTO item(name) VALUES ('last')"]] })
    expect(restore(written.server, directory), 'with a snapshot').toEqual(await contents(written.db))
    expect(await deleteAsIfDaysLater(source, 40)).toBeGreaterThan(10)
    expect(restore(written.server, directory), 'after retention').toEqual(await contents(written.db))
  },
)

test.skipIf(!ltx)('ltx finds nothing wrong with any object of any level', async () => {
  const { store, db } = await write('ltx/verify', 25, { pageSize: 1024 })
  await compactEverything(store)
  const directory = temporaryDirectory()
  const paths: string[] = []
  const compacted = new Set<number>()
  for (const { level, key } of await listAll(store)) {
    const object = await store.get(key)
    const path = join(directory, key.replace('/', '-'))
    writeFileSync(path, object?.body ?? new Uint8Array())
    paths.push(path)
    if (level > 0) compacted.add(level)
  }
  expect(paths.length).toBeGreaterThan(db.position)
  expect([...compacted]).toEqual([1, 2, 3, 9])
  expect(run('ltx', ['verify', ...paths])).toContain('ok')
})

test.skipIf(!litestream)('litestream restores from compactions and from a snapshot', async () => {
  const { server, store, db } = await write('litestream/compacted', 25, { pageSize: 1024 })
  await compactEverything(store)
  const expected = await contents(db)
  const directory = temporaryDirectory()
  const files = await listAll(store)
  const remove = (level: number) =>
    store.delete(files.filter((file) => file.level === level).map(({ key }) => key))
  for (const level of [0, 1, 2]) {
    await remove(level)
    expect(restore(server, directory), `without levels up to ${level}`).toEqual(expected)
  }
  const copy = await open({ store })
  expect(await contents(copy)).toEqual(expected)
  expect(copy.bookmark).toBe(db.bookmark)
  await remove(3)
  expect(restore(server, directory), 'from the snapshot alone').toEqual(expected)
  expect((await open({ store })).bookmark).toBe(db.bookmark)
})

test.skipIf(!litestream)(
  'what litestream compacted and snapshotted is opened and continued',
  async () => {
    const server = await startS3Server()
    onTestFinished(() => server.close())
    const directory = temporaryDirectory()
    const path = join(directory, 'app.db')
    const plain = new DatabaseSync(path)
    onTestFinished(() => plain.close())
    plain.exec('PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 5000')
    const configuration = join(directory, 'litestream.yml')
    const levels = 'levels:\n  - interval: 400ms\n  - interval: 1s\nsnapshot:\n  interval: 1500ms\n'
    const replica = `    replica:\n      url: ${server.urlOf('app')}\n      sync-interval: 100ms\n`
    writeFileSync(configuration, `${levels}dbs:\n  - path: ${path}\n${replica}`)
    const litestream = spawn('litestream', ['replicate', '-config', configuration], {
      env: { PATH: process.env.PATH ?? '', ...server.env },
      stdio: 'ignore',
    })
    onTestFinished(() => void litestream.kill('SIGKILL'))

    const store = openStore(server.urlOf('app'), server.env)
    onTestFinished(() => store.close())
    const made = async () => {
      const keys: string[] = []
      for await (const { key } of store.list('')) keys.push(key)
      return [1, 2, 9].every((level) => keys.some((key) => key.startsWith(`000${level}/`)))
    }
    const changes = workload(seededRandom('litestream/compacted'), 4096)
    for (let n = 0; n < 12 || !(await made()); n++) {
      performPlainly(plain, changes.next().value)
      await sleep(150)
    }
    litestream.kill('SIGTERM') // it syncs before it ends
    await once(litestream, 'exit')
    const before = contentsOf((sql) => plain.prepare(sql).all())

    const db = await open({ store })
    expect(await contents(db)).toEqual(before)
    for (let n = 0; n < 4; n++) await perform(db, changes.next().value)
    expect(await contents(await open({ store }))).toEqual(await contents(db))
    expect(restore(server, directory)).toEqual(await contents(db))
  },
  60_000,
)

test.skipIf(!litestream)(
  'a database that litestream replicated is opened, continued, and restored by it',
  async () => {
    const server = await startS3Server()
    onTestFinished(() => server.close())
    const directory = temporaryDirectory()
    const path = join(directory, 'app.db')
    const random = seededRandom('litestream/replicated')
    const plain = new DatabaseSync(path)
    onTestFinished(() => plain.close())
    plain.exec('PRAGMA journal_mode = WAL')
    const changes = workload(random, 4096)
    for (let round = 0; round < 4; round++) {
      for (let n = 0; n < 4; n++) performPlainly(plain, changes.next().value)
      run('litestream', ['replicate', '-once', path, server.urlOf('app')], server.env)
    }
    const before = contentsOf((sql) => plain.prepare(sql).all())

    const store = await openStore(server.urlOf('app'), server.env)
    onTestFinished(() => store.close())
    const [db, follower] = [await open({ store }), await open({ store })]
    expect(await contents(db)).toEqual(before)
    const first = await store.get(linkKey(1))
    const { checksum } = readLtxTrailer(first?.body ?? new Uint8Array())
    expect([db.bookmark, follower.bookmark]).toEqual(
      Array(2).fill(`${checksum.toString(16)}-${db.position.toString(16)}`),
    )
    for (let n = 0; n < 4; n++) await perform(db, changes.next().value)
    await db.execute('VACUUM')
    const after = await contents(db)
    expect(after).not.toEqual(before)
    expect(await contents(follower)).toEqual(after)
    expect(await contents(await open({ store }))).toEqual(after)
    expect(restore(server, directory)).toEqual(after)
  },
)
