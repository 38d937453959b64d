import { shutdownMs } from '../limits.ts'
import type { TemporaryStorage } from '../sandbox/temporary.ts'
import { type ApiServer, startApiServer } from './api-server.ts'
import { type Brake, createBrake } from './brake.ts'
import { createExtensionsApi } from './extensions-api.ts'
import type { FunctionSpec } from './function-spec.ts'
import type { InspectPorts } from './inspect-ports.ts'
import type { Failure } from './outcome.ts'
import { type Exit, type RuntimeCommand, type RuntimeProcess, startProcess } from './process.ts'
import type { Reaper } from './reaper.ts'
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
  /** The process is gone and its last line was read. Nothing follows. */
  | { readonly kind: 'exit'; readonly exit: Exit }

export interface InstanceOptions {
  readonly temporary: TemporaryStorage
  readonly compileCache: string
  readonly logStream: string
  readonly initializationType: InitializationType
  readonly reaper: Reaper
  readonly inspectPorts: InspectPorts
  /** In place of the simulator's own; null for that. */
  readonly runtime: RuntimeCommand | null
  /** Go over the function's own. */
  readonly variables?: Readonly<Record<string, string>>
  readonly shiftsClock?: boolean
  onLine(line: string): void
  /** A debugger can be attached there. */
  onInspector(url: string): void
  emit(event: RuntimeEvent): void
}

/** The runtime of an environment from its start to its exit: the process and the APIs it talks to. */
export interface RuntimeInstance extends Brake {
  readonly pid: number | null
  /** `ws://…` for a debugger; null until there is one. */
  readonly inspector: string | null
  /** JSON, as the runtime sent it to `init/error`. */
  readonly initError: string | null
  /** What an extension gave as the reason for giving up. */
  readonly extensionError: Failure | null
  /** Whether every extension has asked for its next event. */
  readonly extensionsDone: boolean
  /** Thaws it, and answers its pending `next`. */
  deliver(invocation: RuntimeInvocation): void
  /** Ends it as Lambda does: at once without an extension, else by SIGTERM and SIGKILL 500 ms later. */
  stop(): void
  kill(): void
  maxMemoryMb(): number | null
}

/** Starts a runtime for `spec`. An `exit` event follows in any case. */
export async function startInstance(spec: FunctionSpec, options: InstanceOptions): Promise<RuntimeInstance> {
  const { reaper, inspectPorts } = options
  let over = false
  const emit = (event: RuntimeEvent) => {
    if (!over) options.emit(event)
    over ||= event.kind === 'exit'
  }
  let initialised = false
  let initError: string | null = null
  let extensionError: Failure | null = null
  let stopTimer: NodeJS.Timeout | undefined
  let undelivered: RuntimeInvocation | null = null
  let inspector: string | null = null

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
  const extensions = createExtensionsApi(
    { functionName: spec.name, handler: spec.handler },
    {
      onNext,
      onError: (phase, type) => {
        const errorType = phase === 'init' && !initialised ? 'Extension.InitError' : 'Extension.ExitError'
        extensionError = { errorType, errorMessage: `an extension gave up: ${type}` }
        child.kill()
      },
    },
  )
  const server = await startApiServer([runtime.answer, extensions.answer])
  const inspectPort = spec.inspected ? await inspectPorts.take() : null
  const child = startOrClose(spec, options, server, inspectPort)
  const { pid } = child
  if (pid !== null) reaper.guard(pid)
  void child.inspector.then((url) => {
    inspector = url
    if (url !== null) options.onInspector(url)
  })
  void child.exited.then((exit) => {
    clearTimeout(stopTimer)
    if (inspectPort !== null) inspectPorts.giveBack(inspectPort)
    server.close()
    if (pid !== null) reaper.release(pid)
    emit({ kind: 'exit', exit })
  })

  const brake = createBrake(child)
  return {
    ...brake,
    pid,
    get inspector() {
      return inspector
    },
    get initError() {
      return initError
    },
    get extensionError() {
      return extensionError
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
    stop() {
      if (extensions.count === 0) {
        child.kill()
        return
      }
      if (stopTimer !== undefined) return
      child.signal('SIGTERM')
      brake.thaw()
      stopTimer = setTimeout(() => child.kill(), shutdownMs)
    },
    kill: () => child.kill(),
    maxMemoryMb: () => child.maxMemoryMb(),
  }
}

/** Variables may be such that the system takes none of them. */
function startOrClose(...[spec, options, server, inspectPort]: Parameters<typeof start>): RuntimeProcess {
  try {
    return start(spec, options, server, inspectPort)
  } catch (error) {
    server.close()
    throw error
  }
}

function start(
  spec: FunctionSpec,
  options: InstanceOptions,
  server: ApiServer,
  inspectPort: number | null,
): RuntimeProcess {
  const variables = environmentVariables({
    functionName: spec.name,
    memoryMb: spec.memoryMb,
    handler: spec.handler,
    taskRoot: spec.taskRoot,
    temporaryDirectory: options.temporary.path,
    runtimeApi: server.address,
    environment: { ...spec.environment, ...options.variables },
    path: process.env.PATH,
    logStream: options.logStream,
    initializationType: options.initializationType,
  })
  const { taskRoot, memoryMb, temporaryMb, sourceMaps } = spec
  const { compileCache, temporary, runtime, shiftsClock = false, onLine } = options
  return startProcess({
    ...{ taskRoot, variables, compileCache, temporary, temporaryMb, memoryMb, sourceMaps, runtime, onLine },
    ...{ shiftsClock },
    ...(inspectPort === null ? {} : { inspectPort }),
  })
}

/** What an extension sent before the runtime asked came by a connection of its own: to be accepted, then to be read. */
async function registrationsRead(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
