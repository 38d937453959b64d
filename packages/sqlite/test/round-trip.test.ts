import { execFile } from 'node:child_process'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { memoryStore, openStore } from '@thaw/store'
import { seededRandom } from '@thaw/testing'
import { expect, onTestFinished, test } from 'vitest'
import type { NewDatabase } from '../src/options.ts'
import { open, rows, temporaryDirectory } from './kit.ts'
import { contents, contentsOf, perform, performPlainly, workload } from './workload.ts'

const PAGE_SIZES = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536]
const STEPS = 30

const INTEGRITY = { integrity: [{ integrity_check: 'ok' }] }

/** SQLite alone, in memory, made the same way. */
function reference({ pageSize, autoVacuum }: NewDatabase): DatabaseSync {
  const db = new DatabaseSync(':memory:')
  db.exec(`PRAGMA page_size = ${pageSize}; PRAGMA auto_vacuum = ${autoVacuum ?? 'none'}`)
  onTestFinished(() => db.close())
  return db
}

function madeAs(seed: string, pageSize: number): NewDatabase {
  const autoVacuum = seededRandom(`${seed}/auto`).pick([undefined, 'full', 'incremental'] as const)
  return { pageSize, ...(autoVacuum ? { autoVacuum } : {}) }
}

test.each(PAGE_SIZES)(
  'pages of %i bytes: two writers, a follower and a cold start agree with SQLite at every step',
  async (pageSize) => {
    for (const seed of [`trip/${pageSize}/1`, `trip/${pageSize}/2`]) {
      const random = seededRandom(seed)
      const made = madeAs(seed, pageSize)
      const plain = reference(made)
      const store = memoryStore()
      const writers = [await open({ store, ...made }), await open({ store })] as const
      const follower = await open({ store })
      const steps = workload(random, pageSize)
      for (let n = 0; n < STEPS; n++) {
        const step = steps.next().value
        // The first one decides how the database is made.
        const writer = n === 0 ? writers[0] : random.pick(writers)
        await perform(writer, step)
        performPlainly(plain, step)
        const message = `seed ${seed}, step ${n}: ${step.name}`
        const expected = contentsOf((sql) => plain.prepare(sql).all())
        expect(expected, message).toMatchObject(INTEGRITY)
        expect(await contents(follower), `${message}, followed`).toEqual(expected)
        const cold = await open({ store })
        expect(await contents(cold), `${message}, from nothing`).toEqual(expected)
        expect(await rows(cold, 'PRAGMA page_size')).toEqual([{ page_size: pageSize }])
        await cold.close()
      }
    }
  },
)

test('another process that starts from nothing reads the same, whatever the size of pages', async () => {
  const program = fileURLToPath(new URL('./contents-process.ts', import.meta.url))
  for (const pageSize of [512, 4096, 65_536]) {
    const seed = `process/${pageSize}`
    const url = pathToFileURL(temporaryDirectory()).href
    const made = madeAs(seed, pageSize)
    const plain = reference(made)
    const db = await open({ store: await openStore(url, {}), ...made })
    const steps = workload(seededRandom(seed), pageSize)
    for (let n = 0; n < STEPS; n++) {
      const step = steps.next().value
      await perform(db, step)
      performPlainly(plain, step)
    }
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [program, JSON.stringify({ url, directory: temporaryDirectory() })],
      { maxBuffer: 64 * 1024 * 1024 },
    )
    const expected = contentsOf((sql) => plain.prepare(sql).all())
    expect(expected, `seed ${seed}`).toMatchObject(INTEGRITY)
    expect(JSON.parse(stdout), `seed ${seed}`).toEqual(expected)
  }
})

test('the options of a new database hold for whoever comes first, and are of no effect later', async () => {
  const store = memoryStore()
  const [first, second] = [
    await open({ store, pageSize: 8192, autoVacuum: 'full' }),
    await open({ store, pageSize: 512 }),
  ]
  const made = async (db: typeof first) => [
    ...(await rows(db, 'PRAGMA page_size')),
    ...(await rows(db, 'PRAGMA auto_vacuum')),
  ]
  await first.execute('CREATE TABLE t(v)')
  const expected = [{ page_size: 8192 }, { auto_vacuum: 1 }]
  for (const db of [first, second, await open({ store, pageSize: 1024, autoVacuum: 'incremental' })]) {
    await db.execute('INSERT INTO t VALUES (1)')
    await db.execute('VACUUM')
    expect(await made(db)).toEqual(expected)
  }
  expect(await made(await open({ store: memoryStore() }))).toEqual([{ page_size: 4096 }, { auto_vacuum: 0 }])
})

test.each([0, 511, 1000, 131_072, Number.NaN])('a page size of %d is refused', async (pageSize) => {
  await expect(open({ store: memoryStore(), pageSize })).rejects.toMatchObject({ code: 'BAD_OPTION' })
})

test('two that create the database at once, with different page sizes, agree on one', async () => {
  const store = memoryStore()
  const both = await Promise.all([512, 65_536].map((pageSize) => open({ store, pageSize })))
  await Promise.all(
    both.map((db, i) =>
      db.atomic((tx) => {
        tx.execute('CREATE TABLE IF NOT EXISTS t(v)')
        tx.execute('INSERT INTO t VALUES (?)', [i])
      }),
    ),
  )
  const sizes = await Promise.all(both.map((db) => rows(db, 'PRAGMA page_size')))
  expect(sizes[0]).toEqual(sizes[1])
  for (const db of [...both, await open({ store })]) {
    expect(await rows(db, 'SELECT v FROM t ORDER BY v')).toEqual([{ v: 0 }, { v: 1 }])
    expect(await rows(db, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
  }
})
