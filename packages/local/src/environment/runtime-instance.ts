import { startApiServer } from './api-server.ts'
import { type Brake, createBrake } from './brake.ts'
import { createExtensionsApi, type ShutdownReason } from './extensions/extensions-api.ts'
import { crashFailure, type ExternalExtension, launchFailure, startExternal } from './extensions/external.ts'
import { answerTelemetry } from './extensions/telemetry-api.ts'
import type { Exit } from './function-process.ts'
import type { FunctionSpec } from './function-spec.ts'
import { type Host, type HostedProcess, startHosted } from './hosted-process.ts'
import { FailedStart, type Failure } from './outcome.ts'
import { createProcessSet } from './process-set.ts'
import type { Program } from './program.ts'
import { createRuntimeApi, type RuntimeInvocation } from './runtime-api.ts'
import { shutDown } from './shut-down.ts'
import type { StreamedResponse } from './streamed-response.ts'
import { environmentVariables, extensionVariables, type InitializationType } from './variables.ts'

/** What a runtime does, as its environment sees it. */
export type RuntimeEvent =
  /** The runtime and every extension have asked for the next event: initialised, or done with an invocation. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly payload: string; readonly functionError: 'Unhandled' | null }
  | { readonly kind: 'stream'; readonly response: StreamedResponse }
  | { readonly kind: 'streamed'; readonly failure: Failure | null }
  /** The processes are gone and their last lines were read. Nothing follows. */
  | { readonly kind: 'exit'; readonly exit: Exit }

export interface InstanceOptions extends Host {
  readonly logStream: string
  readonly initializationType: InitializationType
  readonly program: Program
  /** Go over the function's own. */
  readonly variables?: Readonly<Record<string, string>>
  readonly shiftsClock?: boolean
  emit(event: RuntimeEvent): void
}

/** The runtime of an environment, with its external extensions, from their start to their exit. */
export interface RuntimeInstance extends Brake {
  /** Of the runtime; null before it has been started. */
  readonly pid: number | null
  /** `ws://…` for a debugger; null until there is one. */
  readonly inspector: string | null
  /** JSON, as the runtime sent it to `init/error`. */
  readonly initError: string | null
  /** What an extension did to end all of it: it gave up, or ended by itself. */
  readonly extensionError: Failure | null
  /** External extensions that have not registered. */
  readonly unregistered: readonly string[]
  /** Whether every extension has asked for its next event. */
  readonly extensionsDone: boolean
  /** Thaws it, and answers its pending `next`. */
  deliver(invocation: RuntimeInvocation): void
  /** Ends it as Lambda does; see `shutDown`. */
  stop(reason: ShutdownReason): void
  kill(): void
  maxMemoryMb(): number | null
}

/** Of a runtime that was never started. */
const notStarted: Exit = { code: null, signal: 'SIGKILL', error: null, outOfMemory: false }

/**
 * Starts the extensions that `spec` has, and when they have registered the runtime. An `exit` event follows in any
 * case. Throws `FailedStart`, and as `startProcess` does.
 */
