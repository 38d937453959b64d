import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { decodeLtx, encodeLtx } from '@thaw/ltx'
import { folderStore, memoryStore, type ObjectStore } from '@thaw/store'
import { expect, onTestFinished, test, vi } from 'vitest'
import { open, rows, temporaryDirectory, withOperations } from '../../test/kit.ts'
import { linkKey } from '../chain.ts'
import { LEVELS, listAll } from '../files.ts'
import { maintain } from '../maintenance/maintain.ts'
import { checkDatabase } from './check.ts'
import { exportDatabase } from './export.ts'
import { forkDatabase } from './fork.ts'
import { importDatabase } from './import.ts'

const ALL = 'SELECT id, v, hex(b) AS b FROM t ORDER BY id'
const source = (store: ObjectStore) => ({ store, description: 'the database' })

/** An ordinary SQLite file with rows that take overflow pages. */
function makeFile(path: string, mode: 'wal' | 'delete', pageSize = 4096): string {
  const db = new DatabaseSync(path)
  db.exec(`PRAGMA page_size = ${pageSize}; PRAGMA journal_mode = ${mode}`)
  db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, b BLOB); CREATE INDEX tv ON t(v)')
  const insert = db.prepare('INSERT INTO t(v, b) VALUES (?, ?)')
  db.exec('BEGIN')
  for (let i = 0; i < 200; i++) insert.run(`row ${i}`, new Uint8Array(i * 20).fill(i))
  db.exec('COMMIT')
  db.close()
  return path
}

function rowsOf(path: string): unknown[] {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    expect(db.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' })
    return db
      .prepare(ALL)
      .all()
      .map((row) => ({ ...row }))
  } finally {
    db.close()
  }
}

async function keys(store: ObjectStore): Promise<string[]> {
  return (await listAll(store)).map(({ key }) => key)
}

test.each([
  [512, 'wal', 'memory'],
  [4096, 'delete', 'folder'],
  [65536, 'wal', 'folder'],
  [65536, 'delete', 'memory'],
] as const)(
  'pages of %i bytes in %s mode: in by import, written to, out by export, in a %s',
  async (...of) => {
    const [pageSize, mode, kind] = of
    const directory = temporaryDirectory()
    const store = kind === 'memory' ? memoryStore() : folderStore(join(directory, 'bucket'))
    const file = makeFile(join(directory, 'in.db'), mode, pageSize)
    const before = readFileSync(file)
    expect(await importDatabase(source(store), file)).toEqual({ pageSize, bytes: before.length })
    expect(readFileSync(file).equals(before)).toBe(true)
    expect(readdirSync(directory).filter((name) => name.startsWith('in.db'))).toEqual(['in.db'])
    expect(await keys(store)).toEqual([linkKey(1)])
    const { header, pages } = decodeLtx((await store.get(linkKey(1)))?.body ?? new Uint8Array())
    expect(header).toMatchObject({ pageSize, commit: before.length / pageSize, minTxid: 1, maxTxid: 1 })
    // What is in the bucket is always in WAL mode, so that opening it changes nothing.
    expect([...(pages[0]?.data.subarray(18, 20) ?? [])]).toEqual([2, 2])

    const db = await open({ store })
    expect(db.position).toBe(1)
    expect(await rows(db, ALL)).toEqual(rowsOf(file))
    await db.execute("INSERT INTO t(v) VALUES ('added')")
    const out = join(directory, 'out.sqlite')
    expect(await exportDatabase(source(store), out)).toMatchObject({ path: out, txid: 2 })
    expect(rowsOf(out)).toEqual(await rows(db, ALL))
    expect([...readFileSync(out).subarray(18, 20)]).toEqual([1, 1])
    expect(readdirSync(directory).filter((name) => name !== 'bucket' && !name.startsWith('in.db'))).toEqual([
      'out.sqlite',
    ])
  },
)

test('what is committed in the write-ahead log is taken along, of a file in use and of one left behind', async () => {
  const directory = temporaryDirectory()
  const live = makeFile(join(directory, 'live.db'), 'wal')
  const writer = new DatabaseSync(live)
  try {
    writer.exec("PRAGMA wal_autocheckpoint = 0; INSERT INTO t(v) VALUES ('in the log')")
    const expected = rowsOf(live)
    const stranded = join(directory, 'stranded.db')
    for (const suffix of ['', '-wal']) writeFileSync(stranded + suffix, readFileSync(live + suffix))
    for (const file of [live, stranded]) {
      const names = readdirSync(directory)
      const store = memoryStore()
      await importDatabase(source(store), file)
      expect(readdirSync(directory)).toEqual(names)
      expect(await rows(await open({ store }), ALL)).toEqual(expected)
    }
  } finally {
    writer.close()
  }
})

