import { setTimeout as sleep } from 'node:timers/promises'
import { maintain, openSqlite, systemClock } from '@thaw/sqlite'
import { openStore } from '@thaw/store'
import { seededRandom } from '@thaw/testing'
import { Client } from '../../packages/sqlite/sim/workload.ts'
import { type LifeOptions, logFailure, operationLog } from './life.ts'
import { monotonic } from './time.ts'

// One of several processes that use a database until it is time, is killed, or finds something wrong.

const options: LifeOptions = JSON.parse(process.argv[2] ?? '')
const { name, url, env, directory, log, seed, until, clients } = options
const random = seededRandom(`${seed}/${name}`)
const operations = operationLog(log)
const scheduler = { now: 0, tick: monotonic, note: () => {} }
Object.defineProperty(scheduler, 'now', { get: Date.now })
const environment = {
  name,
  dead: false,
  freshness: 'strong' as const,
  gathers: false,
  clock: systemClock,
  pause: (ms: number) => sleep(ms),
  earliestWithin: (ms: number) => Date.now() - ms,
}
const plan = { operations: 5, rest: [0.05, 500] as const, scenario: 'faults' as const, huge: false, keys: 60 }
const bookmarks: string[] = []

try {
  const db = await open()
  await Promise.all(Array.from({ length: clients }, (_, index) => work(db, `${name}.${index}`)))
  await db.close()
} catch (error) {
  logFailure(log, error)
  process.exitCode = 1
}
process.exit()

async function open() {
  for (;;) {
    const store = openStore(url, env)
    try {
      return await openSqlite({ ...options.open, store, directory, commitTimeoutMs: 5_000 })
    } catch (error) {
      await store.close()
      if (!(error instanceof Error) || error.name !== 'StoreError' || Date.now() > until) throw error
    }
  }
}

async function work(db: Awaited<ReturnType<typeof open>>, client: string): Promise<void> {
  const one = new Client({
    ...{ name: client, environment, plan, scheduler, operations, bookmarks },
    random: random.fork(client),
    onEnd: operations.ended,
  })
  while (Date.now() < until) {
    await one.work(db)
    if (random.chance(0.05)) await maintainOnce()
  }
}

async function maintainOnce(): Promise<void> {
  const store = openStore(url, env)
  const policy = {
    compactAfterMs: { 1: 2_000, 2: 5_000, 3: 10_000 },
    compactAtFiles: 32,
    snapshotAfterMs: 8_000,
    snapshotAtBytes: 200_000,
    keepCoveredMs: { 0: 0, 1: 3_000, 2: 6_000 },
    keepHistoryMs: 3_600_000,
  }
  try {
    await maintain({ store, description: 'the database' }, { policy })
  } catch (error) {
    const ordinary =
      error instanceof Error && (error.name === 'StoreError' || /is gone|another/.test(error.message))
    if (!ordinary) throw error
  } finally {
    await store.close()
  }
}
