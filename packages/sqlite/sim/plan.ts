import type { FaultKind, SeededRandom } from '@thaw/testing'
import type { MaintenancePolicy, NewDatabase } from '../src/index.ts'

/** What befalls a request; `unreachable` besides: no connection came about. */
export type Fault = FaultKind | 'unreachable'

/** How a seed's world is made: who works in it, how much, and what goes wrong. */
export interface Plan {
  readonly scenario: 'faults' | 'freezes' | 'retention' | 'wipe'
  readonly environments: number
  /** Concurrent clients in each environment. */
  readonly clients: number
  /** Operations of each client. */
  readonly operations: number
  /** What the bucket holds at first. */
  readonly start: 'nothing' | { readonly pageSize: number; readonly autoVacuum: boolean }
  /** Null when nobody compacts or deletes anything. */
  readonly maintenance: MaintenancePlan | null
  /** How many objects a list answers with at once. */
  readonly listed: number
  /** Chance of each fault for a request. */
  readonly faults: readonly (readonly [Fault, number])[]
  /** How often the way from an environment to the bucket is down for a while. */
  readonly outages: number
  /** How many keys there are for writes that are repeated. */
  readonly keys: number
  /** Whether some environments gather what a request writes: `durability: 'invocation'`. */
  readonly gathers: boolean
  /** How often somebody's clock is set to a wrong time, ahead or back. */
  readonly clockSteps: number
  /** How often the database is given a state again that it had. */
  readonly restores: number
  /** After so many faults there are no more. */
  readonly mostFaults: number
  /** Virtual ms after which no more faults befall anybody. */
  readonly healsAfterMs: number
  readonly kills: number
  readonly freezes: number
  /** Chance that a fault sets off a freeze or a kill of who met it, while there are any left. */
  readonly disturbance: number
  /** The same for any request. */
  readonly unrest: number
  /** Chance that a client takes a long rest, and how long that is at most, ms. */
  readonly rest: readonly [number, number]
  /** Whether a transaction larger than the bound of the write-ahead log may come. */
  readonly huge: boolean
  readonly commitTimeoutMs: number
  readonly maxAttempts: number
  readonly readPatienceMs: number
}

