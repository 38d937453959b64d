import type { TemporaryStorage } from '../sandbox/temporary.ts'
import {
  type FunctionProcess,
  type FunctionProcessOptions,
  startFunctionProcess,
} from './function-process.ts'
import type { FunctionSpec } from './function-spec.ts'
import type { InspectPorts } from './inspect-ports.ts'
import type { Reaper } from './reaper.ts'

/** What the simulator has for the process of every environment. */
export interface Host {
  readonly temporary: TemporaryStorage
  /** Folder for compiled modules, shared by all environments. */
  readonly compileCache: string
  readonly reaper: Reaper
  /** Where the debuggers of functions that are `inspected` listen. */
  readonly inspectPorts: InspectPorts
  onLine(line: string): void
  /** A debugger can be attached there. */
  onInspector(url: string): void
}

export interface HostedProcess {
  readonly child: FunctionProcess
  /** `ws://…` for a debugger; null until there is one. */
  readonly inspector: string | null
}

/** Starts the process of a function, which does not outlive the simulator. Throws as `startProcess` does. */
export async function startHosted(
  spec: FunctionSpec,
  host: Host,
  options: Pick<FunctionProcessOptions, 'program' | 'variables' | 'shiftsClock' | 'listens' | 'others'>,
): Promise<HostedProcess> {
  const { reaper, inspectPorts, compileCache, temporary } = host
  const { taskRoot, memoryMb, temporaryMb, sourceMaps } = spec
  const inspectPort = spec.inspected ? await inspectPorts.take() : null
  const giveBack = () => {
    if (inspectPort !== null) inspectPorts.giveBack(inspectPort)
  }
  const child = (() => {
    try {
      return startFunctionProcess({
        ...options,
        ...{ taskRoot, memoryMb, temporaryMb, sourceMaps, compileCache, temporary },
        ...(inspectPort !== null && { inspectPort }),
        onLine: (line) => host.onLine(line),
      })
    } catch (error) {
      giveBack()
      throw error
    }
  })()
  const { pid } = child
  if (pid !== null) reaper.guard(pid)
  let inspector: string | null = null
  void child.inspector.then((url) => {
    inspector = url
    if (url !== null) host.onInspector(url)
  })
  void child.exited.then(() => {
    giveBack()
    if (pid !== null) reaper.release(pid)
  })
  return {
    child,
    get inspector() {
      return inspector
    },
  }
}
