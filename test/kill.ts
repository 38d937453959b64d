import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadApp } from '@thaw/app'
import { type FunctionPackage, type Simulator, simulate } from '@thaw/local'
import { seededRandom, startS3Server } from '@thaw/testing'
import { expect, onTestFinished } from 'vitest'

export const ROOT = join(import.meta.dirname, '..', 'apps', 'spendsense')
const CLIENTS = 3
export const ANSWER_WITHIN_MS = 30_000

export interface Stats {
  readonly ingests: number
  readonly users: number
  readonly accounts: number
  readonly transactions: number
}

interface Ingest {
  readonly key: string
  readonly user: string
  /** How often it was sent until it was answered. */
  readonly tries: number
}

/**
 * Kills every environment of SpendSense `kills` times, at random moments, while clients send keyed ingests and repeat
 * what was not answered. Afterwards everything acknowledged has to be there, and nothing twice.
 * @param packages runs these zips; the sources when absent
 */
export async function killUnderLoad(kills: number, packages?: readonly FunctionPackage[]): Promise<void> {
  const seed = process.env.THAW_SEED ?? String(Date.now())
  console.log(`seed ${seed} (THAW_SEED repeats the moments of the kills)`)
  const random = seededRandom(seed)
  const bucket = await startS3Server({ latencyMs: 5 })
  onTestFinished(() => bucket.close())
  const databaseUrl = `sqlite+${bucket.urlOf('spendsense')}`
  const start = () => startSpendSense(databaseUrl, bucket.env, packages)
  const simulator = await start()
  onTestFinished(() => simulator.close())
  const before = await stats(simulator)

  let stop = false
  let answered = 0
  const tell = () => answered++
  const clients = Promise.all(
    Array.from({ length: CLIENTS }, (_, client) => ingestUntil(simulator, client, () => stop, tell)),
  )
  clients.catch(() => undefined) // told by whoever awaits it next
  let killed = 0
  for (let kill = 0; kill < kills; kill++) {
    await Promise.race([sleep(random.integer(50, 1_200)), clients])
    // Kills during a start are wanted, but where starts are slow something has to come between them.
    while (kill % 3 === 2 && answered <= 2 * (kill + 1)) await Promise.race([sleep(5), clients])
    killed += simulator.environments().length
    await simulator.kill()
  }
  await sleep(200)
  stop = true
  const acknowledged = (await clients).flat()
  const repeated = acknowledged.filter(({ tries }) => tries > 1).length
  console.log(`${acknowledged.length} ingests, ${repeated} of them repeated, ${killed} environments killed`)

  // The kills have to have hit something, or nothing was shown.
  expect(killed).toBeGreaterThanOrEqual(kills)
  expect(repeated).toBeGreaterThan(0)
  expect(acknowledged.length).toBeGreaterThan(2 * kills)

  await simulator.close()
  const fresh = await start()
  onTestFinished(() => fresh.close())
  const after = await stats(fresh)
  expect(after).toMatchObject({
    ingests: before.ingests + acknowledged.length,
    users: before.users + acknowledged.length,
    accounts: before.accounts + acknowledged.length,
    transactions: before.transactions + 2 * acknowledged.length,
  })
  for (const { user } of acknowledged) {
    const response = await fetch(`${fresh.url}/users/${user}`)
    expect(response.status, `user ${user}, acknowledged and looked for afterwards`).toBe(200)
  }
}

/** Sends one keyed ingest after the other, each until it is answered with 201. */
async function ingestUntil(
  simulator: Simulator,
  client: number,
  stopped: () => boolean,
  tell: () => void,
): Promise<Ingest[]> {
  const acknowledged: Ingest[] = []
  for (let n = 0; !stopped(); n++) {
    const user = `killed-${client}-${n}`
    const key = `kill test ${client} ${n}`
    const giveUpAt = performance.now() + ANSWER_WITHIN_MS
    for (let tries = 1; ; tries++) {
      const answer = await send(simulator, key, user)
      if (answer === 201) {
        acknowledged.push({ key, user, tries })
        tell()
        break
      }
      if (answer < 500) throw new Error(`ingest ${key} was answered with ${answer}`)
      if (performance.now() > giveUpAt) throw new Error(`ingest ${key} was never accepted: ${answer}`)
    }
  }
  return acknowledged
}

export async function send(simulator: Simulator, key: string, user: string): Promise<number> {
  const account = `${user}-checking`
  const transaction = {
    account_id: account,
    user_id: user,
    date: '2026-06-01',
    payment_channel: 'ach',
    pending: false,
  }
  const body = {
    users: [{ id: user, name: 'Kill Test', created_on: '2026-01-01' }],
    accounts: [
      {
        id: account,
        user_id: user,
        type: 'depository',
        subtype: 'checking',
        balance_current: 1,
        currency: 'USD',
        holder_category: 'personal',
      },
    ],
    transactions: [
      { ...transaction, id: `${user}-1`, amount: -1 },
      { ...transaction, id: `${user}-2`, amount: -2 },
    ],
  }
  const response = await fetch(`${simulator.url}/ingest/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  })
  await response.arrayBuffer()
  return response.status
}

export async function stats(simulator: Simulator): Promise<Stats> {
  const response = await fetch(`${simulator.url}/api/stats`)
  const text = await response.text()
  if (!response.ok) throw new Error(`/api/stats: ${response.status} ${text}`)
  return JSON.parse(text)
}

export async function startSpendSense(
  databaseUrl: string,
  credentials: Readonly<Record<string, string>>,
  packages?: readonly FunctionPackage[],
): Promise<Simulator> {
  const database = { ...credentials, DATABASE_URL: databaseUrl }
  const sources = { THAW_MIGRATIONS: join(ROOT, 'migrations'), THAW_SEED: join(ROOT, 'data') }
  return simulate(await loadApp(ROOT), {
    environment: packages ? database : { ...database, ...sources },
    ...(packages && { packages }),
  })
}