/** Who maintains the database, how often, and what is kept. */
export interface MaintenancePlan {
  /** How many runs begin at about the same time. */
  readonly runners: number
  /** How often. */
  readonly runs: number
  /** How far apart, ms. */
  readonly everyMs: number
  /** What a writer is told: to compact after every so many transactions, or never when 0. */
  readonly inlineEvery: number
  readonly policy: MaintenancePolicy
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const FAULTS: readonly Fault[] = [
  'lose-request',
  'lose-answer',
  'late-request',
  'refuse',
  'busy',
  'unavailable',
  'unreachable',
]

export function makePlan(random: SeededRandom): Plan {
  const draw = random.next()
  const scenario = draw < 0.58 ? 'faults' : draw < 0.7 ? 'freezes' : draw < 0.94 ? 'retention' : 'wipe'
  const stormy = random.chance(0.8)
  const environments = random.integer(2, 4)
  const clients = random.integer(1, 3)
  const long = scenario === 'retention' || scenario === 'freezes'
  return {
    scenario,
    environments,
    clients,
    operations: random.integer(2, Math.ceil(24 / (environments * clients)) + 3),
    start:
      scenario !== 'wipe' && random.chance(0.5)
        ? 'nothing'
        : { pageSize: random.pick([512, 1024, 4096, 8192]), autoVacuum: random.chance(0.5) },
    maintenance: drawMaintenance(scenario, random),
    listed: random.chance(0.8) ? 1_000 : random.integer(1, 6),
    faults: stormy
      ? FAULTS.filter(() => random.chance(0.5)).map((fault) => [fault, 0.01 + 0.11 * random.next()])
      : [],
    outages: stormy && random.chance(0.4) ? random.integer(1, 2) : 0,
    keys: 4,
    gathers: random.fork('gathers').chance(0.35),
    clockSteps: drawClockSteps(random.fork('clock steps')),
    restores: scenario === 'wipe' ? 0 : drawRestores(random.fork('restores')),
    mostFaults: random.integer(3, 40),
    healsAfterMs: long ? 12 * HOUR : random.integer(500, 20_000),
    kills: drawKills(scenario, random),
    freezes: long ? random.integer(1, 3) : random.integer(0, 1),
    disturbance: long ? 0.5 : 0.15,
    unrest: long ? 0.01 : 0.002,
    rest: scenario === 'retention' ? [0.08, 3 * HOUR] : long ? [0.08, 20 * MINUTE] : [0.02, 2_000],
    huge: random.chance(0.02),
    commitTimeoutMs: random.chance(0.3) ? random.integer(20, 500) : random.integer(1_000, 30_000),
    maxAttempts: random.chance(0.2) ? random.integer(1, 3) : 100,
    readPatienceMs: random.pick([20, 200, 2_000]),
  }
}

function drawKills(scenario: Plan['scenario'], random: SeededRandom): number {
  if (scenario === 'faults') return random.integer(0, 3)
  // There freezes are what matters.
  return scenario === 'retention' && random.chance(0.3) ? random.integer(1, 2) : 0
}

function drawClockSteps(random: SeededRandom): number {
  return random.chance(0.15) ? random.integer(2, 8) : 0
}

function drawRestores(random: SeededRandom): number {
  return random.chance(0.25) ? random.integer(1, 3) : 0
}

function drawMaintenance(scenario: Plan['scenario'], random: SeededRandom): MaintenancePlan | null {
  const inlineEvery = random.chance(0.5) ? random.integer(2, 6) : 0
  if (scenario === 'retention') return { ...drawHours(random), inlineEvery }
  if (scenario === 'wipe' || random.chance(0.7)) return null
  const soon = () => random.integer(0, 5_000)
  return {
    runners: random.integer(1, 2),
    runs: random.integer(1, 6),
    everyMs: random.integer(200, 3_000),
    inlineEvery,
    policy: {
      compactAfterMs: { 1: soon(), 2: soon(), 3: soon() },
      compactAtFiles: random.integer(1, 6),
      snapshotAfterMs: soon(),
      snapshotAtBytes: random.integer(0, 20_000),
      keepCoveredMs: { 0: 0, 1: soon(), 2: soon() },
      keepHistoryMs: HOUR, // restore points of level 0 are promised for as long
    },
  }
}

/** Everything old goes as early as it may: after an hour. */
function drawHours(random: SeededRandom): Omit<MaintenancePlan, 'inlineEvery'> {
  const upTo = (ms: number) => (random.chance(0.4) ? 0 : random.integer(0, ms))
  const everyMs = random.integer(15 * MINUTE, 50 * MINUTE)
  return {
    runners: random.chance(0.7) ? 1 : random.integer(2, 3),
    runs: Math.floor((8 * HOUR) / everyMs),
    everyMs,
    policy: {
      compactAfterMs: { 1: upTo(MINUTE), 2: upTo(HOUR), 3: upTo(2 * HOUR) },
      compactAtFiles: random.integer(1, 8),
      snapshotAfterMs: upTo(4 * HOUR),
      snapshotAtBytes: random.integer(0, 100_000),
      keepCoveredMs: {
        0: random.chance(0.7) ? 0 : random.integer(0, 2 * HOUR),
        1: upTo(2 * HOUR),
        2: upTo(3 * HOUR),
      },
      keepHistoryMs: 2 * HOUR + upTo(4 * HOUR),
    },
  }
}

/** How old what a read sees may be, ms. */
export function drawAge(random: SeededRandom): number {
  return random.pick([0, 20, 500, 5_000, 10 * MINUTE, 2 * HOUR])
}

/** What an environment asks a new database to be like: of effect only where there is none yet. */
export function drawNewDatabase(random: SeededRandom): NewDatabase {
  if (random.chance(0.5)) return {}
  return {
    pageSize: random.pick([512, 1024, 4096, 8192]),
    ...(random.chance(0.5) ? { autoVacuum: random.pick(['full', 'incremental'] as const) } : {}),
  }
}

/** A time in which everything of one kind fails. */
export interface Outage {
  readonly fault: Fault
  readonly lastsMs: number
  readonly putsOnly: boolean
}

export function drawOutage(random: SeededRandom): Outage {
  const fault = random.pick(FAULTS)
  return { fault, lastsMs: random.integer(500, 40_000), putsOnly: random.chance(0.5) }
}

/** How long a freeze lasts, and how much of it the clock misses, ms. */
export function drawFreeze(plan: Plan, random: SeededRandom): { lasts: number; missed: number } {
  const longest = { faults: 10_000, freezes: 3 * HOUR, retention: 6 * HOUR, wipe: 10_000 }[plan.scenario]
  const shortest = { faults: 100, freezes: MINUTE, retention: 2 * HOUR, wipe: 100 }[plan.scenario]
  const lasts = random.integer(shortest, longest)
  const kind = random.next()
  return { lasts, missed: kind < 0.5 ? 0 : kind < 0.75 ? lasts : random.integer(0, lasts) }
}