test('what is no SQLite file, or a damaged one, is refused and nothing is written', async () => {
  const directory = temporaryDirectory()
  const store = memoryStore()
  const file = (name: string) => join(directory, name)
  writeFileSync(file('empty'), '')
  writeFileSync(file('text'), 'x'.repeat(5000))
  truncateSync(makeFile(file('short'), 'delete'), 4096 * 3)
  const flipped = readFileSync(makeFile(file('flipped'), 'delete'))
  flipped.fill(0xff, 4096, 8192)
  writeFileSync(file('flipped'), flipped)
  const temporary = temporaryDirectory()
  vi.stubEnv('TMPDIR', temporary)
  onTestFinished(() => void vi.unstubAllEnvs())
  for (const [name, code] of [
    ['absent', 'FILE_NOT_FOUND'],
    ['.', 'FILE_NOT_FOUND'],
    ['empty', 'FILE_NOT_SQLITE'],
    ['text', 'FILE_NOT_SQLITE'],
    ['short', 'INTEGRITY_CHECK_FAILED'],
    ['flipped', 'INTEGRITY_CHECK_FAILED'],
  ] as const) {
    await expect(importDatabase(source(store), file(name)), name).rejects.toMatchObject({ code })
  }
  expect(await keys(store)).toEqual([])
  expect(readdirSync(temporary)).toEqual([])
})

test('a transaction that was not finished is not taken for the state of a file', async () => {
  const directory = temporaryDirectory()
  const live = makeFile(join(directory, 'live.db'), 'delete')
  const crashed = join(directory, 'crashed.db')
  const writer = new DatabaseSync(live)
  try {
    // With a small cache, pages of the open transaction are in the file already.
    writer.exec('PRAGMA cache_size = 2; BEGIN; UPDATE t SET v = v || v, b = zeroblob(5000)')
    for (const suffix of ['', '-journal']) writeFileSync(crashed + suffix, readFileSync(live + suffix))
  } finally {
    writer.close()
  }
  const before = readFileSync(crashed)
  const refused = importDatabase(source(memoryStore()), crashed)
  await expect(refused).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
  await expect(refused).rejects.toThrow('crashed.db-journal is of a transaction that was not finished')
  expect(readFileSync(crashed).equals(before)).toBe(true)
  expect(existsSync(`${crashed}-journal`)).toBe(true)
})

test('a bucket that holds a database is not imported into, also when it came to be meanwhile', async () => {
  const file = makeFile(join(temporaryDirectory(), 'in.db'), 'delete')
  const store = memoryStore()
  await importDatabase(source(store), file)
  const before = (await store.get(linkKey(1)))?.etag
  await expect(importDatabase(source(store), file)).rejects.toMatchObject({ code: 'DATABASE_EXISTS' })
  // Every list is from before the other one created it.
  const late = withOperations(store, { list: () => memoryStore().list('') })
  await expect(importDatabase(source(late), file)).rejects.toMatchObject({ code: 'DATABASE_EXISTS' })
  expect((await store.get(linkKey(1)))?.etag).toBe(before)
})

test('a database whose first transactions are compacted and gone is a database', async () => {
  const store = memoryStore()
  const db = await open({ store })
  for (let i = 0; i < 3; i++) await db.execute(`CREATE TABLE t${i}(a)`)
  await maintain(source(store), { policy: { compactAtFiles: 2 } })
  await store.delete([linkKey(1), linkKey(2), linkKey(3)])
  const file = makeFile(join(temporaryDirectory(), 'in.db'), 'delete')
  await expect(importDatabase(source(store), file)).rejects.toMatchObject({ code: 'DATABASE_EXISTS' })
  await expect(forkDatabase(source(store), source(store))).rejects.toMatchObject({ code: 'DATABASE_EXISTS' })
  // It comes to be after the first look, so that its first name is free when ours is put.
  let lists = 0
  const late = withOperations(store, {
    list: (...args) => (++lists <= LEVELS.length ? memoryStore() : store).list(...args),
  })
  await expect(importDatabase(source(late), file)).rejects.toMatchObject({ code: 'DATABASE_EXISTS' })
  expect(await store.get(linkKey(1))).toBeNull()
})

test('a database that is damaged inside of whole objects is not exported, nor forked', async () => {
  const directory = temporaryDirectory()
  const bytes = readFileSync(makeFile(join(directory, 'in.db'), 'delete'))
  bytes.fill(0xff, 4096, 8192)
  const store = memoryStore()
  await putAsFirst(store, bytes)
  const failed = {
    code: 'INTEGRITY_CHECK_FAILED',
    message: expect.stringMatching(/^the database does not pass/),
  }
  await expect(exportDatabase(source(store), join(directory, 'out.db'))).rejects.toMatchObject(failed)
  expect(readdirSync(directory)).toEqual(['in.db'])
  const target = memoryStore()
  await expect(forkDatabase(source(store), source(target))).rejects.toMatchObject(failed)
  expect(await keys(target)).toEqual([])
  const [result] = await checkDatabase(source(store), { parts: ['download'] })
  expect(result).toMatchObject({ ok: false, error: failed })
})

