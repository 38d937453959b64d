import { mkdir, rm } from 'node:fs/promises'
import { provisionedInitTimeoutMs } from '../limits.ts'
import type { Log } from '../log.ts'
import type { FunctionSpec } from './function-spec.ts'
import { Mailbox } from './mailbox.ts'
import {
  describeExit,
  type EndCause,
  exitFailure,
  type Failure,
  type Outcome,
  readFailure,
  timeoutFailure,
} from './outcome.ts'
import type { Reaper } from './reaper.ts'
import { createReports, type Reports } from './reports.ts'
import { type RuntimeEvent, type RuntimeInstance, startInstance } from './runtime-instance.ts'
import { makeLogStream } from './variables.ts'

export interface EnvironmentOptions {
  /** Unique within the simulator; opens every line of the log: `api#1`. */
  readonly id: string
  /** Of provisioned concurrency: initialised ahead of requests, and not ended for want of them. */
  readonly provisioned: boolean
  /** Becomes the environment's `/tmp`: made for it, removed with it. */
  readonly temporaryDirectory: string
  /** Folder for compiled modules, shared by all environments. */
  readonly compileCache: string
  /** After how long without work it is shut down. */
  readonly idleMs: number
  readonly reaper: Reaper
  readonly log: Log
}

/** One invocation to be done. */
export interface Work {
  readonly requestId: string
  /** JSON. */
  readonly event: string
  /** `Root=1-…`. */
  readonly traceId: string
}

export type EnvironmentState =
  | 'starting'
  /** Stopped until the next invocation. */
  | 'frozen'
  | 'busy'
  /** Its process has ended, and the next invocation starts another one in it. */
  | 'reset'
  | 'dead'

interface Slot {
  readonly work: Work
  readonly resolve: (outcome: Outcome | null) => void
}

/** What an invocation or an initialisation failed of; `payload` is what the caller is told, JSON. */
interface Failed {
  readonly failure: Failure
  readonly payload: string
}

/** The others only wake up: what has changed is in the environment's fields. */
type Happening = RuntimeEvent | { readonly kind: 'work' | 'end' }

/**
 * One execution environment: a temporary folder and a runtime, which is started anew in it after a crash or a
 * timeout. It takes one invocation at a time, is frozen between them, and ends once. What happens to it goes through
 * a mailbox, so that its life reads from top to bottom in `#live`.
 */
