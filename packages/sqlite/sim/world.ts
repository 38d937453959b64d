import { join } from 'node:path'
import { memoryStore } from '@thaw/store'
import type { SeededRandom } from '@thaw/testing'
import { maintain, openSqlite } from '../src/index.ts'
import { Bucket } from './bucket.ts'
import { check, type Generation } from './check.ts'
import { Environment } from './environment.ts'
import { type Operation, Violation } from './history.ts'
import { drawAge, drawFreeze, drawNewDatabase, drawOutage, type Fault, makePlan, type Plan } from './plan.ts'
import { type Replayed, replay } from './replay.ts'
import { checkMerged, checkRestorePoints } from './retained.ts'
import { Scheduler } from './scheduler.ts'
import { makeChain } from './seed.ts'
import { Client } from './workload.ts'

const HOUR = 3_600_000
/** What maintenance puts to learn the bucket's time. */
const CLOCK_KEY = 'thaw/clock'
const MAX_STEPS = 20_000
const CLOCK_MENDED_AFTER_MS = 20 * 60_000
const ABSENCE_MS = 30 * 60_000
const LONGEST_RETRY_MS = 60_000
/** A store tries again by itself unless it is asked to put: fewer of the other failures come through. */
const READ_FAULTS = 0.4
const ORDINARY_CLOCK_ERROR_MS = 2_000
/** The bucket still accepts what is signed by such a clock. */
const LARGE_CLOCK_ERROR_MS = 10 * 60_000

/** One seed's world: a bucket, environments, and what befalls them. */
export class World {
  readonly plan: Plan
  readonly scheduler: Scheduler
  readonly bucket: Bucket
  readonly operations: Operation[] = []
  readonly #random: SeededRandom
  readonly #directory: string
  readonly #started: number
  readonly #environments: Environment[] = []
  readonly #generations: { tick: number; startsEmpty: boolean }[] = []
  /** What clients were given, and may take elsewhere. */
  readonly #bookmarks: string[] = []
  #lives = 0
  #killsLeft: number
  #freezesLeft: number
  #faultsLeft: number
  #failure: unknown = null

  constructor(
    random: SeededRandom,
    directory: string,
    options: { trace: boolean; ignoresConditions: boolean },
  ) {
    this.#random = random.fork('world')
    this.#directory = directory
    this.plan = makePlan(random.fork('plan'))
    this.#killsLeft = this.plan.kills
    this.#freezesLeft = this.plan.freezes
    this.#faultsLeft = this.plan.mostFaults
    this.scheduler = new Scheduler(random.fork('scheduler'), options.trace)
    this.#started = this.scheduler.now
    this.bucket = new Bucket({
      scheduler: this.scheduler,
      random: random.fork('network'),
      fault: (environment, operation) => this.#fault(environment, operation),
      onFault: (environment) => this.#afterFault(environment),
      listed: this.plan.listed,
      ignoresConditions: options.ignoresConditions,
    })
    this.scheduler.note(JSON.stringify(this.plan))
  }

