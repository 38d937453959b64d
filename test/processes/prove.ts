import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { memoryStore, type ObjectStore, openStore } from '@thaw/store'
import { type SeededRandom, seededRandom, temporaryDirectory } from '@thaw/testing'
import { check } from '../../packages/sqlite/sim/check.ts'
import type { Operation } from '../../packages/sqlite/sim/history.ts'
import { replay } from '../../packages/sqlite/sim/replay.ts'
import { checkMerged, checkRestorePoints } from '../../packages/sqlite/sim/retained.ts'
import { type RealBucket, startBucket, urlOf } from './bucket.ts'
import { type LifeOptions, readLogs, shorten } from './life.ts'
import { type AcceptedPut, type FaultyProxy, startFaultyProxy } from './proxy.ts'
import { monotonic } from './time.ts'

const PROGRAM = fileURLToPath(new URL('./process.ts', import.meta.url))
const ENDS_WITHIN_MS = 60_000
const RESTORED = 60

export interface ProofOptions {
  readonly seed: string
  readonly processes: number
  readonly seconds: number
  /** Concurrent clients in each process. */
  readonly clients: number
  /** The longest that a process is left alone before it is frozen or killed, ms; 12,000 when absent. */
  readonly longestRestMs?: number
  /** How often that ends in a kill instead of a freeze, 0–1; 0.4 when absent. */
  readonly killChance?: number
  /** Further options of `openSqlite` that survive JSON. */
  readonly open?: Readonly<Record<string, unknown>>
  /** Counts acknowledged writes that are lost, instead of taking one for a violation: for a mode that may lose them. */
  readonly mayLose?: boolean
}

export interface Proven {
  readonly server: RealBucket['server']
  /** How many operations ended in which way; `pending` are those whose process was killed. */
  readonly outcomes: Readonly<Record<string, number>>
  readonly kills: number
  readonly freezes: number
  readonly requests: number
  readonly faults: Readonly<Record<string, number>>
  readonly transactions: number
  readonly merged: number
  readonly restored: number
  /** Acknowledged writes that the bucket does not hold. */
  readonly lost: number
}

/**
 * Processes work with one database in a real bucket behind a proxy that fails, and are killed and frozen at random.
 * Then what they logged is judged by what the bucket holds.
 * @throws Violation, or what went wrong in a process
 */
export async function prove(options: ProofOptions): Promise<Proven> {
  await using folder = await temporaryDirectory('thaw-proof')
  const random = seededRandom(options.seed)
  const bucket = await startBucket(folder.path)
  try {
    const proxy = await startFaultyProxy(bucket.port, random.fork('proxy'))
    const logs = join(folder.path, 'logs')
    mkdirSync(logs)
    const disturbed = await disturb(options, random, (name, until) => ({
      ...{ name, until, seed: options.seed, clients: options.clients, open: options.open ?? {} },
      url: urlOf(bucket, proxy.port),
      env: bucket.env,
      directory: join(folder.path, 'tmp'),
      log: join(logs, `${name}.jsonl`),
    }))
    await proxy.close()
    const { operations, failures } = readLogs(logs)
    if (failures.length > 0) throw new Error(failures.join('\n'))
    const judged = await judge(options, bucket, proxy, operations, folder.path, random)
    return { ...judged, ...disturbed, server: bucket.server, outcomes: count(operations) }
  } finally {
    await bucket.close()
  }
}

