import { startApiServer } from './api-server.ts'
import type { Brake } from './brake.ts'
import { createExtensionsApi, type ShutdownReason } from './extensions/extensions-api.ts'
import { launchFailure } from './extensions/external.ts'
import { answerTelemetry } from './extensions/telemetry-api.ts'
import type { Exit } from './function-process.ts'
import type { FunctionSpec } from './function-spec.ts'
import type { Host } from './hosted-process.ts'
import { createInstanceProcesses } from './instance-processes.ts'
import { FailedStart, type Failure } from './outcome.ts'
import type { Program } from './program.ts'
import { createRuntimeApi, type RuntimeInvocation } from './runtime-api.ts'
import type { StreamedResponse } from './streamed-response.ts'
import { environmentVariables, type InitializationType } from './variables.ts'

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

/**
 * Starts the extensions that `spec` has, and when they have registered the runtime. An `exit` event follows in any
 * case. Throws `FailedStart`, and as `startProcess` does.
 */
export async function startInstance(spec: FunctionSpec, options: InstanceOptions): Promise<RuntimeInstance> {
  const unable = spec.layers === null ? null : launchFailure(spec.layers)
  if (unable !== null) throw new FailedStart(unable)
  let initialised = false
  let initError: string | null = null
  let undelivered: RuntimeInvocation | null = null
  let isOver = false
  const emit = (event: RuntimeEvent) => {
    if (!isOver) options.emit(event)
    isOver ||= event.kind === 'exit'
  }

  const deliver = (invocation: RuntimeInvocation) => {
    runtime.deliver(invocation)
    extensions.announce(invocation)
  }
  let asked = 0
  const onNext = () => {
    const call = ++asked
    if (initialised) settle()
    else void registrationsRead().then(() => call === asked && settle())
  }
  const settle = () => {
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
  const external = spec.layers?.extensions.map(({ name }) => name) ?? []
  const extensions = createExtensionsApi(
    { functionName: spec.name, handler: spec.handler, external },
    {
      onNext,
      onRegistered: () => {
        processes.startRuntime().catch(({ message }: Error) => {
          processes.fail({ errorType: 'Runtime.ExitError', errorMessage: message })
        })
      },
      onError: (phase, name, type) => {
        const errorType = phase === 'init' && !initialised ? 'Extension.InitError' : 'Extension.ExitError'
        processes.fail({ errorType, errorMessage: `extension ${name} gave up: ${type}` })
      },
    },
  )
  const server = await startApiServer([runtime.answer, extensions.answer, answerTelemetry])
  const { program, shiftsClock = false } = options
  const processes = createInstanceProcesses(spec, {
    ...{ host: options, program, shiftsClock, extensions },
    variables: variablesOf(spec, options, server.address),
    onExit(exit) {
      server.close()
      emit({ kind: 'exit', exit })
    },
  })
  await processes.start().catch((error: Error) => {
    server.close()
    throw error
  })

  const { freeze, thaw, hold, release, stop, kill } = processes
  return {
    ...{ freeze, thaw, hold, release, stop, kill },
    get pid() {
      return processes.runtime?.child.pid ?? null
    },
    get inspector() {
      return processes.runtime?.inspector ?? null
    },
    get initError() {
      return initError
    },
    get extensionError() {
      return processes.failure
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
      thaw()
    },
    maxMemoryMb: () => processes.runtime?.child.maxMemoryMb() ?? null,
  }
}

function variablesOf(
  spec: FunctionSpec,
  { temporary, variables, logStream, initializationType }: InstanceOptions,
  runtimeApi: string,
): Record<string, string> {
  return environmentVariables({
    functionName: spec.name,
    memoryMb: spec.memoryMb,
    handler: spec.handler,
    taskRoot: spec.taskRoot,
    temporaryDirectory: temporary.path,
    layers: temporary.opt,
    runtimeApi,
    environment: { ...spec.environment, ...variables },
    path: process.env.PATH,
    logStream,
    initializationType,
  })
}

/** What an extension sent before the runtime asked came by a connection of its own: to be accepted, then to be read. */
async function registrationsRead(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
