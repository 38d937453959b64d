import type { SeededRandom } from '@thaw/testing'
import type { Environment } from './environment.ts'
import { drawFreeze, drawOutage, type Fault, type Plan } from './plan.ts'
import type { Scheduler } from './scheduler.ts'

/** The bucket still accepts what is signed by such a clock. */
const CLOCK_STEP_MS = 10 * 60_000
const CLOCK_MENDED_AFTER_MS = 20 * 60_000
/** A store tries again by itself unless it is asked to put: fewer of the other failures come through. */
const READ_FAULTS = 0.4

/** To what disasters happen. */
export interface Stricken {
  readonly plan: Plan
  readonly scheduler: Scheduler
  readonly random: SeededRandom
  readonly environments: readonly Environment[]
  kill(environment: Environment): void
}

/** Faults of requests, outages, freezes, kills and clocks that are set: as many as the plan says, until it heals. */
export class Disasters {
  readonly #world: Stricken
  readonly #started: number
  #killsLeft: number
  #freezesLeft: number
  #faultsLeft: number

  constructor(world: Stricken) {
    const { plan, scheduler } = world
    this.#world = world
    this.#started = scheduler.now
    this.#killsLeft = plan.kills
    this.#freezesLeft = plan.freezes
    this.#faultsLeft = plan.mostFaults
  }

  get #stormy(): boolean {
    return this.#world.scheduler.now - this.#started < this.#world.plan.healsAfterMs
  }

  /** What befalls a request; null for nothing. */
  fault(environment: Environment, operation: string): Fault | null {
    // Around a put it matters most.
    const unrest = operation === 'put' ? 6 * this.#world.plan.unrest : this.#world.plan.unrest
    if (this.#world.random.chance(unrest)) this.disturbSoon(environment, 40)
    const { outage } = environment
    if (outage && this.#world.scheduler.now < outage.until && !(outage.putsOnly && operation !== 'put'))
      return outage.fault
    if (!this.#stormy || this.#faultsLeft === 0) return null
    let left = this.#world.random.next() / (operation === 'put' ? 1 : READ_FAULTS)
    const fault = this.#world.plan.faults.find(([, chance]) => {
      left -= chance
      return left < 0
    })?.[0]
    if (fault) this.#faultsLeft--
    return fault ?? null
  }

  /** Trouble comes when an environment is about to do something about a fault. */
  afterFault(environment: Environment): void {
    if (this.#world.random.chance(this.#world.plan.disturbance)) this.disturbSoon(environment, 20)
  }

  /** Freezes or kills it in a moment, if that is still to happen to anybody. */
  disturbSoon(environment: Environment, withinMs: number): void {
    const disturb = () => this.#disturb(environment)
    this.#world.scheduler.after(
      this.#world.random.integer(0, withinMs),
      null,
      `${environment.name} is disturbed`,
      disturb,
    )
  }

  /** Sets a time for what comes by itself. */
  begin(): void {
    const { plan, scheduler } = this.#world
    const later = (ms: number, label: string, run: () => void) =>
      scheduler.after(this.#world.random.integer(0, ms), null, label, run)
    // The others come when there are faults.
    const atOnce = plan.scenario === 'retention' ? 0 : (plan.kills + plan.freezes) / 2
    for (let i = 0; i < atOnce; i++) {
      later(1_500, 'disaster', () => {
        const busy = this.#world.environments.filter(({ dead, tasks }) => !dead && tasks > 0)
        if (busy.length > 0) this.#disturb(this.#world.random.pick(busy))
      })
    }
    for (let i = 0; i < plan.outages; i++) {
      later(3_000, 'outage', () => {
        const environment = this.#world.random.pick(this.#world.environments)
        const outage = drawOutage(this.#world.random)
        scheduler.note(`${environment.name} will meet ${outage.fault} for ${outage.lastsMs} ms`)
        environment.outage = { ...outage, until: scheduler.now + outage.lastsMs }
      })
    }
    this.#planClocks()
    for (const environment of this.#world.environments) {
      if (!this.#world.random.chance(0.2)) continue
      later(5_000, `the clock of ${environment.name} is set`, () => environment.setClock(0))
    }
  }

  #planClocks(): void {
    const { plan, scheduler, environments } = this.#world
    const random = this.#world.random.fork('clocks')
    for (let i = 0; i < plan.clockSteps; i++) {
      scheduler.after(random.integer(0, 3_000), null, 'a clock is set', () => {
        if (this.#stormy) random.pick(environments).setClock(random.integer(-CLOCK_STEP_MS, CLOCK_STEP_MS))
      })
    }
  }

  #disturb(environment: Environment): void {
    if (environment.dead || !this.#stormy) return
    if (this.#killsLeft > 0 && this.#world.random.chance(0.5)) {
      this.#killsLeft--
      this.#world.kill(environment)
    } else if (this.#freezesLeft > 0 && environment.frozenUntil <= this.#world.scheduler.now)
      this.#freeze(environment)
  }

  #freeze(environment: Environment): void {
    this.#freezesLeft--
    const { lasts, missed } = drawFreeze(this.#world.plan, this.#world.random)
    this.#world.scheduler.note(`${environment.name} is frozen for ${lasts} ms`)
    environment.freeze(lasts, missed)
    const mended = lasts + this.#world.random.integer(0, CLOCK_MENDED_AFTER_MS)
    this.#world.scheduler.after(mended, null, `the clock of ${environment.name} is set`, () => {
      environment.setClock(0)
    })
  }

  /** From now on all is well. */
  heal(): void {
    for (const environment of this.#world.environments) {
      environment.setClock(0)
      environment.outage = null
    }
  }
}
