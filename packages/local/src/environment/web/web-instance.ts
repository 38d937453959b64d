import { setTimeout as pause } from 'node:timers/promises'
import { webShutdownMs } from '../../limits.ts'
import type { TemporaryStorage } from '../../sandbox/temporary.ts'
import { type Brake, createBrake } from '../brake.ts'
import type { FunctionSpec } from '../function-spec.ts'
import type { InspectPorts } from '../inspect-ports.ts'
import { type Exit, startProcess, webBootstrap } from '../process.ts'
import type { Reaper } from '../reaper.ts'
import { webVariables } from '../variables.ts'
import { freePort, isListening } from './port.ts'

export interface WebInstanceOptions {
  readonly temporary: TemporaryStorage
  readonly compileCache: string
  readonly reaper: Reaper
  readonly inspectPorts: InspectPorts
  onLine(line: string): void
  /** A debugger can be attached there. */
  onInspector(url: string): void
}

/** The server of a Web Function from its start to its exit. */
export interface WebInstance extends Brake {
  readonly pid: number | null
  /** `ws://…` for a debugger; null until there is one. */
  readonly inspector: string | null
  /** On loopback. */
  readonly port: number
  /** Resolves after its last line of output. */
  readonly exited: Promise<Exit>
  /** Resolves as soon as it takes connections: true, or false when it has ended or `deadline` is over before. */
  listens(deadline: number): Promise<boolean>
  /** SIGTERM, and SIGKILL a second later. */
  stop(): void
  kill(): void
  maxMemoryMb(): number | null
}

/** How often a server that starts is asked whether it listens. */
const probeMs = 5

export async function startWebInstance(
  spec: FunctionSpec,
  { temporary, compileCache, reaper, inspectPorts, onLine, onInspector }: WebInstanceOptions,
): Promise<WebInstance> {
  const { taskRoot, memoryMb, temporaryMb, sourceMaps } = spec
  const port = await freePort()
  const inspectPort = spec.inspected ? await inspectPorts.take() : null
  const child = startProcess({
    program: [webBootstrap, spec.handler],
    runtime: null,
    taskRoot,
    variables: webVariables({
      taskRoot,
      temporaryDirectory: temporary.path,
      environment: spec.environment,
      path: process.env.PATH,
      httpEndpoint: `127.0.0.1:${port}`,
    }),
    compileCache,
    temporary,
    temporaryMb,
    memoryMb,
    sourceMaps,
    ...(inspectPort === null ? {} : { inspectPort }),
    onLine,
  })
  const { pid } = child
  if (pid !== null) reaper.guard(pid)
  let inspector: string | null = null
  void child.inspector.then((url) => {
    inspector = url
    if (url !== null) onInspector(url)
  })
  const brake = createBrake(child)
  let over = false
  let stopTimer: NodeJS.Timeout | undefined
  const exited = child.exited.then((exit) => {
    over = true
    clearTimeout(stopTimer)
    if (inspectPort !== null) inspectPorts.giveBack(inspectPort)
    if (pid !== null) reaper.release(pid)
    return exit
  })
  return {
    ...brake,
    pid,
    get inspector() {
      return inspector
    },
    port,
    exited,
    async listens(deadline) {
      while (!over && performance.now() < deadline) {
        if (await isListening(port)) return !over
        await Promise.race([exited, pause(probeMs)])
      }
      return false
    },
    stop() {
      if (stopTimer !== undefined || over) return
      child.signal('SIGTERM')
      brake.thaw()
      stopTimer = setTimeout(() => child.kill(), webShutdownMs)
    },
    kill: () => child.kill(),
    maxMemoryMb: () => child.maxMemoryMb(),
  }
}
