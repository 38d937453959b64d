import { join } from 'node:path'
import type { SeededRandom } from '@thaw/testing'
import type { MaintenancePolicy } from '../src/index.ts'
import { Bucket } from './bucket.ts'
import { Disasters } from './disasters.ts'
import { Environment } from './environment.ts'
import { type Operation, Violation } from './history.ts'
import { maintainOnce } from './maintenance.ts'
import { openIn } from './opening.ts'
import { drawAge, drawNewDatabase, makePlan, type Plan } from './plan.ts'
import { drawTarget, restoreOnce } from './restores.ts'
import { Scheduler } from './scheduler.ts'
import { makeChain } from './seed.ts'
import { judge } from './verdict.ts'
import { Client } from './workload.ts'

const HOUR = 3_600_000
const MAX_STEPS = 20_000
const ABSENCE_MS = 30 * 60_000
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
  readonly #environments: Environment[] = []
  readonly #generations: { tick: number; startsEmpty: boolean }[] = []
  /** What clients were given, and may take elsewhere. */
  readonly #bookmarks: string[] = []
  /** The transactions that were to be gone back to, by the environment that was to do that. */
  readonly #restores = new Map<string, number>()
  #lives = 0
  readonly #disasters: Disasters
  #failure: unknown = null

  constructor(
    random: SeededRandom,
    directory: string,
    options: { trace: boolean; ignoresConditions: boolean },
  ) {
    this.#random = random.fork('world')
    this.#directory = directory
    this.plan = makePlan(random.fork('plan'))
    this.scheduler = new Scheduler(random.fork('scheduler'), options.trace)
    this.bucket = new Bucket({
      scheduler: this.scheduler,
      random: random.fork('network'),
      fault: (environment, operation) => this.#disasters.fault(environment, operation),
      onFault: (environment) => this.#disasters.afterFault(environment),
      listed: this.plan.listed,
      ignoresConditions: options.ignoresConditions,
    })
    this.#disasters = new Disasters({
      plan: this.plan,
      scheduler: this.scheduler,
      random: this.#random,
      environments: this.#environments,
      kill: (environment) => this.#kill(environment),
    })
    this.scheduler.note(JSON.stringify(this.plan))
  }

  /** @throws Violation */
  async run(): Promise<void> {
    const { plan, scheduler } = this
    this.#begin(1)
    for (let i = 0; i < plan.environments; i++)
      this.#start(this.#newEnvironment(join(this.#directory, `tmp-${i}`)))
    this.#disasters.begin()
    this.#planWipe()
    this.#planMaintenance()
    this.#planRestores()
    await this.#settle()
    this.#disasters.heal()
    this.#start(this.#newEnvironment(join(this.#directory, 'tmp-last')), true)
    for (const environment of this.#living()) this.#spawn(environment, () => this.#verify(environment))
    await this.#settle()
    scheduler.note('check')
    await judge({
      bucket: this.bucket,
      operations: this.operations,
      generations: this.#generations,
      restores: this.#restores,
      maintenance: plan.maintenance,
      directory: this.#directory,
    })
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

  async #settle(): Promise<void> {
    const ended = await this.scheduler.run(MAX_STEPS)
    if (this.#failure) throw this.#failure
    if (!ended) throw new Violation(`no end after ${MAX_STEPS} steps`)
    const stuck = this.#environments.filter(({ dead, tasks }) => !dead && tasks > 0).map(({ name }) => name)
    if (stuck.length > 0) throw new Violation(`${stuck.join(' and ')} wait for what never comes`)
  }

  /** @param count how many transactions are there from the start, unless the plan says none */
  #begin(count: number): void {
    const { start } = this.plan
    const name = `g${this.#generations.length}`
    this.#generations.push({ tick: this.scheduler.tick(), startsEmpty: start === 'nothing' })
    if (start === 'nothing') return
    const now = this.scheduler.now + this.#generations.length // no two begin with the same bytes
    this.bucket.fill(makeChain(this.#directory, name, count, start, now), name)
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
      gathers: this.plan.gathers && this.#random.fork(`${name} gathers`).chance(0.6),
    })
    this.#environments.push(environment)
    return environment
  }

  #start(environment: Environment, last = false): void {
    const { plan } = this
    this.#spawn(environment, async () => {
      const store = this.bucket.connect(environment)
      await openIn(environment, store, plan, this.#random.fork(environment.name))
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

  #planWipe(): void {
    if (this.plan.scenario !== 'wipe') return
    const { scheduler } = this
    scheduler.after(this.#random.integer(0, 1_500), null, 'the prefix will be wiped', () => this.#replace())
  }

  #planMaintenance(): void {
    const { maintenance } = this.plan
    if (!maintenance) return
    const { runs, everyMs, runners, policy } = maintenance
    for (let run = 1; run <= runs; run++) {
      for (let runner = 0; runner < runners; runner++) {
        const soon = this.#random.integer(0, 2_000)
        const begin = () => this.#beginMaintenance(policy)
        this.scheduler.after(run * everyMs + soon, null, 'maintenance is due', begin)
      }
    }
  }

  /** In a process of its own, or in one that works with the database as well. */
  #beginMaintenance(policy: MaintenancePolicy): void {
    const living = this.#living()
    const environment =
      living.length > 0 && this.#random.chance(0.3)
        ? this.#random.pick(living)
        : this.#newEnvironment(join(this.#directory, 'maintenance'), 'maintenance')
    this.#spawn(environment, () => maintainOnce(environment, this.bucket, this.scheduler, policy))
    if (this.#random.chance(this.plan.disturbance)) this.#disasters.disturbSoon(environment, 600)
  }

  #planRestores(): void {
    const { plan, scheduler } = this
    const random = this.#random.fork('restores')
    for (let i = 0; i < plan.restores; i++) {
      const within = plan.scenario === 'retention' ? 3 * HOUR : random.pick([1_500, 10_000])
      scheduler.after(random.integer(0, within), null, 'an old state is wanted', () => this.#restore(random))
    }
  }

  /** In a process of its own, as an operator would. */
  #restore(random: SeededRandom): void {
    const to = drawTarget(random, this.bucket.created, this.#restores)
    if (to === null) return
    const environment = this.#newEnvironment(join(this.#directory, 'operator'), 'operator')
    this.#restores.set(environment.name, to)
    const { bucket, scheduler, operations } = this
    this.#spawn(environment, () => restoreOnce(environment, to, { bucket, scheduler, operations }))
    if (random.chance(this.plan.disturbance)) this.#disasters.disturbSoon(environment, 400)
  }

  #kill(environment: Environment): void {
    this.scheduler.note(`${environment.name} is killed`)
    const directory = `${environment.directory}+`
    environment.kill(directory)
    if (environment.role !== 'application') return // of maintenance there is another run
    const next = this.#newEnvironment(directory)
    this.scheduler.after(this.#random.integer(0, 200), null, `${next.name} begins`, () => this.#start(next))
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
}

/** What is cleared away should end at once; a dead transaction that holds on is not waited for. */
async function someTurns(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
}
