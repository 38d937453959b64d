import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadApp } from '@thaw/app'
import {
  type ChaosOptions,
  type ChaosReport,
  describeReport,
  type FunctionPackage,
  type Simulator,
  simulate,
} from '@thaw/local'
import { type SeededRandom, seededRandom, temporaryDirectory } from '@thaw/testing'
import { expect, onTestFinished } from 'vitest'
import { ROOT, send, stats } from './kill.ts'

const GIVE_UP_MS = 60_000

export interface ChaosRun {
  readonly seconds: number
  readonly clients: number
  readonly chaos: Omit<ChaosOptions, 'seed'>
  /** Runs these zips; the sources when absent. */
  readonly packages?: readonly FunctionPackage[]
}

/** What one client did and saw. */
interface Seen {
  /** Users whose ingest was acknowledged. */
  readonly acknowledged: string[]
  readonly statuses: Record<string, number>
}

/**
 * Runs SpendSense under chaos, while clients send keyed ingests and repeat what was not answered, and read between
 * them what they have written. Afterwards everything acknowledged has to be there, and nothing twice; and every error
 * that a client saw has to be due to something that was done on purpose.
 */
export async function loadUnderChaos({ seconds, clients, chaos, packages }: ChaosRun): Promise<ChaosReport> {
  const seed = process.env.THAW_SEED ?? String(Date.now())
  console.log(`seed ${seed} (THAW_SEED repeats the plan, not the machine's timing)`)
  const folder = await temporaryDirectory('thaw-chaos')
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const start = (options: { readonly chaos?: ChaosOptions }) =>
    startSpendSense(join(folder.path, 's3'), { ...options, ...(packages && { packages }) })

  // Migrations and seed are in the bucket before anything happens, for a figure to compare with.
  const calm = await start({})
  onTestFinished(() => calm.close())
  const before = await stats(calm)
  await calm.close()

  const simulator = await start({ chaos: { ...chaos, seed } })
  onTestFinished(() => simulator.close())
  const random = seededRandom(seed)
  const until = performance.now() + seconds * 1000
  const seen = await Promise.all(
    Array.from({ length: clients }, (_, client) =>
      drive(simulator, client, random.fork(String(client)), () => performance.now() >= until),
    ),
  )
  const report = simulator.chaos?.report()
  if (report === undefined) throw new Error('the simulator has no chaos')
  await simulator.close()
  const acknowledged = seen.flatMap((client) => client.acknowledged)
  console.log([...describeReport(report), `  ${acknowledged.length} ingests acknowledged`].join('\n'))

  const fresh = await start({})
  onTestFinished(() => fresh.close())
  const count = acknowledged.length
  expect(await stats(fresh)).toMatchObject({
    ingests: before.ingests + count,
    users: before.users + count,
    accounts: before.accounts + count,
    transactions: before.transactions + 2 * count,
  })
  for (const user of acknowledged) {
    const { status } = await fetch(`${fresh.url}/users/${user}`)
    expect(status, `user ${user}, acknowledged and looked for afterwards`).toBe(200)
  }
  expect(report.answers, 'what the clients saw, and what the report says that they saw').toEqual(sum(seen))
  expect(report.unexplained, 'errors that no fault explains; they are listed above').toBe(0)
  return report
}

async function startSpendSense(
  directory: string,
  options: { readonly chaos?: ChaosOptions; readonly packages?: readonly FunctionPackage[] },
): Promise<Simulator> {
  const database = { DATABASE_URL: 'sqlite+s3://thaw/spendsense?forcePathStyle=true' }
  const sources = { THAW_MIGRATIONS: join(ROOT, 'migrations'), THAW_SEED: join(ROOT, 'data') }
  return await simulate(await loadApp(ROOT), {
    bucket: { directory },
    ...(process.env.THAW_CHAOS_LOG === undefined ? {} : { log: (line) => console.log(line) }),
    environment: options.packages === undefined ? { ...database, ...sources } : database,
    ...options,
  })
}

/** One keyed ingest after the other, each until it is acknowledged, and then a look at it. */
async function drive(
  simulator: Simulator,
  client: number,
  random: SeededRandom,
  over: () => boolean,
): Promise<Seen> {
  const seen: Seen = { acknowledged: [], statuses: {} }
  const note = (status: number | 'broken') => {
    seen.statuses[status] = (seen.statuses[status] ?? 0) + 1
    return status
  }
  for (let n = 0; !over(); n++) {
    // Some pauses leave environments without a request, to be frozen between two.
    if (random.chance(0.3)) await sleep(random.integer(20, 400))
    const user = `chaos-${client}-${n}`
    const giveUpAt = performance.now() + GIVE_UP_MS
    const repeat = async (ask: () => Promise<number>, wanted: number) => {
      for (;;) {
        const status = note(await ask().catch(() => 'broken' as const))
        if (status === wanted) return
        if (status !== 'broken' && status !== 429 && status < 500)
          throw new Error(`${user} was answered with ${status}, not ${wanted}`)
        if (performance.now() > giveUpAt)
          throw new Error(`${user} was never answered with ${wanted}: ${status}`)
      }
    }
    await repeat(() => send(simulator, `chaos ${client} ${n}`, user), 201)
    seen.acknowledged.push(user)
    await repeat(async () => {
      const response = await fetch(`${simulator.url}/users/${user}`)
      await response.arrayBuffer()
      return response.status
    }, 200)
  }
  return seen
}

function sum(seen: readonly Seen[]): Record<string, number> {
  const total: Record<string, number> = {}
  for (const { statuses } of seen)
    for (const [status, count] of Object.entries(statuses)) total[status] = (total[status] ?? 0) + count
  return total
}