export class Environment {
  readonly id: string
  readonly spec: FunctionSpec
  readonly provisioned: boolean
  /** Resolves when the process has ended and everything of it is gone. */
  readonly ended: Promise<void>
  readonly #options: EnvironmentOptions
  readonly #reports: Reports
  readonly #mailbox = new Mailbox<Happening>()
  readonly #logStream = makeLogStream(new Date())
  #runtime: RuntimeInstance | null = null
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
    this.#options = options
    this.#reports = createReports(options.id, spec, options.log)
    this.ended = this.#live()
  }

  get state(): EnvironmentState {
    return this.#cause === null ? this.#state : 'dead'
  }

  get pid(): number | null {
    return this.#runtime?.pid ?? null
  }

  /** Whether it takes an invocation: now, or as soon as it has started or is done with the one before. */
  get free(): boolean {
    if (this.#cause !== null || this.#retired || this.#slot !== null) return false
    return this.#state !== 'busy' || this.#finishing
  }

  /**
   * Runs one invocation; only for a `free` environment. Null when the environment ended before it began with it: it
   * may go to another one then.
   */
  invoke(work: Work): Promise<Outcome | null> {
    if (!this.free) throw new Error(`environment ${this.id} is not free`)
    return new Promise((resolve) => {
      this.#slot = { work, resolve }
      this.#mailbox.put({ kind: 'work' })
    })
  }

  /** Ends it whatever it does: `killed` without warning, else with the signals that Lambda sends. */
  end(cause: EndCause): Promise<void> {
    if (cause === 'killed') this.#runtime?.kill()
    if (this.#cause === null) {
      this.#cause = cause
      if (cause !== 'killed') this.#runtime?.stop()
      this.#mailbox.put({ kind: 'end' })
    }
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
    this.#runtime?.hold()
  }

  release(): void {
    this.#runtime?.release()
  }

  async #live(): Promise<void> {
    await this.#initialise()
    while (this.#cause === null) {
      if (this.#slot !== null) await this.#serve(this.#slot)
      else if (this.#retired) this.#cause = 'retired'
      else await this.#rest()
    }
    this.#runtime?.stop()
    await this.#exited()
    this.#slot?.resolve(null)
    await rm(this.#options.temporaryDirectory, { recursive: true, force: true, maxRetries: 10 })
  }

  /** The initialisation ahead of any invocation. When it fails, the first invocation repeats it. */
  async #initialise(): Promise<void> {
    const { spec } = this
    const limitMs = this.provisioned ? Math.max(provisionedInitTimeoutMs, spec.timeoutMs) : spec.initTimeoutMs
    const startedAt = performance.now()
    const failed = await this.#start(startedAt + limitMs)
    if (this.#cause !== null) return
    const initMs = performance.now() - startedAt
    if (failed === null && !this.provisioned) this.#initMs = initMs
    else this.#reports.initialised('init', initMs, failed?.failure ?? null)
    this.#settle()
  }

  /** Waits for something to do. */
  async #rest(): Promise<void> {
    const deadline = this.provisioned ? null : performance.now() + this.#options.idleMs
    const happening = await this.#mailbox.next(deadline)
    if (happening === null) this.#cause = 'idle'
    if (happening?.kind !== 'exit') return
    this.#runtime = null
    if (this.#cause !== null) return
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
    const deadlineMs = Date.now() + this.spec.timeoutMs
    const answer: Answer = (payload, functionError, stream = null) => {
      const durationMs = performance.now() - startedAt
      resolve({ requestId, environmentId: this.id, payload, stream, functionError, durationMs, initMs })
    }
    const deadline = startedAt + this.spec.timeoutMs
    let failed = this.#runtime === null ? await this.#restart(requestId, deadline) : null
    this.#reports.started(requestId)
    if (failed === null) {
      this.#runtime?.deliver({ ...work, deadlineMs, functionArn: this.spec.arn })
      failed = await this.#follow(requestId, deadline, answer)
    }
    const durationMs = performance.now() - startedAt
    const maxMemoryMb = this.#runtime?.maxMemoryMb() ?? null
    this.#settle()
    if (failed !== null) answer(failed.payload, 'Unhandled')
    // What the function printed came through another pipe, which is read before this goes on.
    await new Promise((done) => setImmediate(done))
    if (failed !== null) this.#reports.said(failed.failure.errorMessage)
    this.#reports.ended({ requestId, durationMs, maxMemoryMb, initMs }, failed?.failure ?? null)
    if (failed !== null) await this.#recover()
  }

  /** Waits for what the runtime makes of an invocation. */
  async #follow(requestId: string, deadline: number, answer: Answer): Promise<Failed | null> {
    let broken: Failure | null = null
    for (;;) {
      const happening = await this.#mailbox.next(deadline)
      switch (happening?.kind) {
        case undefined:
          await this.#reset()
          return plainly(timeoutFailure(requestId, this.spec.timeoutMs))
        case 'answer':
          answer(happening.payload, happening.functionError)
          this.#finishing = this.#runtime?.extensionsDone === true
          break
        case 'stream':
          answer('', null, happening.response)
          break
        case 'streamed':
          broken = happening.failure
          this.#finishing = this.#runtime?.extensionsDone === true
          break
        case 'ready':
          return broken === null ? null : plainly(broken)
        case 'exit': {
          const failure = this.#runtime?.extensionError ?? exitFailure(requestId, happening.exit)
          this.#runtime = null
          return plainly(failure)
        }
      }
    }
  }

  /** "Suppressed init": the initialisation that is repeated, or belated, within an invocation and its time. */
  async #restart(requestId: string, deadline: number): Promise<Failed | null> {
    const startedAt = performance.now()
    const failed = await this.#start(deadline)
    if (failed === null) return null
    this.#reports.initialised('invoke', performance.now() - startedAt, failed.failure)
    if (failed.failure.errorType !== 'Sandbox.Timedout') return failed
    return plainly(timeoutFailure(requestId, this.spec.timeoutMs))
  }

  /** Starts a runtime and waits until it is ready. When it fails there is none. */
  async #start(deadline: number): Promise<Failed | null> {
    const startedAt = performance.now()
    const runtime = await this.#spawn().catch((error: Error) => error)
    if (runtime instanceof Error) {
      return plainly({ errorType: 'Runtime.ExitError', errorMessage: runtime.message })
    }
    this.#runtime = runtime
    // Ended meanwhile, when there was nothing to kill yet.
    if (this.#cause !== null) runtime.kill()
    for (;;) {
      const happening = await this.#mailbox.next(deadline)
      if (happening === null) {
        await this.#reset()
        const errorMessage = `it took longer than ${Math.round(deadline - startedAt) / 1000} s`
        return plainly({ errorType: 'Sandbox.Timedout', errorMessage })
      }
      if (happening.kind === 'ready') return null
      if (happening.kind !== 'exit') continue
      this.#runtime = null
      if (runtime.initError !== null) {
        return { failure: readFailure(runtime.initError), payload: runtime.initError }
      }
      const { exit } = happening
      const errorType = exit.outOfMemory ? 'Runtime.OutOfMemory' : 'Runtime.ExitError'
      return plainly(runtime.extensionError ?? { errorType, errorMessage: describeExit(exit) })
    }
  }

  async #spawn(): Promise<RuntimeInstance> {
    const { temporaryDirectory, compileCache, reaper } = this.#options
    await mkdir(temporaryDirectory, { recursive: true })
    return await startInstance(this.spec, {
      temporaryDirectory,
      compileCache,
      reaper,
      logStream: this.#logStream,
      initializationType: this.provisioned ? 'provisioned-concurrency' : 'on-demand',
      onLine: this.#reports.printed,
      emit: (event) => this.#mailbox.put(event),
    })
  }

  /** Nothing is under way any more: freezes the runtime, if there is one and no work waits. */
  #settle(): void {
    this.#finishing = false
    this.#state = this.#runtime === null ? 'reset' : 'frozen'
    if (this.#slot === null && this.#cause === null) this.#runtime?.freeze()
  }

  /** Provisioned concurrency has its environments initialised: this one again. */
  async #recover(): Promise<void> {
    this.#settle()
    if (this.provisioned && this.#runtime === null && this.#cause === null) await this.#initialise()
  }

  /** Kills the runtime; the environment stays, and its temporary folder. */
  async #reset(): Promise<void> {
    this.#runtime?.kill()
    await this.#exited()
  }

  async #exited(): Promise<void> {
    while (this.#runtime !== null) {
      const happening = await this.#mailbox.next(null)
      if (happening?.kind === 'exit') this.#runtime = null
    }
  }
}

type Answer = (payload: string, functionError: 'Unhandled' | null, stream?: Outcome['stream']) => void

function plainly(failure: Failure): Failed {
  return { failure, payload: JSON.stringify(failure) }
}