/** Lets the processes run, and kills, freezes and thaws them meanwhile. */
async function disturb(
  { processes, seconds, longestRestMs = 12_000, killChance = 0.4 }: ProofOptions,
  random: SeededRandom,
  describe: (name: string, until: number) => LifeOptions,
): Promise<{ kills: number; freezes: number }> {
  const until = Date.now() + seconds * 1_000
  let lives = 0
  let kills = 0
  let freezes = 0
  const place = async (draws: SeededRandom) => {
    while (Date.now() < until) {
      const child = live(describe(`p${++lives}`, until))
      const exited = once(child, 'exit')
      try {
        await Promise.race([exited, haunt(child, draws)])
      } finally {
        child.kill('SIGKILL')
      }
      const [code] = await exited
      if (code !== 0 && code !== null) return // it has told why
      if (code === null) kills++
    }
  }
  /** Freezes a process now and then, until it is to be killed. */
  async function haunt(child: ChildProcess, draws: SeededRandom): Promise<void> {
    for (;;) {
      const rests = draws.integer(500, longestRestMs)
      if (Date.now() + rests > until) {
        await Promise.race([once(child, 'exit'), sleep(until - Date.now() + ENDS_WITHIN_MS)])
        if (child.exitCode === null) throw new Error('a process did not come to its end')
        return
      }
      await sleep(rests)
      if (draws.chance(killChance)) return
      freezes++
      child.kill('SIGSTOP')
      await sleep(draws.chance(0.2) ? draws.integer(3_000, 8_000) : draws.integer(50, 1_500))
      child.kill('SIGCONT')
    }
  }
  await Promise.all(Array.from({ length: processes }, (_, index) => place(random.fork(`place ${index}`))))
  return { kills, freezes }
}

function live(options: LifeOptions): ChildProcess {
  return spawn(process.execPath, ['--no-warnings', PROGRAM, JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
}

async function judge(
  { mayLose = false }: ProofOptions,
  bucket: RealBucket,
  proxy: FaultyProxy,
  operations: readonly Operation[],
  directory: string,
  random: SeededRandom,
) {
  const store = openStore(urlOf(bucket, bucket.port), bucket.env)
  try {
    const copy = await copyOf(store)
    const created = await creations(copy, proxy.accepted)
    const replayed = replay(created, join(directory, 'replay.db'))
    const { states } = replayed
    const held = new Set(replayed.rows.map(({ id }) => id))
    const acknowledged = operations.filter(({ outcome, id }) => outcome === 'acknowledged' && id !== null)
    const lost = acknowledged.filter(({ id, result }) => !held.has(result ?? id ?? '')).length
    if (!mayLose) check([{ ...replayed, startsEmpty: true, tick: 0 }], operations, shorten)
    checkMerged(created, states)
    const chosen = new Set(random.shuffle(states.map(({ txid }) => txid)).slice(0, RESTORED))
    chosen.add(states.length)
    // Nothing can have been old enough to lose its name.
    await checkRestorePoints(copy, states, 0, join(directory, 'restored.db'), (txid) => chosen.has(txid))
    const { faults, requests } = proxy
    const merged = created.filter(({ key }) => !key.startsWith('0000/')).length
    return { faults, requests, transactions: states.length, merged, restored: chosen.size, lost }
  } finally {
    await store.close()
  }
}

async function copyOf(store: ObjectStore): Promise<ObjectStore> {
  const copy = memoryStore()
  for await (const { key } of store.list('')) {
    const object = await store.get(key)
    if (object && key.endsWith('.ltx')) await copy.put(key, object.body)
  }
  return copy
}

/** The objects in the order in which they came to be, as the proxy saw it. */
async function creations(store: ObjectStore, accepted: readonly AcceptedPut[]) {
  const found = new Map<string, { tick: number; at: number }>()
  for (const { path, tick, at } of accepted) {
    const key = /\/(\d{4}\/[0-9a-f]{16}-[0-9a-f]{16}\.ltx)$/.exec(path)?.[1]
    if (!key) continue
    if (key.startsWith('0000/') && found.has(key)) throw new Error(`the bucket accepted ${key} twice`)
    found.set(key, { tick, at })
  }
  const created = []
  for await (const { key } of store.list('')) {
    const put = found.get(key) ?? { tick: monotonic(), at: 0 }
    const object = await store.get(key)
    if (object) created.push({ key, body: object.body, by: 'a process', generation: 0, ...put })
  }
  const singles = [...found.keys()].filter((key) => key.startsWith('0000/')).length
  const held = created.filter(({ key }) => key.startsWith('0000/')).length
  if (singles !== held) throw new Error(`the bucket accepted ${singles} transactions and holds ${held}`)
  return created.sort((a, b) => a.tick - b.tick)
}

function count(operations: readonly Operation[]): Record<string, number> {
  const outcomes: Record<string, number> = {}
  for (const { outcome, error } of operations) {
    const name = error ?? outcome
    outcomes[name] = (outcomes[name] ?? 0) + 1
  }
  return outcomes
}
