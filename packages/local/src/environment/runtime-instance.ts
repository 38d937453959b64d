import { shutdownMs } from '../limits.ts'
import type { TemporaryStorage } from '../sandbox/temporary.ts'
import { type ApiServer, startApiServer } from './api-server.ts'
import { createExtensionsApi } from './extensions-api.ts'
import type { FunctionSpec } from './function-spec.ts'
import type { Failure } from './outcome.ts'
import { type Exit, type RuntimeProcess, startProcess } from './process.ts'
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
  /** Go over the function's own. */
  readonly variables?: Readonly<Record<string, string>>
  readonly shiftsClock?: boolean
  onLine(line: string): void
  emit(event: RuntimeEvent): void
}

/** The runtime of an environment from its start to its exit: the process and the APIs it talks to. */
export interface RuntimeInstance {
  readonly pid: number | null
  /** JSON, as the runtime sent it to `init/error`. */
  readonly initError: string | null
  /** What an extension gave as the reason for giving up. */
  readonly extensionError: Failure | null
  /** Whether every extension has asked for its next event. */
  readonly extensionsDone: boolean
  /** Thaws it, and answers its pending `next`. */
  deliver(invocation: RuntimeInvocation): void
  /** Nothing of it runs until `thaw`, `deliver` or `stop`. */
  freeze(): void
  thaw(): void
  /** Stops it whatever it does, until `release`: also what is delivered meanwhile waits. */
  hold(): void
  release(): void
  /** Ends it as Lambda does: at once without an extension, else by SIGTERM and SIGKILL 500 ms later. */
  stop(): void
  kill(): void
  maxMemoryMb(): number | null
}

/** Starts a runtime for `spec`. An `exit` event follows in any case. */
export async function startInstance(spec: FunctionSpec, options: InstanceOptions): Promise<RuntimeInstance> {
  const { reaper } = options
  let over = false
  const emit = (event: RuntimeEvent) => {
    if (!over) options.emit(event)
    over ||= event.kind === 'exit'
  }
  let initialised = false
  let initError: string | null = null
  let extensionError: Failure | null = null
  let frozen = false
  let held = false
  let stopTimer: NodeJS.Timeout | undefined
  let undelivered: RuntimeInvocation | null = null

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
  const child = start(spec, options, server)
  const { pid } = child
  if (pid !== null) reaper.guard(pid)
  void child.exited.then((exit) => {
    clearTimeout(stopTimer)
    server.close()
    if (pid !== null) reaper.release(pid)
    emit({ kind: 'exit', exit })
  })

  const thaw = () => {
    if (frozen && !held) child.thaw()
    frozen = false
  }
  return {
    pid,
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
      thaw()
    },
    freeze() {
      if (!frozen && !held) child.freeze()
      frozen = true
    },
    thaw,
    hold() {
      if (!frozen && !held) child.freeze()
      held = true
    },
    release() {
      if (held && !frozen) child.thaw()
      held = false
    },
    stop() {
      if (extensions.count === 0) {
        child.kill()
        return
      }
      if (stopTimer !== undefined) return
      child.signal('SIGTERM')
      thaw()
      stopTimer = setTimeout(() => child.kill(), shutdownMs)
    },
    kill: () => child.kill(),
    maxMemoryMb: () => child.maxMemoryMb(),
  }
}

function start(spec: FunctionSpec, options: InstanceOptions, server: ApiServer): RuntimeProcess {
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
  const { taskRoot, memoryMb, temporaryMb } = spec
  const { compileCache, temporary, shiftsClock = false, onLine } = options
  return startProcess({
    taskRoot,
    variables,
    compileCache,
    temporary,
    temporaryMb,
    memoryMb,
    shiftsClock,
    onLine,
  })
}
