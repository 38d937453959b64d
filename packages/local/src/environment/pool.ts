import { LocalError } from '../errors.ts'
import type { Environment } from './environment.ts'
import type { EnvironmentState } from './environment-options.ts'
import type { FunctionSpec } from './function-spec.ts'
import type { Work } from './invocation.ts'
import type { Outcome } from './outcome.ts'
import type { InitFailure, Lease, WebEnvironment } from './web/web-environment.ts'

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
  /** `ws://…` for a debugger; null where none can be attached. */
  readonly inspector: string | null
}

export interface PoolOptions {
  /** How many environments there may be at once, of all functions together. */
  readonly maxEnvironments: number
  start(spec: FunctionSpec, id: string, provisioned: boolean): Environment
  /** For a function that has more than one request at once in an environment. */
  startWeb(spec: FunctionSpec, id: string): WebEnvironment
}

/** What both kinds of environments have. */
type AnyEnvironment = Environment | WebEnvironment

/**
 * Which of a function's environments takes a request: one that can begin with it at once. A busy one that is free has
 * given its answer and is about to ask for more.
 */
const ranks: Readonly<Record<EnvironmentState, number>> = {
  frozen: 0,
  idle: 0,
  busy: 0,
  reset: 2,
  starting: 4,
  dead: 6,
}

/** Throws `LocalError` `FUNCTION_IS_WEB`. */
export function checkTakesEvents({ name, requestsPerEnvironment }: FunctionSpec): void {
  if (requestsPerEnvironment <= 1) return
  const message = `'${name}' is a Web Function, which takes no events: send an HTTP request`
  throw new LocalError('FUNCTION_IS_WEB', message)
}

/** The environments of all functions: reused when idle, more of them when requests come at once. */
export class Pool {
  readonly #options: PoolOptions
  /** The one that was used last comes last. */
  readonly #environments = new Set<AnyEnvironment>()
  /** The functions whose provisioned concurrency is kept up. */
  #provisioned: readonly FunctionSpec[] = []
  #started = 0
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  list(): EnvironmentInfo[] {
    return [...this.#environments].map(({ id, spec, pid, state, provisioned, inspector }) => ({
      id,
      functionName: spec.name,
      pid,
      state,
      provisioned,
      inspector,
    }))
  }

  /**
   * Runs one invocation in an environment of its own for as long as it takes. Throws `LocalError`
   * `TOO_MANY_REQUESTS` when none is free and no more may be started, `CLOSED` after `close`, `FUNCTION_IS_WEB`.
   */
  async invoke(spec: FunctionSpec, work: Work): Promise<Outcome> {
    checkTakesEvents(spec)
    for (;;) {
      const environment = this.#use(spec) as Environment
      const outcome = await environment.invoke(work)
      if (outcome !== null && !this.#closed) return outcome
    }
  }

  /**
   * Takes a place for one request in an environment of a Web Function, once that has started. Throws as `invoke` does.
   */
  async lease(spec: FunctionSpec, requestId: string): Promise<Lease | InitFailure> {
    for (;;) {
      const environment = this.#use(spec) as WebEnvironment
      const lease = await environment.lease(requestId)
      if (lease !== null && !this.#closed) return lease
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
   * `specs` that had one, another is started: whatever is wrong with the new code shows at once. Where a debugger may be
   * attached that waits for those of before, whose port it gets.
   */
  replace(specs: readonly FunctionSpec[]): void {
    const before = Map.groupBy(this.#environments, (environment) => environment.spec.name)
    for (const environment of this.#environments) void environment.retire()
    this.provision(specs)
    for (const spec of specs) {
      const others = before.get(spec.name)
      if (spec.provisioned > 0 || others === undefined) continue
      if (spec.inspected) void this.#succeed(others, spec)
      else if (this.#hasRoom()) this.#start(spec, false)
    }
  }

  /** Shuts every environment down, whatever it does. Invocations under way are rejected with `CLOSED`. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#environments].map((environment) => environment.end('closed')))
  }

  /** Takes an environment and remembers that it was used last. */
  #use(spec: FunctionSpec): AnyEnvironment {
    const environment = this.#take(spec)
    this.#environments.delete(environment)
    this.#environments.add(environment)
    return environment
  }

  #find(id: string): AnyEnvironment {
    for (const environment of this.#environments) if (environment.id === id) return environment
    throw new LocalError('ENVIRONMENT_UNKNOWN', `there is no environment '${id}'; it may have ended already`)
  }

  #take(spec: FunctionSpec): AnyEnvironment {
    if (this.#closed) throw new LocalError('CLOSED', 'the simulator is closed')
    const { concurrency, name } = spec
    // Those with code of before count too while they work.
    const isBusy = (one: AnyEnvironment) => one.spec.name === name && !one.free
    if (concurrency !== null && this.#living().filter(isBusy).length >= concurrency) {
      throw new LocalError(
        'TOO_MANY_REQUESTS',
        `all environments of '${name}' are busy, and its concurrency is ${concurrency}`,
      )
    }
    const chosen = this.#choose(spec)
    if (chosen !== null) return chosen
    if (this.#hasRoom()) return this.#start(spec, false)
    const oldest = this.#living().find((one) => one.idle && !one.provisioned)
    if (oldest === undefined) {
      throw new LocalError(
        'TOO_MANY_REQUESTS',
        `all ${this.#options.maxEnvironments} environments are busy; raise maxEnvironments for more at once`,
      )
    }
    void oldest.retire()
    return this.#start(spec, false)
  }

  /** Starts an environment when these have ended, unless there is one by then. */
  async #succeed(others: readonly AnyEnvironment[], spec: FunctionSpec): Promise<void> {
    await Promise.all(others.map((environment) => environment.ended))
    const there = this.#living().some((environment) => environment.spec.name === spec.name)
    if (!this.#closed && !there && this.#hasRoom()) this.#start(spec, false)
  }

  /** Provisioned ones first; of several, the one that was used last, so that the others can age. */
  #choose(spec: FunctionSpec): AnyEnvironment | null {
    let best: AnyEnvironment | null = null
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

  #living(): AnyEnvironment[] {
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

  #start(spec: FunctionSpec, provisioned: boolean): AnyEnvironment {
    const id = `${spec.name}#${++this.#started}`
    const environment =
      spec.requestsPerEnvironment > 1
        ? this.#options.startWeb(spec, id)
        : this.#options.start(spec, id, provisioned)
    this.#environments.add(environment)
    void environment.ended.then(() => {
      this.#environments.delete(environment)
      if (!this.#closed) this.#fill()
    })
    return environment
  }
}
