import { setTimeout as sleep } from 'node:timers/promises'
import type { Simulator } from '@thaw/local'
import { checkDatabase, status } from '@thaw/sqlite'
import { openStore } from '@thaw/store'
import { type S3Server, seededRandom, startS3Server } from '@thaw/testing'
import { expect, onTestFinished } from 'vitest'
import { ANSWER_WITHIN_MS, send, startSpendSense, stats } from './kill.ts'

/** How many answers the longest-lived environment may give. */
const LONGEST_LIFE = 25

/** What a run of the workload showed. */
export interface Loss {
  readonly kills: number
  readonly acknowledged: number
  /** How many of them were gone afterwards. */
  readonly lost: number
  /** The same for each life of the environment, but for answers that came when it was being killed. */
  readonly lostByLife: readonly number[]
}

/** What client and killer know of each other. */
interface Run {
  life: number
  /** In this life. */
  answered: number
  stop: boolean
  readonly acknowledged: Acknowledged[]
}

interface Acknowledged {
  readonly user: string
  /** Which life of the environment answered; null when it was killed meanwhile, and the next one may have. */
  readonly life: number | null
}

/**
 * Kills the one environment of SpendSense `kills` times, at random moments, while a client sends ingests, one after the
 * other, to a database in write-behind mode. Afterwards what is left has to be whole, and of each life the beginning.
 *
 * @param parameters of the URL: `writes=10&interval=off`
 */
export async function killWriteBehind(kills: number, parameters: string): Promise<Loss> {
  const seed = process.env.THAW_SEED ?? String(Date.now())
  console.log(`seed ${seed} (THAW_SEED repeats the moments of the kills)`)
  const random = seededRandom(seed)
  const bucket = await startS3Server({ latencyMs: 5 })
  onTestFinished(() => bucket.close())
  const url = `sqlite+${bucket.urlOf('spendsense')}&durability=write-behind&${parameters}`
  const start = async () => {
    const simulator = await startSpendSense(url, bucket.env)
    onTestFinished(() => simulator.close())
    return simulator
  }
  const simulator = await start()
  const before = await stats(simulator)

  const run: Run = { life: 0, answered: 0, stop: false, acknowledged: [] }
  const client = ingest(simulator, run)
  for (let kill = 0; kill < kills; kill++) {
    // By what it has answered, so that a slow machine shows the same; then somewhere within the next request.
    const lifetime = random.integer(0, LONGEST_LIFE)
    while (run.answered < lifetime) await Promise.race([sleep(2), client])
    await sleep(random.integer(0, 20))
    run.life++
    run.answered = 0
    await simulator.kill()
  }
  run.stop = true
  await client
  const { acknowledged } = run
  await simulator.close()

  const fresh = await start()
  const left = new Set<string>()
  for (const { user } of acknowledged) {
    const { status } = await fetch(`${fresh.url}/users/${user}`)
    expect([200, 404], `user ${user}`).toContain(status)
    if (status === 200) left.add(user)
  }
  const { ingests, users, accounts, transactions } = await stats(fresh)
  // Each ingest is there as a whole or not at all. One that was never answered may be there too.
  const applied = ingests - before.ingests
  expect(applied - left.size).toBeOneOf([0, 1])
  expect([users - before.users, accounts - before.accounts, transactions - before.transactions]).toEqual([
    applied,
    applied,
    2 * applied,
  ])
  await fresh.close()
  await expectWhole(bucket)
  // Closing the simulator was one more.
  return {
    kills: kills + 1,
    acknowledged: acknowledged.length,
    lost: acknowledged.length - left.size,
    lostByLife: lostByLife(acknowledged, left),
  }
}

/** Sends one ingest after the other, each until it is answered with 201. */
async function ingest(simulator: Simulator, run: Run): Promise<void> {
  for (let n = 0; !run.stop; n++) {
    const user = `behind-${n}`
    const giveUpAt = performance.now() + ANSWER_WITHIN_MS
    let life: number
    for (;;) {
      life = run.life
      const answer = await send(simulator, `write-behind ${n}`, user)
      if (answer === 201) break
      if (run.stop) return
      if (answer < 500 || performance.now() > giveUpAt) throw new Error(`${user} was answered with ${answer}`)
    }
    run.acknowledged.push({ user, life: life === run.life ? life : null })
    if (life === run.life) run.answered++
  }
}

/** How many of each life are gone; those have to be its last ones. */
function lostByLife(acknowledged: readonly Acknowledged[], left: ReadonlySet<string>): number[] {
  const lives = Map.groupBy(acknowledged, ({ life }) => life)
  lives.delete(null)
  return [...lives.values()].map((ofLife) => {
    const kept = ofLife.map(({ user }) => left.has(user))
    const lost = kept.filter((there) => !there).length
    expect(kept, 'what is left of a life is its beginning').toEqual(
      kept.map((_, n) => n < kept.length - lost),
    )
    return lost
  })
}

/** The database restores, SQLite finds it in order, and no other writer was ever there. */
async function expectWhole(bucket: S3Server): Promise<void> {
  const store = openStore(bucket.urlOf('spendsense'), bucket.env)
  try {
    const source = { store, description: 'spendsense' }
    expect(await checkDatabase(source, { parts: ['download'] })).toMatchObject([{ ok: true }])
    expect((await status(source)).lost).toEqual([])
  } finally {
    await store.close()
  }
}

export function describeLoss(parameters: string, { kills, acknowledged, lost, lostByLife }: Loss): string {
  const share = ((100 * lost) / acknowledged).toFixed(1)
  return (
    `${parameters}: ${acknowledged} writes acknowledged, ${kills} kills, ${lost} writes lost (${share} %): ` +
    `${(lost / kills).toFixed(1)} a kill, ${Math.max(0, ...lostByLife)} at most`
  )
}
