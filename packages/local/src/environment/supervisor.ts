import type { Sandbox, TemporaryStorage } from '../sandbox/temporary.ts'
import { storageFolders } from '../sandbox/visible.ts'
import type { ShutdownReason } from './extensions/extensions-api.ts'
import type { FunctionSpec } from './function-spec.ts'
import { Mailbox } from './mailbox.ts'
import { describeExit, type Failed, FailedStart, plainly, readFailure } from './outcome.ts'
import { runtimeFiles } from './program.ts'
import {
  type InstanceOptions,
  type RuntimeEvent,
  type RuntimeInstance,
  startInstance,
} from './runtime-instance.ts'

export interface SupervisorOptions extends Omit<InstanceOptions, 'emit' | 'temporary'> {
  /** For `/tmp`. */
  readonly temporaryDirectory: string
  readonly sandbox: Sandbox
}

/** `wake` tells nothing but that something has changed elsewhere. */
export type Happening = RuntimeEvent | { readonly kind: 'wake' }

/**
 * Keeps the runtime of one environment, which there is none of at times. Everything that happens is asked for by
 * `next`, in order.
 */
export class Supervisor {
  readonly #spec: FunctionSpec
  readonly #options: SupervisorOptions
  readonly #mailbox = new Mailbox<Happening>()
  #runtime: RuntimeInstance | null = null
  /** Also after its exit. */
  #last: RuntimeInstance | null = null
  /** Made for the first runtime, kept for those that follow. */
  #temporary: TemporaryStorage | null = null
  #over = false

  constructor(spec: FunctionSpec, options: SupervisorOptions) {
    this.#spec = spec
    this.#options = options
  }

  /** Null until it has been started, and after its exit has been seen. */
  get runtime(): RuntimeInstance | null {
    return this.#runtime
  }

  /** What happens next; null when nothing does until `deadline`, by the monotonic clock. */
  async next(deadline: number): Promise<Happening | null> {
    const happening = await this.#mailbox.next(deadline)
    if (happening?.kind === 'exit') this.#runtime = null
    return happening
  }

  wake(): void {
    this.#mailbox.put({ kind: 'wake' })
  }

  /** Starts a runtime and waits until it is ready. When it fails there is none. */
  async start(deadline: number): Promise<Failed | null> {
    const startedAt = performance.now()
    const runtime = await this.#spawn().catch((error: Error) => error)
    this.#last = null
    if (runtime instanceof FailedStart) return plainly(runtime.failure)
    if (runtime instanceof Error) {
      return plainly({ errorType: 'Runtime.ExitError', errorMessage: runtime.message })
    }
    this.#runtime = runtime
    this.#last = runtime
    // Told to end while there was nothing to be told yet.
    if (this.#over) runtime.kill()
    for (;;) {
      const happening = await this.next(deadline)
      if (happening === null) {
        const { unregistered } = runtime
        await this.reset('timeout')
        const late = `it took longer than ${Math.round(deadline - startedAt) / 1000} s`
        const missing = unregistered.map(
          (name) => `, and extension ${name} has not registered under this name`,
        )
        return plainly({ errorType: 'Sandbox.Timedout', errorMessage: late + missing.join('') })
      }
      if (happening.kind === 'ready') return null
      if (happening.kind !== 'exit') continue
      if (runtime.initError !== null) {
        return { failure: readFailure(runtime.initError), payload: runtime.initError }
      }
      const { exit } = happening
      const errorType = exit.outOfMemory ? 'Runtime.OutOfMemory' : 'Runtime.ExitError'
      return plainly(runtime.extensionError ?? { errorType, errorMessage: describeExit(exit) })
    }
  }

  /** Ends the runtime as Lambda does; another may be started. */
  async reset(reason: ShutdownReason): Promise<void> {
    this.#runtime?.stop(reason)
    await this.exited()
  }

  /** Ends the runtime for good: without warning, or as Lambda does. */
  end(withWarning: boolean): void {
    this.#over = true
    if (withWarning) this.#runtime?.stop('spindown')
    else this.#runtime?.kill()
  }

  /** Of the runtime that there is, or was last. Null when the system does not tell. */
  maxMemoryMb(): number | null {
    return this.#last?.maxMemoryMb() ?? null
  }

  /** Resolves when there is no runtime any more. */
  async exited(): Promise<void> {
    while (this.#runtime !== null) await this.next(Number.POSITIVE_INFINITY)
  }

  /** Removes its `/tmp`; only when there is no runtime any more. */
  async close(): Promise<void> {
    await this.#temporary?.close()
  }

  async #spawn(): Promise<RuntimeInstance> {
    const { temporaryDirectory, sandbox, ...options } = this.#options
    const { temporaryMb, taskRoot, reads, environment, layers } = this.#spec
    this.#temporary ??= await sandbox.open({
      directory: temporaryDirectory,
      sizeMb: temporaryMb,
      opt: layers?.folder ?? null,
      visible: [taskRoot, ...reads, options.compileCache, ...runtimeFiles, ...storageFolders(environment)],
    })
    const temporary = this.#temporary
    const emit = (event: RuntimeEvent) => this.#mailbox.put(event)
    return await startInstance(this.#spec, { ...options, temporary, emit })
  }
}