/** Makes pages of 4096 bytes the first transaction, whatever is in them. */
async function putAsFirst(store: ObjectStore, bytes: Uint8Array): Promise<void> {
  const commit = bytes.length / 4096
  const pages = Array.from({ length: commit }, (_, index) => {
    return { number: index + 1, data: bytes.subarray(index * 4096, (index + 1) * 4096) }
  })
  const header = { pageSize: 4096, commit, minTxid: 1, maxTxid: 1, timestamp: 1 }
  await store.put(linkKey(1), encodeLtx(header, pages).bytes)
}

test('a file is put as a stream of small pieces', async () => {
  const directory = temporaryDirectory()
  const file = join(directory, 'large.db')
  const db = new DatabaseSync(file)
  db.exec('CREATE TABLE t(v)')
  for (let i = 0; i < 10; i++) db.exec('INSERT INTO t VALUES (randomblob(1000000))')
  db.close()
  const store = memoryStore()
  const pieces: number[] = []
  const counted = withOperations(store, {
    put: (key, body, options) => {
      if (!key.endsWith('.ltx')) return store.put(key, body, options)
      if (!(Symbol.asyncIterator in body)) throw new Error('it is put as a whole')
      async function* counting(stream: AsyncIterable<Uint8Array>) {
        for await (const piece of stream) {
          pieces.push(piece.length)
          yield piece
        }
      }
      return store.put(key, counting(body), options)
    },
  })
  await importDatabase(source(counted), file)
  expect(pieces.length).toBeGreaterThan(10)
  expect(Math.max(...pieces)).toBeLessThan(512 * 1024)
})

test('a store that ignores the condition takes no database', async () => {
  const store = memoryStore()
  const careless = withOperations(store, { put: (key, body) => store.put(key, body) })
  const file = makeFile(join(temporaryDirectory(), 'in.db'), 'delete')
  const refused = importDatabase(source(careless), file)
  await expect(refused).rejects.toMatchObject({ code: 'STORE_IGNORES_CONDITIONS' })
  expect(await keys(store)).toEqual([])
})

test('an export overwrites nothing, and leaves nothing where it fails', async () => {
  const directory = temporaryDirectory()
  const store = memoryStore()
  const out = join(directory, 'out.sqlite')
  await expect(exportDatabase(source(store), out)).rejects.toMatchObject({ code: 'DATABASE_EMPTY' })
  await importDatabase(source(store), makeFile(join(temporaryDirectory(), 'in.db'), 'delete'))
  await expect(exportDatabase(source(store), join(directory, 'no', 'out'))).rejects.toMatchObject({
    code: 'NO_DIRECTORY',
  })
  for (const name of ['out.sqlite', 'out.sqlite-wal', 'out.sqlite-journal']) {
    const taken = temporaryDirectory()
    appendFileSync(join(taken, name), 'mine')
    const refused = exportDatabase(source(store), join(taken, 'out.sqlite'))
    await expect(refused).rejects.toMatchObject({ code: 'FILE_EXISTS' })
    expect(readdirSync(taken)).toEqual([name])
    expect(readFileSync(join(taken, name), 'utf8')).toBe('mine')
  }
  // Somebody takes the name while the export is under way.
  const racing = withOperations(store, {
    get: (...args) => {
      if (!existsSync(out)) mkdirSync(out)
      return store.get(...args)
    },
  })
  await expect(exportDatabase(source(racing), out)).rejects.toMatchObject({ code: 'FILE_EXISTS' })
  expect(readdirSync(directory)).toEqual(['out.sqlite'])

  const object = await store.get(linkKey(1))
  const bytes = Uint8Array.from(object?.body ?? [])
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
  await store.put(linkKey(1), bytes)
  const elsewhere = temporaryDirectory()
  const damaged = exportDatabase(source(store), join(elsewhere, 'out.sqlite'))
  await expect(damaged).rejects.toMatchObject({ code: 'RESTORE_CORRUPT' })
  expect(readdirSync(elsewhere)).toEqual([])
})

test('a fork begins with a state of the source, and shares nothing with it', async () => {
  const store = memoryStore()
  const target = memoryStore()
  const db = await open({ store, pageSize: 1024 })
  await db.execute('CREATE TABLE t(a)')
  for (const value of [2, 3, 4]) await db.execute('INSERT INTO t VALUES (?)', [value])
  expect(await forkDatabase(source(store), source(target), { to: 3 })).toMatchObject({
    from: 3,
    pageSize: 1024,
  })
  const fork = await open({ store: target })
  expect(fork.position).toBe(1)
  expect(await rows(fork, 'SELECT a FROM t')).toEqual([{ a: 2 }, { a: 3 }])
  await fork.execute('DELETE FROM t')
  expect(await rows(db, 'SELECT count(*) AS n FROM t')).toEqual([{ n: 3 }])
  await expect(forkDatabase(source(memoryStore()), source(memoryStore()))).rejects.toMatchObject({
    code: 'DATABASE_EMPTY',
  })
})