  /** @throws Violation */
  async run(): Promise<void> {
    const { plan, scheduler } = this
    this.#begin(1)
    for (let i = 0; i < plan.environments; i++)
      this.#start(this.#newEnvironment(join(this.#directory, `tmp-${i}`)))
    this.#planDisasters()
    this.#planMaintenance()
    await this.#settle()
    this.#heal()
    this.#start(this.#newEnvironment(join(this.#directory, 'tmp-last')), true)
    for (const environment of this.#living()) this.#spawn(environment, () => this.#verify(environment))
    await this.#settle()
    scheduler.note('check')
    const generations = this.#replay()
    check(generations, this.operations)
    await this.#checkFiles(generations)
  }

  /** Gives back what the environments hold. */
  async clearAway(): Promise<void> {
    for (const environment of this.#environments) {
      environment.dead = true
      await Promise.race([environment.clearAway().catch(() => undefined), someTurns()])
    }
  }

  /** Takes a warning that the code under test gave: what it does beside its operations must not find damage either. */
  warned(warning: string): void {
    this.scheduler.note(`warning: ${warning}`)
    if (/is damaged|lacks transaction|does not continue|replaced/.test(warning))
      this.#failure ??= new Violation(warning)
  }

  #replay(): (Generation & Replayed)[] {
    return this.#generations.map((generation, index) => {
      const created = this.bucket.created.filter((one) => one.generation === index)
      return { ...generation, ...replay(created, join(this.#directory, 'replay.db')) }
    })
  }

  async #settle(): Promise<void> {
    const ended = await this.scheduler.run(MAX_STEPS)
    if (this.#failure) throw this.#failure
    if (!ended) throw new Violation(`no end after ${MAX_STEPS} steps`)
    const stuck = this.#environments.filter(({ dead, tasks }) => !dead && tasks > 0).map(({ name }) => name)
    if (stuck.length > 0) throw new Violation(`${stuck.join(' and ')} wait for what never comes`)
  }

  /** What maintenance made, and what it left. */
  async #checkFiles(generations: readonly Replayed[]): Promise<void> {
    generations.forEach(({ states }, index) => {
      checkMerged(
        this.bucket.created.filter(({ generation }) => generation === index),
        states,
      )
    })
    const { maintenance } = this.plan
    const last = generations.at(-1)
    if (!maintenance || !last) return
    const store = memoryStore()
    for (const [key, { body }] of this.bucket.objects) await store.put(key, body)
    const lastRun = this.bucket.created.findLast(({ key }) => key === CLOCK_KEY)?.at ?? 0
    const keptSince = lastRun - Math.max(HOUR, maintenance.policy.keepCoveredMs[0])
    await checkRestorePoints(store, last.states, keptSince, join(this.#directory, 'restored.db'))
  }

  /** @param count how many transactions are there from the start, unless the plan says none */
  #begin(count: number): void {
    const { start } = this.plan
    const name = `g${this.#generations.length}`
    this.#generations.push({ tick: this.scheduler.tick(), startsEmpty: start === 'nothing' })
    if (start !== 'nothing')
      this.bucket.fill(makeChain(this.#directory, name, count, start, this.scheduler.now), name)
  }

  #newEnvironment(directory: string, role: Environment['role'] = 'application'): Environment {
    const name = `e${++this.#lives}`
    const most = this.#random.chance(0.15) ? LARGE_CLOCK_ERROR_MS : ORDINARY_CLOCK_ERROR_MS
    const error = this.#random.integer(-most, most)
    const made = this.plan.start === 'nothing' ? drawNewDatabase(this.#random) : {}
    const environment = new Environment(name, {
      role,
      directory,
      scheduler: this.scheduler,
      clockErrorMs: error,
      newDatabase: made,
      freshness: this.#random.chance(0.8) ? 'strong' : { withinMs: drawAge(this.#random) },
    })
    this.#environments.push(environment)
    return environment
  }

  #start(environment: Environment, last = false): void {
    const { plan } = this
    this.#spawn(environment, async () => {
      await this.#open(environment)
      if (last) return this.#verify(environment)
      const { db } = environment
      if (!db) return
      const clients = Array.from({ length: plan.clients }, (_, index) =>
        this.#client(environment, `c${index}`),
      )
      await Promise.all(clients.map((client) => client.work(db)))
    })
  }

