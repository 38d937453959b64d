import { type LineKind, type Log, reportLine } from '../log.ts'
import type { Sandbox, TemporaryStorage } from '../sandbox/temporary.ts'
import { storageFolders } from '../sandbox/visible.ts'
import { describeExit, type EndCause, failureOf, type Outcome, readFailure } from './outcome.ts'
import { type Exit, type RuntimeProcess, runtimeFiles, startProcess } from './process.ts'
import type { Reaper } from './reaper.ts'
import { type RuntimeApi, startRuntimeApi } from './runtime-api.ts'
import { environmentVariables } from './variables.ts'

/** What every environment of one function has in common. */
export interface FunctionSpec {
  readonly name: string
  readonly arn: string
  readonly memoryMb: number
  /** Size of `/tmp`. */
  readonly temporaryMb: number
  /** How many environments there may be; null: as many as the simulator has. */
  readonly concurrency: number | null
  readonly timeoutMs: number
  readonly initTimeoutMs: number
  /** Absolute folder of the function's code. */
  readonly taskRoot: string
  /** `src/api.handler`. */
  readonly handler: string
  readonly environment: Readonly<Record<string, string>>
}

export interface EnvironmentOptions {
  /** Unique within the simulator; opens every line of the log: `api#1`. */
  readonly id: string
  /** For the environment's `/tmp`: made for it, removed with it. */
  readonly temporaryDirectory: string
  readonly sandbox: Sandbox
  /** Folder for compiled modules, shared by all environments. */
  readonly compileCache: string
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

export type EnvironmentState = 'starting' | 'idle' | 'busy' | 'dead'

interface Slot {
  readonly work: Work
  readonly resolve: (outcome: Outcome | null) => void
  /** By the monotonic clock; null until the runtime has the event. */
  startedAt: number | null
}

type Status = { readonly name: 'error' | 'timeout'; readonly errorType: string }

/**
 * One execution environment: a process, its Runtime API and its temporary folder. It takes one invocation at a
 * time, and ends once: by itself or by `end`.
 */
export class Environment {
  readonly id: string
  readonly spec: FunctionSpec
  /** Resolves when the process has ended and everything of it is gone. */
  readonly ended: Promise<void>
  readonly #options: EnvironmentOptions
  #process: RuntimeProcess | null = null
  #api: RuntimeApi | null = null
  #temporary: TemporaryStorage | null = null
  #initialised = false
  #retired = false
  #gone = false
  #cause: EndCause | null = null
  #slot: Slot | null = null
  /** The runtime has asked for an invocation and has got none yet. */
  #asking = false
  #timer: NodeJS.Timeout | undefined
  #spawnedAt = performance.now()
  /** Until the first invocation has reported it. */
  #initMs: number | null = null
  /** What the runtime sent to `init/error`. */
  #initError: string | null = null

  constructor(spec: FunctionSpec, options: EnvironmentOptions) {
    this.id = options.id
    this.spec = spec
    this.#options = options
    this.ended = this.#live()
  }

