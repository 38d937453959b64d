import { type Brake, createBrake } from './brake.ts'
import type { ExtensionsApi, ShutdownReason } from './extensions/extensions-api.ts'
import { crashFailure, type ExternalExtension, startExternal } from './extensions/external.ts'
import type { Exit } from './function-process.ts'
import type { FunctionSpec } from './function-spec.ts'
import { type Host, type HostedProcess, startHosted } from './hosted-process.ts'
import type { Failure } from './outcome.ts'
import { createProcessSet } from './process-set.ts'
import type { Program } from './program.ts'
import { shutDown } from './shut-down.ts'
import { extensionVariables } from './variables.ts'

export interface InstanceProcessOptions {
  readonly host: Host
  readonly program: Program
  /** Of the runtime. */
  readonly variables: Readonly<Record<string, string>>
  readonly shiftsClock: boolean
  readonly extensions: Pick<ExtensionsApi, 'internal' | 'announceShutdown'>
  /** All are gone, and their last lines were read. `exit` is that of the runtime. Called once. */
  onExit(exit: Exit): void
}

/** The processes of one environment: a runtime and its external extensions, which end together. */
export interface InstanceProcesses extends Brake {
  /** Of the runtime; null before it has been started. */
  readonly runtime: HostedProcess | null
  /** Why all of them had to end; null when it was the runtime's own end, or nothing. */
  readonly failure: Failure | null
  /** Starts the extensions; the runtime at once when there are none. Throws as `startProcess` does. */
  start(): Promise<void>
  startRuntime(): Promise<void>
  /** Ends all of them for a reason; the first one counts. */
  fail(failure: Failure): void
  /** Ends all of them as Lambda does; see `shutDown`. */
  stop(reason: ShutdownReason): void
  kill(): void
}

/** Of a runtime that was never started. */
const notStarted: Exit = { code: null, signal: 'SIGKILL', error: null, outOfMemory: false }

export function createInstanceProcesses(
  spec: FunctionSpec,
  { host, program, variables, shiftsClock, extensions, onExit }: InstanceProcessOptions,
): InstanceProcesses {
  const processes = createProcessSet()
  const brake = createBrake(processes)
  let external: readonly ExternalExtension[] = []
  let runtime: HostedProcess | null = null
  let exit = notStarted
  let failure: Failure | null = null
  let isStarting = false
  let isEnding = false
  let isOver = false

  function stop(reason: ShutdownReason): void {
    if (isEnding) return
    isEnding = true
    const { thaw } = brake
    void shutDown({ runtime: runtime?.child ?? null, external, extensions, processes, reason, thaw })
  }

  function fail(why: Failure): void {
    if (!isEnding) failure = why
    stop('failure')
    endWhenGone()
  }

  function endWhenGone(): void {
    if (isOver || isStarting || processes.size > 0) return
    isOver = true
    onExit(exit)
  }

  async function startRuntime(): Promise<void> {
    if (isEnding) return
    isStarting = true
    try {
      const others = () => external.flatMap(({ child }) => child.pid ?? [])
      runtime = await startHosted(spec, host, { program, variables, shiftsClock, others })
    } finally {
      isStarting = false
    }
    const { child } = runtime
    processes.add(child)
    // Told to end while it was not there to be told.
    if (isEnding) child.kill()
    void child.exited.then((ended) => {
      exit = ended
      stop('failure')
      endWhenGone()
    })
  }

  return {
    ...brake,
    get runtime() {
      return runtime
    },
    get failure() {
      return failure
    },
    async start() {
      if (spec.layers !== null) {
        external = startExternal(spec.layers, { ...host, variables: extensionVariables(variables) })
      }
      for (const { name, child } of external) {
        processes.add(child)
        void child.exited.then((ended) => fail(crashFailure(name, ended)))
      }
      if (external.length === 0) await startRuntime()
    },
    startRuntime,
    fail,
    stop,
    kill() {
      isEnding = true
      processes.kill()
    },
  }
}
