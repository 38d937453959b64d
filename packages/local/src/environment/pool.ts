import { LocalError } from '../errors.ts'
import type { Environment, EnvironmentState, Work } from './environment.ts'
import type { FunctionSpec } from './function-spec.ts'
import type { Outcome } from './outcome.ts'

/** What can be seen of an environment from outside. */
export interface EnvironmentInfo {
  /** `api#3`: the function and a number that no other environment of the simulator has. */
  readonly id: string
  readonly functionName: string
  /** Null while there is no process. */
  readonly pid: number | null
  readonly state: EnvironmentState
  /** Of provisioned concurrency. */
  readonly provisioned: boolean
}

export interface PoolOptions {
  /** How many environments there may be at once, of all functions together. */
  readonly maxEnvironments: number
  start(spec: FunctionSpec, id: string, provisioned: boolean): Environment
}

/**
 * Which of a function's environments takes a request: one that can begin with it at once. A busy one that is free has
 * given its answer and is about to ask for more.
 */
const ranks: Readonly<Record<EnvironmentState, number>> = {
  frozen: 0,
  busy: 0,
  reset: 2,
  starting: 4,
  dead: 6,
}

/** The environments of all functions: reused when idle, more of them when requests come at once. */
export class Pool {
  readonly #options: PoolOptions
  /** The one that was used last comes last. */
  readonly #environments = new Set<Environment>()
  /** The functions whose provisioned concurrency is kept up. */
  #provisioned: readonly FunctionSpec[] = []
  #started = 0
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  list(): EnvironmentInfo[] {
    return [...this.#environments].map(({ id, spec, pid, state, provisioned }) => ({
      id,
      functionName: spec.name,
      pid,
      state,
      provisioned,
    }))
  }

  /**
   * Runs one invocation in an environment of its own for as long as it takes. Throws `LocalError`
   * `TOO_MANY_REQUESTS` when none is free and no more may be started, `CLOSED` after `close`.
   */
  async invoke(spec: FunctionSpec, work: Work): Promise<Outcome> {
    for (;;) {
      const environment = this.#take(spec)
      this.#environments.delete(environment)
      this.#environments.add(environment)
      const outcome = await environment.invoke(work)
      if (outcome !== null && !this.#closed) return outcome
    }
  }

  /** Kills one environment, or all, without warning. Resolves when they are gone. */
  async kill(id?: string): Promise<void> {
    const chosen = id === undefined ? [...this.#environments] : [this.#find(id)]
    await Promise.all(chosen.map((environment) => environment.end('killed')))
  }

  /** Shuts one environment down as Lambda does, after its request if it has one. Resolves when it is gone. */
  async shutDown(id: string): Promise<void> {
    await this.#find(id).retire()
  }

  /** Stops an environment in the middle of what it does, until `thaw`. Its time limits go on. */
  freeze(id: string): void {
    this.#find(id).hold()
  }

  thaw(id: string): void {
    this.#find(id).release()
  }

  /** Keeps as many environments initialised as these functions ask for, from now on. */
  provision(specs: readonly FunctionSpec[]): void {
    this.#provisioned = specs.filter((spec) => spec.provisioned > 0)
    this.#fill()
  }

  /**
   * Lets no environment of now take another invocation, because their code has changed. For each function of
   * `specs` that had one, another is started: whatever is wrong with the new code shows at once.
   */
  replace(specs: readonly FunctionSpec[]): void {
    const names = new Set([...this.#environments].map((environment) => environment.spec.name))
    for (const environment of this.#environments) void environment.retire()
    this.provision(specs)
    for (const spec of specs) {
      if (spec.provisioned === 0 && names.has(spec.name) && this.#hasRoom()) this.#start(spec, false)
    }
  }

  /** Shuts every environment down, whatever it does. Invocations under way are rejected with `CLOSED`. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#environments].map((environment) => environment.end('closed')))
  }

  #find(id: string): Environment {
    for (const environment of this.#environments) if (environment.id === id) return environment
    throw new LocalError('ENVIRONMENT_UNKNOWN', `there is no environment '${id}'; it may have ended already`)
  }

  #take(spec: FunctionSpec): Environment {
    if (this.#closed) throw new LocalError('CLOSED', 'the simulator is closed')
    const { concurrency, name } = spec
    // Those with code of before count too while they work.
    const isBusy = (one: Environment) => one.spec.name === name && !one.free
    if (concurrency !== null && this.#living().filter(isBusy).length >= concurrency) {
      throw new LocalError(
        'TOO_MANY_REQUESTS',
        `all environments of '${name}' are busy, and its concurrency is ${concurrency}`,
      )
    }
    const chosen = this.#choose(spec)
    if (chosen !== null) return chosen
    if (this.#hasRoom()) return this.#start(spec, false)
    const oldest = this.#living().find((one) => one.free && !one.provisioned && one.state !== 'starting')
    if (oldest === undefined) {
      throw new LocalError(
        'TOO_MANY_REQUESTS',
        `all ${this.#options.maxEnvironments} environments are busy; raise maxEnvironments for more at once`,
      )
    }
    void oldest.retire()
    return this.#start(spec, false)
  }

  /** Provisioned ones first; of several, the one that was used last, so that the others can age. */
  #choose(spec: FunctionSpec): Environment | null {
    let best: Environment | null = null
    let bestRank = Number.POSITIVE_INFINITY
    for (const environment of this.#environments) {
      if (environment.spec !== spec || !environment.free) continue
      const rank = ranks[environment.state] + (environment.provisioned ? 0 : 1)
      if (rank > bestRank) continue
      best = environment
      bestRank = rank
    }
    return best
  }

  #living(): Environment[] {
    return [...this.#environments].filter((environment) => environment.state !== 'dead')
  }

  #hasRoom(): boolean {
    return this.#living().length < this.#options.maxEnvironments
  }

  /** Starts what is missing of the provisioned environments. */
  #fill(): void {
    for (const spec of this.#provisioned) {
      const there = this.#living().filter((one) => one.provisioned && one.spec === spec).length
      for (let missing = spec.provisioned - there; missing > 0 && this.#hasRoom(); missing--) {
        this.#start(spec, true)
      }
    }
  }

  #start(spec: FunctionSpec, provisioned: boolean): Environment {
    const environment = this.#options.start(spec, `${spec.name}#${++this.#started}`, provisioned)
    this.#environments.add(environment)
    void environment.ended.then(() => {
      this.#environments.delete(environment)
      if (!this.#closed) this.#fill()
    })
    return environment
  }
}
