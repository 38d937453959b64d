import { provisionedInitTimeoutMs } from '../limits.ts'
import type { EnvironmentOptions, EnvironmentState } from './environment-options.ts'
import type { FunctionSpec } from './function-spec.ts'
import { type Answer, type Place, runInvocation, type Work } from './invocation.ts'
import type { EnvironmentObserver } from './observer.ts'
import { describeExit, type EndCause, type Outcome } from './outcome.ts'
import { createReports, type Reports } from './reports.ts'
import { Supervisor } from './supervisor.ts'
import { makeLogStream } from './variables.ts'

interface Slot {
  readonly work: Work
  readonly resolve: (outcome: Outcome | null) => void
}

/**
 * One execution environment: a temporary folder and a runtime, which is started anew in it after a crash or a
 * timeout. It takes one invocation at a time, is frozen between them, and ends once: `#live` is its life, from top to
 * bottom.
 */
export class Environment {
  readonly id: string
  readonly spec: FunctionSpec
  readonly provisioned: boolean
  /** Resolves when the process has ended and everything of it is gone. */
  readonly ended: Promise<void>
  readonly #idleMs: number
  readonly #observer: EnvironmentObserver | null
  readonly #supervisor: Supervisor
  readonly #reports: Reports
  readonly #place: Place
  #state: EnvironmentState = 'starting'
  /** The invocation has been answered, but the runtime has not asked for the next one yet. */
  #finishing = false
  #retired = false
  #cause: EndCause | null = null
  /** The work to be done next. */
  #slot: Slot | null = null
  /** How long the initialisation took, until the first invocation has reported it. */
  #initMs: number | null = null

