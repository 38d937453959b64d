import { storageFolders } from '../../sandbox/visible.ts'
import type { EnvironmentOptions, EnvironmentState } from '../environment-options.ts'
import type { Exit } from '../function-process.ts'
import type { FunctionSpec } from '../function-spec.ts'
import type { EnvironmentObserver } from '../observer.ts'
import { describeExit, type EndCause, type Failure } from '../outcome.ts'
import { runtimeFiles } from '../program.ts'
import { makeLogStream } from '../variables.ts'
import { startWebInstance, type WebInstance } from './web-instance.ts'
import { createWebReports, type WebReports } from './web-reports.ts'

export type WebEnvironmentOptions = Omit<EnvironmentOptions, 'provisioned' | 'program'>

/** A place in an environment, for one request. */
export interface Lease {
  readonly environmentId: string
  /** As CloudWatch has it, for the client. */
  readonly logStream: string
  /** Of the server, on loopback. */
  readonly port: number
  /** How long a request may take. */
  readonly timeoutMs: number
  /** How long the environment took to initialise, for its first request; null on a warm start. */
  readonly initMs: number | null
  /** Resolves when the process of the environment has ended, with what it ended of. */
  readonly broken: Promise<Failure>
  /** The answer has begun and is sent while it is made. */
  streaming(): void
  /** To be called once, when the request is over. `failure` is what Lambda ended it for. */
  release(failure: Failure | null): void
}

/** The environment did not initialise. */
export interface InitFailure {
  readonly environmentId: string
  readonly failure: Failure
}

/**
 * An execution environment of a Web Function: a temporary folder and a server, which has up to `requestsPerEnvironment`
 * requests at once. It runs on while it has none, and ends with its process.
 */
export class WebEnvironment {
  readonly id: string
  readonly spec: FunctionSpec
  readonly provisioned = false
  /** Resolves when the process has ended and everything of it is gone. */
  readonly ended: Promise<void>
  readonly #options: WebEnvironmentOptions
  readonly #observer: EnvironmentObserver | null
  readonly #reports: WebReports
  readonly #logStream = makeLogStream(new Date())
  /** The server, or why there is none; null when it was ended before. */
  readonly #started: Promise<WebInstance | Failure | null>
  readonly #broken = Promise.withResolvers<Failure>()
  #instance: WebInstance | null = null
  #isReady = false
  #isRetired = false
  #cause: EndCause | 'crashed' | null = null
  /** Requests that it has, those included that wait for its start. */
  #open = 0
  #initMs: number | null = null
  #idleTimer: NodeJS.Timeout | undefined

  constructor(spec: FunctionSpec, options: WebEnvironmentOptions) {
    this.id = options.id
    this.spec = spec
    this.#options = options
    this.#observer = options.observer ?? null
    this.#reports = createWebReports(options.id, spec, options.log)
    const starting = Promise.withResolvers<WebInstance | Failure | null>()
    this.#started = starting.promise
    this.ended = this.#live(starting.resolve)
  }

