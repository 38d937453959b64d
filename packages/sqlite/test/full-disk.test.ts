import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { memoryStore, type ObjectStore } from '@thaw/store'
import { faultyStore, type SeededRandom, seededRandom } from '@thaw/testing'
import { expect, onTestFinished, test } from 'vitest'
import { type Durability, openSqlite, type SqliteDatabase, SqliteStoreError } from '../src/index.ts'
import { temporaryDirectory, testClock } from './kit.ts'
import { fillUp, smallFileSystem } from './small-file-system.ts'

/** Other ones, and more of them: THAW_SEED=7 THAW_ROUNDS=20 */
const seed = process.env.THAW_SEED ?? '5'
const ROUNDS = Number(process.env.THAW_ROUNDS ?? 2)
const STEPS = 150
const DISK_BYTES = 12 * 1024 * 1024
/** What is left of a disk: nothing, a page, less than the index of a log grows by, something. Bytes. */
const LEFT = [0, 4096, 7 * 4096, 40_000, 200_000]
const REQUEST = { requestId: '1', deadline: Number.POSITIVE_INFINITY }

/** What was answered to writes, each of which inserts one name. */
interface Answers {
  readonly acknowledged: string[]
  readonly refused: string[]
}

async function write(db: SqliteDatabase, random: SeededRandom, name: string, told: Answers): Promise<void> {
  const sql = 'INSERT INTO t(name, v) VALUES (?, randomblob(?))'
  const values = [name, random.pick([0, 100, 3_000, 40_000, 300_000])]
  const writes = [
    () => db.execute(sql, values),
    () => db.execute('VACUUM').then(() => db.execute(sql, values)),
    () => db.around(REQUEST, () => db.execute(sql, values).then(() => db.execute('SELECT 1'))),
    () =>
      db.atomic((tx) => {
        tx.execute('UPDATE t SET v = NULL WHERE length(v) > 30000')
        tx.execute(sql, values)
      }),
  ]
  try {
    await random.pick([...writes, ...Array.from({ length: 6 }, () => writes[0] as () => Promise<unknown>)])()
    told.acknowledged.push(name)
  } catch (error) {
    if (!(error instanceof SqliteStoreError && error.code === 'COMMIT_UNKNOWN')) told.refused.push(name)
  }
}

async function namesIn(db: SqliteDatabase): Promise<string[]> {
  expect((await db.execute('PRAGMA integrity_check')).rows[0]).toMatchObject({ integrity_check: 'ok' })
  return (await db.execute('SELECT name FROM t ORDER BY name')).rows.map(({ name }) => String(name))
}

async function fillAndWrite(
  random: SeededRandom,
  disk: string,
  durability: Durability,
  environments: number,
): Promise<Answers> {
  const clock = testClock()
  const bucket: ObjectStore = memoryStore({ now: clock.now })
  let faults = false
  const store = faultyStore(bucket, ({ operation }) =>
    faults && operation === 'put' ? random.pick(['lose-request', 'lose-answer', ...Array(30)]) : undefined,
  )
  const options = { durability, pageSize: random.pick([512, 1024, 4096]), maintainEvery: 0, clock }
  const writeBehind = { writes: random.pick([1, 3, null]), intervalMs: null, onPersistError: () => undefined }
  const databases: SqliteDatabase[] = []
  onTestFinished(async () => {
    for (const db of databases) await db.close()
  })
  for (let n = environments; n > 0; n--) {
    databases.push(await openSqlite({ store, directory: join(disk, `${n}`), writeBehind, ...options }))
  }
  await databases[0]?.execute('CREATE TABLE t(id INTEGER PRIMARY KEY, name UNIQUE, v)')
  faults = true
  const told: Answers = { acknowledged: [], refused: [] }
  for (let step = 0; step < STEPS; step++) {
    if (random.chance(0.15)) {
      rmSync(join(disk, 'other'), { force: true })
      if (random.chance(0.8)) fillUp(disk, random.pick(LEFT))
    }
    const at = random.chance(0.3) ? [1, 2, 3] : [1]
    await Promise.all(at.map((n) => write(random.pick(databases), random, `${step}-${n}`, told)))
  }
  rmSync(join(disk, 'other'), { force: true })
  faults = false
  for (const db of databases) await db.persist({ force: true })

  const cold = await openSqlite({ store: bucket, directory: temporaryDirectory() })
  databases.push(cold)
  const there = await namesIn(cold)
  expect(told.acknowledged.filter((name) => !there.includes(name))).toEqual([])
  expect(told.refused.filter((name) => there.includes(name))).toEqual([])
  for (const db of databases) expect(await namesIn(db)).toEqual(there)
  return told
}

test.for([
  ['commit', 1],
  ['commit', 2],
  ['invocation', 2],
  ['write-behind', 1],
] as const)(
  'whatever finds no room on the disk, what is acknowledged is in the bucket and what is refused is not: %s, %i',
  { timeout: 30_000 * ROUNDS },
  async ([durability, environments], context) => {
    let refused = 0
    for (let round = 0; round < ROUNDS; round++) {
      const disk = smallFileSystem(DISK_BYTES)
      if (!disk) return context.skip('a small file system takes root and Linux')
      const random = seededRandom(`${seed}/${durability}/${environments}/${round}`)
      await context.annotate(`seed ${random.seed}`)
      const told = await fillAndWrite(random, disk, durability, environments)
      refused += told.refused.length
    }
    expect(refused, 'there was always room').toBeGreaterThan(0)
  },
)
