import { LocalError } from '../errors.ts'
import type { Environment, EnvironmentState, FunctionSpec, Work } from './environment.ts'
import type { Outcome } from './outcome.ts'

/** What can be seen of an environment from outside. */
export interface EnvironmentInfo {
  /** `api#3`: the function and a number that no other environment of the simulator has. */
  readonly id: string
  readonly functionName: string
  /** Null until the process is there. */
  readonly pid: number | null
  readonly state: EnvironmentState
}

export interface PoolOptions {
  /** How many environments there may be at once, of all functions together. */
  readonly maxEnvironments: number
  start(spec: FunctionSpec, id: string): Environment
}

/** The environments of all functions: reused when idle, more of them when requests come at once. */
export class Pool {
  readonly #options: PoolOptions
  /** The one that was used last comes last. */
  readonly #environments = new Set<Environment>()
  #started = 0
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  list(): EnvironmentInfo[] {
    return [...this.#environments].map(({ id, spec, pid, state }) => ({
      id,
      functionName: spec.name,
      pid,
      state,
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
    const chosen = [...this.#environments].filter((environment) => id === undefined || environment.id === id)
    if (id !== undefined && chosen.length === 0) {
      throw new LocalError(
        'ENVIRONMENT_UNKNOWN',
        `there is no environment '${id}'; it may have ended already`,
      )
    }
    await Promise.all(chosen.map((environment) => environment.end('killed')))
  }

  /**
   * Lets no environment of now take another invocation, because their code has changed. For each function of
   * `specs` that had one, another is started: whatever is wrong with the new code shows at once.
   */
  replace(specs: readonly FunctionSpec[]): void {
    const names = new Set([...this.#environments].map((environment) => environment.spec.name))
    for (const environment of this.#environments) environment.retire()
    for (const spec of specs) {
      if (names.has(spec.name) && this.#living().length < this.#options.maxEnvironments) this.#start(spec)
    }
  }

  /** Kills every environment. Invocations under way are rejected with `CLOSED`. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#environments].map((environment) => environment.end('closed')))
  }

  #take(spec: FunctionSpec): Environment {
    if (this.#closed) throw new LocalError('CLOSED', 'the simulator is closed')
    const living = this.#living()
    const free = living.filter((environment) => environment.free)
    const own = free.filter((environment) => environment.spec === spec)
    // Idle before starting; of the idle ones the one used last, so that the others can age.
    const chosen = own.findLast((environment) => environment.state === 'idle') ?? own[0]
    if (chosen !== undefined) return chosen
    if (
      spec.concurrency !== null &&
      living.filter((one) => one.spec.name === spec.name).length >= spec.concurrency
    ) {
      throw new LocalError(
        'TOO_MANY_REQUESTS',
        `all environments of '${spec.name}' are busy, and its concurrency is ${spec.concurrency}`,
      )
    }
    if (living.length < this.#options.maxEnvironments) return this.#start(spec)
    const oldest = free.find((environment) => environment.state === 'idle')
    if (oldest === undefined) {
      throw new LocalError(
        'TOO_MANY_REQUESTS',
        `all ${this.#options.maxEnvironments} environments are busy; raise maxEnvironments for more at once`,
      )
    }
    void oldest.end('evicted')
    return this.#start(spec)
  }

  #living(): Environment[] {
    return [...this.#environments].filter((environment) => environment.state !== 'dead')
  }

  #start(spec: FunctionSpec): Environment {
    const environment = this.#options.start(spec, `${spec.name}#${++this.#started}`)
    this.#environments.add(environment)
    void environment.ended.then(() => this.#environments.delete(environment))
    return environment
  }
}