  get state(): EnvironmentState {
    if (this.#cause !== null) return 'dead'
    if (!this.#isReady) return 'starting'
    return this.#open > 0 ? 'busy' : 'idle'
  }

  get pid(): number | null {
    return this.#instance?.pid ?? null
  }

  /** `ws://…` for a debugger; null when there is none to attach to. */
  get inspector(): string | null {
    return this.#instance?.inspector ?? null
  }

  /** Whether it takes one more request. */
  get free(): boolean {
    return this.#cause === null && !this.#isRetired && this.#open < this.spec.requestsPerEnvironment
  }

  /** Whether it has nothing to do. */
  get idle(): boolean {
    return this.free && this.state === 'idle'
  }

  /**
   * Takes a place for a request, once it has started; only for a `free` environment. Null when it was ended before that.
   */
  async lease(requestId: string): Promise<Lease | InitFailure | null> {
    if (!this.free) throw new Error(`environment ${this.id} is not free`)
    this.#open++
    clearTimeout(this.#idleTimer)
    this.#observer?.assigned(requestId)
    const instance = await this.#started
    if (instance === null || this.#cause === 'killed' || this.#cause === 'closed') return null
    if ('errorType' in instance) return { environmentId: this.id, failure: instance }
    const initMs = this.#initMs
    this.#initMs = null
    const startedAt = performance.now()
    const { clock } = this.#observer?.deliver(requestId) ?? {}
    if (clock !== undefined) instance.shiftClock(clock)
    return {
      environmentId: this.id,
      logStream: this.#logStream,
      port: instance.port,
      timeoutMs: this.spec.timeoutMs,
      initMs,
      broken: this.#broken.promise,
      streaming: () => this.#observer?.streaming(requestId),
      release: (failure) => {
        const durationMs = performance.now() - startedAt
        this.#reports.ended({ requestId, durationMs, initMs, maxMemoryMb: instance.maxMemoryMb() }, failure)
        this.#observer?.finished(requestId)
        this.#open--
        if (this.#open === 0) this.#settle()
      },
    }
  }

  /** Ends it whatever it does: `killed` without warning, else with a signal first. */
  end(cause: EndCause): Promise<void> {
    this.#cause ??= cause
    clearTimeout(this.#idleTimer)
    if (cause === 'killed') this.#instance?.kill()
    else this.#instance?.stop()
    return this.ended
  }

  /** Takes no further request, and ends when it is done with those that it has. */
  retire(): Promise<void> {
    this.#isRetired = true
    if (this.#open === 0) void this.end('retired')
    return this.ended
  }

  /** Stops it in the middle of whatever it does; time goes on. */
  hold(): void {
    this.#instance?.hold()
  }

  release(): void {
    this.#instance?.release()
  }

  async #live(started: (instance: WebInstance | Failure | null) => void): Promise<void> {
    const { sandbox, temporaryDirectory, compileCache, reaper, inspectPorts } = this.#options
    const { temporaryMb, taskRoot, reads, environment } = this.spec
    const observer = this.#observer
    // Before there is a request to be assigned.
    observer?.starting()
    await using opened = new AsyncDisposableStack()
    try {
      const temporary = await sandbox.open({
        directory: temporaryDirectory,
        sizeMb: temporaryMb,
        opt: null,
        visible: [taskRoot, ...reads, compileCache, ...runtimeFiles, ...storageFolders(environment)],
      })
      opened.defer(() => temporary.close())
      const startedAt = performance.now()
      this.#instance = await startWebInstance(this.spec, {
        ...{ temporary, compileCache, reaper, inspectPorts },
        onLine: this.#reports.printed,
        onInspector: (url) => this.#reports.said(`a debugger can be attached: ${url}`),
        ...(observer !== null && { variables: observer.variables, shiftsClock: true }),
      })
      // Told to end while there was nothing to be told yet.
      if (this.#cause !== null) this.#instance.kill()
      const failure = await this.#initialise(this.#instance, startedAt)
      observer?.started()
      started(failure ?? (this.#isReady ? this.#instance : null))
      if (this.#open === 0) this.#settle()
      this.#end(await this.#instance.exited)
    } catch (error) {
      this.#cause ??= 'crashed'
      const failure = { errorType: 'Runtime.ExitError', errorMessage: (error as Error).message }
      this.#reports.said(failure.errorMessage)
      started(failure)
    } finally {
      observer?.ended()
    }
  }

  /** Waits until the server listens. Null when it does, and when it was ended before. */
  async #initialise(instance: WebInstance, startedAt: number): Promise<Failure | null> {
    const { initTimeoutMs } = this.spec
    const listens = await instance.listens(startedAt + initTimeoutMs)
    if (this.#cause !== null) return null
    const initMs = performance.now() - startedAt
    let failure: Failure | null = null
    if (!listens) {
      this.#cause = 'crashed'
      instance.kill()
      const exit = await instance.exited
      failure =
        initMs < initTimeoutMs
          ? { errorType: 'Application.InitCodeError', errorMessage: describeExit(exit) }
          : { errorType: 'Runtime.InitTimeout', errorMessage: notListening(instance.port, initTimeoutMs) }
    }
    this.#isReady = listens
    this.#initMs = initMs
    this.#reports.initialised(initMs, failure)
    return failure
  }

  /** Its process is gone. */
  #end(exit: Exit): void {
    clearTimeout(this.#idleTimer)
    if (this.#cause === null) this.#reports.said(describeExit(exit))
    this.#cause ??= 'crashed'
    const errorType = exit.outOfMemory ? 'Runtime.OutOfMemory' : 'Runtime.ExitError'
    this.#broken.resolve({ errorType, errorMessage: describeExit(exit) })
  }

  /** Nothing is under way any more. */
  #settle(): void {
    if (!this.#isReady || this.#cause !== null) return
    if (this.#isRetired) {
      void this.end('retired')
      return
    }
    if (this.spec.inspected) return
    const { idleMs } = this.#options
    // What a timer cannot wait for is for ever: 24 days.
    if (idleMs < 2 ** 31) this.#idleTimer = setTimeout(() => void this.end('idle'), idleMs)
  }
}

function notListening(port: number, limitMs: number): string {
  return `nothing listens at AWS_LAMBDA_HTTP_ENDPOINT (127.0.0.1:${port}) after ${limitMs / 1000} s`
}