  #client(environment: Environment, name: string): Client {
    const { plan, scheduler, operations } = this
    const random = this.#random.fork(`${environment.name}${name}`)
    return new Client({
      name: `${environment.name}${name}`,
      environment,
      plan,
      random,
      scheduler,
      operations,
      bookmarks: this.#bookmarks,
    })
  }

  async #verify(environment: Environment): Promise<void> {
    if (environment.db) await this.#client(environment, 'last').verify(environment.db)
  }

  async #open(environment: Environment): Promise<void> {
    const { plan } = this
    for (
      let pause = 100;
      !environment.dead && !environment.db;
      pause = Math.min(2 * pause, LONGEST_RETRY_MS)
    ) {
      try {
        environment.db = await openSqlite({
          store: this.bucket.connect(environment),
          directory: environment.directory,
          clock: environment.clock,
          description: environment.name,
          writerId: this.#random
            .fork(environment.name)
            .bytes(8)
            .reduce((id, byte) => (id << 8n) | BigInt(byte), 0n),
          commitTimeoutMs: plan.commitTimeoutMs,
          maxAttempts: plan.maxAttempts,
          readPatienceMs: plan.readPatienceMs,
          maintainEvery: plan.maintenance?.inlineEvery ?? 0,
          freshness: environment.freshness,
          ...environment.newDatabase,
        })
      } catch (error) {
        if (environment.dead) return
        const name = error instanceof Error ? error.name : ''
        // What is wiped and filled while it is read fits together only by luck.
        const torn = plan.scenario === 'wipe' && (name === 'RestoreError' || name === 'HistoryChangedError')
        if (name !== 'StoreError' && !torn) throw error
        await environment.pause(pause)
      }
    }
  }

  /** Something that has to come to its end, unless its environment is killed. */
  #spawn(environment: Environment, run: () => Promise<void>): void {
    environment.tasks++
    run().then(
      () => {
        environment.tasks--
      },
      (error) => {
        environment.tasks--
        if (!environment.dead) this.#failure ??= error
      },
    )
  }

  #living(): Environment[] {
    return this.#environments.filter(({ dead, db }) => !dead && db)
  }

  // What befalls them

  get #stormy(): boolean {
    return this.scheduler.now - this.#started < this.plan.healsAfterMs
  }

  #fault(environment: Environment, operation: string): Fault | null {
    // Around a put it matters most.
    const unrest = operation === 'put' ? 6 * this.plan.unrest : this.plan.unrest
    if (this.#random.chance(unrest)) this.#disturbSoon(environment, 40)
    const { outage } = environment
    if (outage && this.scheduler.now < outage.until && !(outage.putsOnly && operation !== 'put'))
      return outage.fault
    if (!this.#stormy || this.#faultsLeft === 0) return null
    let left = this.#random.next() / (operation === 'put' ? 1 : READ_FAULTS)
    const fault = this.plan.faults.find(([, chance]) => {
      left -= chance
      return left < 0
    })?.[0]
    if (fault) this.#faultsLeft--
    return fault ?? null
  }

  /** Trouble comes when an environment is about to do something about a fault. */
  #afterFault(environment: Environment): void {
    if (this.#random.chance(this.plan.disturbance)) this.#disturbSoon(environment, 20)
  }

  #disturbSoon(environment: Environment, withinMs: number): void {
    const disturb = () => this.#disturb(environment)
    this.scheduler.after(this.#random.integer(0, withinMs), null, `${environment.name} is disturbed`, disturb)
  }

  #planDisasters(): void {
    const { plan, scheduler } = this
    const later = (ms: number, label: string, run: () => void) =>
      scheduler.after(this.#random.integer(0, ms), null, label, run)
    // The others come when there are faults.
    const atOnce = plan.scenario === 'retention' ? 0 : (plan.kills + plan.freezes) / 2
    for (let i = 0; i < atOnce; i++) {
      later(1_500, 'disaster', () => {
        const busy = this.#environments.filter(({ dead, tasks }) => !dead && tasks > 0)
        if (busy.length > 0) this.#disturb(this.#random.pick(busy))
      })
    }
    for (let i = 0; i < plan.outages; i++) {
      later(3_000, 'outage', () => {
        const environment = this.#random.pick(this.#environments)
        const outage = drawOutage(this.#random)
        scheduler.note(`${environment.name} will meet ${outage.fault} for ${outage.lastsMs} ms`)
        environment.outage = { ...outage, until: scheduler.now + outage.lastsMs }
      })
    }
    for (const environment of this.#environments) {
      if (!this.#random.chance(0.2)) continue
      later(5_000, `the clock of ${environment.name} is set`, () => environment.setClock(0))
    }
    if (plan.scenario === 'wipe') later(1_500, 'the prefix will be wiped', () => this.#replace())
  }

  #planMaintenance(): void {
    const { maintenance } = this.plan
    if (!maintenance) return
    const { runs, everyMs, runners } = maintenance
    for (let run = 1; run <= runs; run++) {
      for (let runner = 0; runner < runners; runner++) {
        const soon = this.#random.integer(0, 2_000)
        this.scheduler.after(run * everyMs + soon, null, 'maintenance is due', () => this.#beginMaintenance())
      }
    }
  }

  /** In a process of its own, or in one that works with the database as well. */
  #beginMaintenance(): void {
    const living = this.#living()
    const environment =
      living.length > 0 && this.#random.chance(0.3)
        ? this.#random.pick(living)
        : this.#newEnvironment(join(this.#directory, 'maintenance'), 'maintenance')
    this.#spawn(environment, () => this.#maintain(environment))
    if (this.#random.chance(this.plan.disturbance)) this.#disturbSoon(environment, 600)
  }

  async #maintain(environment: Environment): Promise<void> {
    const { policy } = this.plan.maintenance ?? {}
    const source = { store: this.bucket.connect(environment), description: environment.name }
    try {
      const { created, deleted } = await maintain(source, policy ? { policy } : {})
      this.scheduler.note(`${environment.name} made ${created.join()} and deleted ${deleted.join()}`)
    } catch (error) {
      this.scheduler.note(`${environment.name} could not maintain: ${error}`)
      if (!mayFail(error)) throw error
    }
  }

  #disturb(environment: Environment): void {
    if (environment.dead || !this.#stormy) return
    if (this.#killsLeft > 0 && this.#random.chance(0.5)) this.#kill(environment)
    else if (this.#freezesLeft > 0 && environment.frozenUntil <= this.scheduler.now) this.#freeze(environment)
  }

  #kill(environment: Environment): void {
    this.#killsLeft--
    this.scheduler.note(`${environment.name} is killed`)
    const directory = `${environment.directory}+`
    environment.kill(directory)
    if (environment.role === 'maintenance') return // of maintenance there is another run
    const next = this.#newEnvironment(directory)
    this.scheduler.after(this.#random.integer(0, 200), null, `${next.name} begins`, () => this.#start(next))
  }

  #freeze(environment: Environment): void {
    this.#freezesLeft--
    const { lasts, missed } = drawFreeze(this.plan, this.#random)
    this.scheduler.note(`${environment.name} is frozen for ${lasts} ms`)
    environment.freeze(lasts, missed)
    const mended = lasts + this.#random.integer(0, CLOCK_MENDED_AFTER_MS)
    this.scheduler.after(mended, null, `the clock of ${environment.name} is set`, () => {
      environment.setClock(0)
    })
  }

  /**
   * Another history takes the place of this one: either a longer one, so that none of its numbers is free, or any one
   * while everybody is frozen for so long that the bucket would refuse what they signed before.
   */
  #replace(): void {
    const length = this.bucket.created.filter(({ key }) => key.startsWith('0000/')).length
    if (this.#random.chance(0.5)) {
      this.#fillAnew(length + this.#random.integer(1, 12))
      return
    }
    for (const environment of this.#environments) environment.freeze(ABSENCE_MS, 0)
    const count = this.#random.integer(1, length + 3)
    this.scheduler.after(ABSENCE_MS - 1_000, null, 'wiped in their absence', () => this.#fillAnew(count))
  }

  #fillAnew(count: number): void {
    this.scheduler.note('the prefix is wiped and filled again')
    this.bucket.wipe()
    this.#begin(count)
  }

  #heal(): void {
    for (const environment of this.#environments) {
      environment.setClock(0)
      environment.outage = null
    }
  }
}

/** Whether maintenance may end with that: the bucket could not be reached, or another run was faster. */
function mayFail(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (
    error.name === 'StoreError' || /was listed and is gone|was being created by another/.test(error.message)
  )
}

/** What is cleared away should end at once; a dead transaction that holds on is not waited for. */
async function someTurns(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
}