  constructor(spec: FunctionSpec, options: EnvironmentOptions) {
    this.id = options.id
    this.spec = spec
    this.provisioned = options.provisioned
    const stays = options.provisioned || spec.inspected
    this.#idleMs = stays ? Number.POSITIVE_INFINITY : options.idleMs
    this.#reports = createReports(options.id, spec, options.log)
    this.#observer = options.observer ?? null
    const { temporaryDirectory, sandbox, compileCache, reaper, inspectPorts, program } = options
    this.#supervisor = new Supervisor(spec, {
      temporaryDirectory,
      sandbox,
      compileCache,
      reaper,
      inspectPorts,
      program,
      logStream: makeLogStream(new Date()),
      initializationType: options.provisioned ? 'provisioned-concurrency' : 'on-demand',
      onLine: this.#reports.printed,
      onInspector: (url) => this.#reports.said(`a debugger can be attached: ${url}`),
      ...(options.observer !== undefined && { variables: options.observer.variables, shiftsClock: true }),
    })
    this.#place = {
      spec,
      supervisor: this.#supervisor,
      reports: this.#reports,
      observer: this.#observer,
      onAnswered: (isDone) => {
        this.#finishing = isDone
      },
    }
    this.ended = this.#live()
  }

  get state(): EnvironmentState {
    return this.#cause === null ? this.#state : 'dead'
  }

  get pid(): number | null {
    return this.#supervisor.runtime?.pid ?? null
  }

  /** `ws://…` for a debugger; null where none can be attached. */
  get inspector(): string | null {
    return this.#supervisor.runtime?.inspector ?? null
  }

  /** Whether it takes an invocation: now, or as soon as it has started or is done with the one before. */
  get free(): boolean {
    if (this.#cause !== null || this.#retired || this.#slot !== null) return false
    return this.#state !== 'busy' || this.#finishing
  }

  /** Whether it has nothing to do. */
  get idle(): boolean {
    return this.free && this.state !== 'starting'
  }

  /**
   * Runs one invocation; only for a `free` environment. Null when the environment ended before it began with it: it
   * may go to another one then.
   */
  invoke(work: Work): Promise<Outcome | null> {
    if (!this.free) throw new Error(`environment ${this.id} is not free`)
    this.#observer?.assigned(work.requestId)
    return new Promise((resolve) => {
      this.#slot = { work, resolve }
      this.#supervisor.wake()
    })
  }

  /** Ends it whatever it does: `killed` without warning, else with the signals that Lambda sends. */
  end(cause: EndCause): Promise<void> {
    this.#cause ??= cause
    this.#supervisor.end(cause !== 'killed')
    this.#supervisor.wake()
    return this.ended
  }

  /** Takes no further invocation, and ends when it is done with the one it has. */
  retire(): Promise<void> {
    this.#retired = true
    if (this.#slot === null && this.#state !== 'busy') void this.end('retired')
    return this.ended
  }

  /** Stops it in the middle of whatever it does; time goes on. */
  hold(): void {
    this.#supervisor.runtime?.hold()
  }

  release(): void {
    this.#supervisor.runtime?.release()
  }

  async #live(): Promise<void> {
    await this.#initialise()
    while (this.#cause === null) {
      if (this.#slot !== null) await this.#serve(this.#slot)
      else if (this.#retired) this.#cause = 'retired'
      else await this.#rest()
    }
    // Nobody has told it yet when the environment came to its end by itself.
    this.#supervisor.end(true)
    await this.#supervisor.exited()
    this.#slot?.resolve(null)
    this.#observer?.ended()
    await this.#supervisor.close().catch((error: Error) => {
      this.#reports.said(`its temporary files could not be removed: ${error.message}`)
    })
  }

  /** The initialisation ahead of any invocation. When it fails, the first invocation repeats it. */
  async #initialise(): Promise<void> {
    this.#state = 'starting'
    const { spec } = this
    const limitMs = this.provisioned ? Math.max(provisionedInitTimeoutMs, spec.timeoutMs) : spec.initTimeoutMs
    const startedAt = performance.now()
    this.#observer?.starting()
    const failed = await this.#supervisor.start(startedAt + limitMs)
    if (this.#cause !== null) return
    this.#observer?.started()
    const initMs = performance.now() - startedAt
    if (failed === null && !this.provisioned) this.#initMs = initMs
    else this.#reports.initialised('init', initMs, failed?.failure ?? null)
    this.#settle()
  }

  /** Waits for something to do. */
  async #rest(): Promise<void> {
    const happening = await this.#supervisor.next(performance.now() + this.#idleMs)
    if (happening === null) this.#cause = 'idle'
    if (happening?.kind !== 'exit' || this.#cause !== null) return
    this.#reports.said(`ended while idle: ${describeExit(happening.exit)}`)
    await this.#recover()
  }

  /** One invocation, from its start to the runtime's being ready for another. */
  async #serve({ work, resolve }: Slot): Promise<void> {
    const { requestId } = work
    this.#slot = null
    this.#state = 'busy'
    const initMs = this.#initMs
    this.#initMs = null
    const startedAt = performance.now()
    const { timeoutMs } = this.spec
    const times = { deadline: startedAt + timeoutMs, deadlineMs: Date.now() + timeoutMs }
    const answer: Answer = (payload, functionError, stream = null) => {
      const durationMs = performance.now() - startedAt
      resolve({ requestId, environmentId: this.id, payload, stream, functionError, durationMs, initMs })
    }
    const failed = await runInvocation(this.#place, work, times, answer)
    // What comes after its time is the end of its processes.
    const durationMs = Math.min(performance.now() - startedAt, timeoutMs)
    const maxMemoryMb = this.#supervisor.maxMemoryMb()
    this.#settle()
    this.#observer?.finished(requestId)
    if (failed !== null) answer(failed.payload, 'Unhandled')
    // What the function printed came through another pipe, which is read before this goes on.
    await new Promise((done) => setImmediate(done))
    if (failed !== null) this.#reports.said(failed.failure.errorMessage)
    this.#reports.ended({ requestId, durationMs, maxMemoryMb, initMs }, failed?.failure ?? null)
    if (failed !== null) await this.#recover()
  }

  /** Nothing is under way any more: freezes the runtime, if there is one and no work waits. */
  #settle(): void {
    this.#finishing = false
    this.#state = this.#supervisor.runtime === null ? 'reset' : 'frozen'
    if (this.#slot === null && this.#cause === null && !this.spec.inspected)
      this.#supervisor.runtime?.freeze()
  }

  /** Provisioned concurrency has its environments initialised: this one again. */
  async #recover(): Promise<void> {
    this.#settle()
    if (this.provisioned && this.#supervisor.runtime === null && this.#cause === null)
      await this.#initialise()
  }
}