  get state(): EnvironmentState {
    if (this.#gone || this.#cause !== null) return 'dead'
    if (!this.#initialised) return 'starting'
    return this.#slot === null ? 'idle' : 'busy'
  }

  get pid(): number | null {
    return this.#process?.pid ?? null
  }

  /** Whether it takes an invocation: now, or as soon as it has started. */
  get free(): boolean {
    return this.state !== 'dead' && this.#slot === null && !this.#retired
  }

  /**
   * Runs one invocation; only for a `free` environment. Null when the environment ended before the runtime had
   * seen the event: it may go to another one then.
   */
  invoke(work: Work): Promise<Outcome | null> {
    if (!this.free) throw new Error(`environment ${this.id} is not free`)
    return new Promise((resolve) => {
      this.#slot = { work, resolve, startedAt: null }
      if (this.#asking) this.#deliver(this.#slot)
    })
  }

  /** Kills the process without warning, whatever it does. */
  end(cause: EndCause): Promise<void> {
    if (this.state !== 'dead') {
      this.#cause = cause
      this.#process?.kill()
    }
    return this.ended
  }

  /** Takes no further invocation, and ends when it is done with the one it has. */
  retire(): void {
    this.#retired = true
    if (this.#slot === null) void this.end('retired')
  }

  async #live(): Promise<void> {
    const exit = await this.#run().catch(
      (error: Error): Exit => ({
        code: null,
        signal: null,
        error,
        outOfMemory: false,
      }),
    )
    clearTimeout(this.#timer)
    this.#gone = true
    this.#api?.close()
    if (this.pid !== null) this.#options.reaper.release(this.pid)
    this.#settle(exit)
    await this.#temporary?.close()
  }

  async #run(): Promise<Exit> {
    const { spec } = this
    const { temporaryDirectory, compileCache, reaper, sandbox } = this.#options
    const { memoryMb, temporaryMb, taskRoot } = spec
    const temporary = await sandbox.open({
      directory: temporaryDirectory,
      sizeMb: temporaryMb,
      visible: [taskRoot, compileCache, ...runtimeFiles, ...storageFolders(spec.environment)],
    })
    this.#temporary = temporary
    this.#api = await startRuntimeApi({
      onNext: () => this.#onNext(),
      onResponse: (body) => this.#onAnswer(body, null),
      onError: (body) => this.#onAnswer(body, 'Unhandled'),
      onInitError: (body) => {
        this.#initError = body
      },
    })
    if (this.#cause !== null) return { code: null, signal: 'SIGKILL', error: null, outOfMemory: false }
    const variables = environmentVariables({
      functionName: spec.name,
      memoryMb: spec.memoryMb,
      handler: spec.handler,
      taskRoot: spec.taskRoot,
      temporaryDirectory: temporary.path,
      runtimeApi: this.#api.address,
      environment: spec.environment,
      path: process.env.PATH,
      now: new Date(),
    })
    this.#spawnedAt = performance.now()
    const onLine = (line: string) => this.#log(line, 'function')
    const limits = { memoryMb, temporaryMb }
    this.#process = startProcess({ taskRoot, variables, compileCache, temporary, ...limits, onLine })
    if (this.pid !== null) reaper.guard(this.pid)
    this.#timer = setTimeout(() => void this.end('init-timeout'), spec.initTimeoutMs)
    return await this.#process.exited
  }

  #onNext(): void {
    if (!this.#initialised) {
      clearTimeout(this.#timer)
      this.#initialised = true
      this.#initMs = performance.now() - this.#spawnedAt
    }
    this.#asking = true
    if (this.#slot !== null) this.#deliver(this.#slot)
  }

  #deliver(slot: Slot): void {
    const { spec } = this
    this.#asking = false
    slot.startedAt = performance.now()
    this.#log(`START RequestId: ${slot.work.requestId} Version: $LATEST`, 'platform')
    this.#timer = setTimeout(() => void this.end('timeout'), spec.timeoutMs)
    const deadlineMs = Date.now() + spec.timeoutMs
    this.#api?.deliver({ ...slot.work, deadlineMs, functionArn: spec.arn })
  }

  #onAnswer(payload: string, functionError: 'Unhandled' | null): void {
    const slot = this.#slot
    if (slot === null || this.state === 'dead') return
    clearTimeout(this.#timer)
    this.#slot = null
    this.#finish(slot, payload, functionError, null)
    if (this.#retired) void this.end('retired')
  }

  /** The process has ended: tells whoever waits for it. */
  #settle(exit: Exit): void {
    const slot = this.#slot
    this.#slot = null
    const failedInit = !this.#initialised && (this.#cause === null || this.#cause === 'init-timeout')
    if (failedInit) this.#reportInit(exit)
    if (slot === null) {
      if (!failedInit && this.#cause === null)
        this.#log(`ended while idle: ${describeExit(exit)}`, 'simulator')
      return
    }
    // Killed or replaced before the runtime saw the event: it is still whole, another environment may take it.
    if (slot.startedAt === null && !failedInit) {
      slot.resolve(null)
      return
    }
    const limitMs = failedInit ? this.spec.initTimeoutMs : this.spec.timeoutMs
    const failure = failureOf(slot.work.requestId, exit, this.#cause, limitMs)
    const payload = this.#initError ?? JSON.stringify(failure)
    if (!failedInit) this.#log(failure.errorMessage, 'simulator')
    const name = failure.errorType === 'Sandbox.Timedout' ? 'timeout' : 'error'
    this.#finish(slot, payload, 'Unhandled', { name, errorType: failure.errorType })
  }

  #reportInit(exit: Exit): void {
    const ms = (performance.now() - this.#spawnedAt).toFixed(2)
    const timeout = this.#cause === 'init-timeout'
    const failure = timeout
      ? { errorType: '', errorMessage: `it took longer than ${this.spec.initTimeoutMs / 1000} s` }
      : this.#initError === null
        ? { errorType: 'Runtime.ExitError', errorMessage: describeExit(exit) }
        : readFailure(this.#initError)
    const status = timeout ? 'timeout' : `error\tError Type: ${failure.errorType}`
    this.#log(`INIT_REPORT Init Duration: ${ms} ms\tPhase: init\tStatus: ${status}`, 'platform')
    this.#log(`cannot initialise ${this.spec.handler}: ${failure.errorMessage}`, 'simulator')
  }

  #finish(slot: Slot, payload: string, functionError: 'Unhandled' | null, status: Status | null): void {
    const { requestId } = slot.work
    const durationMs = slot.startedAt === null ? 0 : performance.now() - slot.startedAt
    const initMs = this.#initMs
    this.#initMs = null
    slot.resolve({ requestId, environmentId: this.id, payload, functionError, durationMs, initMs })
    if (slot.startedAt === null) return
    const maxMemoryMb = this.#process?.maxMemoryMb() ?? null
    const { memoryMb } = this.spec
    // What the function printed came through another pipe, which is read before this runs.
    setImmediate(() => {
      this.#log(`END RequestId: ${requestId}`, 'platform')
      this.#log(reportLine({ requestId, durationMs, memoryMb, maxMemoryMb, initMs, status }), 'report')
    })
  }

  #log(line: string, kind: LineKind): void {
    this.#options.log(`${this.id} | ${line}`, kind)
  }
}