export async function startInstance(spec: FunctionSpec, options: InstanceOptions): Promise<RuntimeInstance> {
  const unable = spec.layers === null ? null : launchFailure(spec.layers)
  if (unable !== null) throw new FailedStart(unable)
  const processes = createProcessSet()
  const brake = createBrake(processes)
  let runtimeProcess: HostedProcess | null = null
  let external: readonly ExternalExtension[] = []
  let exit = notStarted
  let initialised = false
  let isStarting = false
  let isEnding = false
  let isOver = false
  let initError: string | null = null
  let extensionError: Failure | null = null
  let undelivered: RuntimeInvocation | null = null

  const emit = (event: RuntimeEvent) => {
    if (!isOver) options.emit(event)
    isOver ||= event.kind === 'exit'
  }
  const deliver = (invocation: RuntimeInvocation) => {
    runtime.deliver(invocation)
    extensions.announce(invocation)
  }
  const onNext = () => {
    if (!runtime.asking || !extensions.asking) return
    if (undelivered !== null) {
      deliver(undelivered)
      undelivered = null
      return
    }
    initialised = true
    extensions.closeRegistration()
    emit({ kind: 'ready' })
  }
  const runtime = createRuntimeApi({
    onNext,
    onResponse: (payload) => emit({ kind: 'answer', payload, functionError: null }),
    onError: (payload) => emit({ kind: 'answer', payload, functionError: 'Unhandled' }),
    onStream: (response) => emit({ kind: 'stream', response }),
    onStreamed: (failure) => emit({ kind: 'streamed', failure }),
    onInitError: (body) => {
      initError = body
    },
  })
  const extensions = createExtensionsApi(
    {
      functionName: spec.name,
      handler: spec.handler,
      external: spec.layers?.extensions.map(({ name }) => name) ?? [],
    },
    {
      onNext,
      onRegistered: () =>
        void startRuntime().catch((error: Error) => fail('Runtime.ExitError', error.message)),
      onError: (phase, name, type) => {
        const errorType = phase === 'init' && !initialised ? 'Extension.InitError' : 'Extension.ExitError'
        fail(errorType, `extension ${name} gave up: ${type}`)
      },
    },
  )
  const server = await startApiServer([runtime.answer, extensions.answer, answerTelemetry])
  const variables = environmentVariables({
    functionName: spec.name,
    memoryMb: spec.memoryMb,
    handler: spec.handler,
    taskRoot: spec.taskRoot,
    temporaryDirectory: options.temporary.path,
    layers: options.temporary.opt,
    runtimeApi: server.address,
    environment: { ...spec.environment, ...options.variables },
    path: process.env.PATH,
    logStream: options.logStream,
    initializationType: options.initializationType,
  })

  function stop(reason: ShutdownReason): void {
    if (isEnding) return
    isEnding = true
    const { thaw } = brake
    void shutDown({ runtime: runtimeProcess?.child ?? null, external, extensions, processes, reason, thaw })
  }

  /** The first failure is the one that counts. */
  function fail(errorType: string, errorMessage: string): void {
    if (isEnding) return
    extensionError = { errorType, errorMessage }
    stop('failure')
    endWhenGone()
  }

  function endWhenGone(): void {
    if (processes.size > 0 || isStarting) return
    server.close()
    emit({ kind: 'exit', exit })
  }

  async function startRuntime(): Promise<void> {
    if (isEnding) return
    isStarting = true
    try {
      const { program, shiftsClock = false } = options
      const others = () => external.flatMap(({ child }) => child.pid ?? [])
      runtimeProcess = await startHosted(spec, options, { program, variables, shiftsClock, others })
    } finally {
      isStarting = false
    }
    const { child } = runtimeProcess
    processes.add(child)
    // Told to end while it was not there to be told.
    if (isEnding) child.kill()
    void child.exited.then((ended) => {
      exit = ended
      stop('failure')
      endWhenGone()
    })
  }

  try {
    if (spec.layers !== null) {
      const { temporary, reaper, onLine } = options
      const own = extensionVariables(variables)
      external = startExternal(spec.layers, { temporary, variables: own, reaper, onLine })
    }
    for (const { name, child } of external) {
      processes.add(child)
      void child.exited.then((ended) => {
        const { errorType, errorMessage } = crashFailure(name, ended)
        fail(errorType, errorMessage)
        endWhenGone()
      })
    }
    if (external.length === 0) await startRuntime()
  } catch (error) {
    server.close()
    throw error
  }

  return {
    ...brake,
    get pid() {
      return runtimeProcess?.child.pid ?? null
    },
    get inspector() {
      return runtimeProcess?.inspector ?? null
    },
    get initError() {
      return initError
    },
    get extensionError() {
      return extensionError
    },
    get unregistered() {
      return extensions.unregistered
    },
    get extensionsDone() {
      return extensions.asking
    },
    deliver(invocation) {
      // First what it wakes up for: it finds that there, instead of waking up twice.
      if (runtime.asking) deliver(invocation)
      // Its connection is gone: it asks again, or its exit is about to be seen.
      else undelivered = invocation
      brake.thaw()
    },
    stop,
    kill() {
      isEnding = true
      processes.kill()
    },
    maxMemoryMb: () => runtimeProcess?.child.maxMemoryMb() ?? null,
  }
}
