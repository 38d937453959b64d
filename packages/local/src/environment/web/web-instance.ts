import { setTimeout as pause } from 'node:timers/promises'
import { webShutdownMs } from '../../limits.ts'
import { type Brake, createBrake } from '../brake.ts'
import type { Exit } from '../function-process.ts'
import type { FunctionSpec } from '../function-spec.ts'
import { type Host, startHosted } from '../hosted-process.ts'
import { webProgram } from '../program.ts'
import type { ClockShift } from '../runtime-api.ts'
import { webVariables } from '../variables.ts'
import { freePort, isListening } from './port.ts'

export interface WebInstanceOptions extends Host {
  /** Go over the function's own. */
  readonly variables?: Readonly<Record<string, string>>
  readonly shiftsClock?: boolean
}

/** The server of a Web Function from its start to its exit. */
export interface WebInstance extends Pick<Brake, 'hold' | 'release'> {
  readonly pid: number | null
  /** `ws://…` for a debugger; null until there is one. */
  readonly inspector: string | null
  /** On loopback. */
  readonly port: number
  /** Resolves after its last line of output. */
  readonly exited: Promise<Exit>
  /** Resolves as soon as it takes connections: true, or false when it has ended or `deadline` is over before. */
  listens(deadline: number): Promise<boolean>
  /** Only with `shiftsClock`. */
  shiftClock(shift: ClockShift): void
  /** SIGTERM, and SIGKILL a second later. */
  stop(): void
  kill(): void
  maxMemoryMb(): number | null
}

/** How often a server that starts is asked whether it listens. */
const probeMs = 5

export async function startWebInstance(
  spec: FunctionSpec,
  options: WebInstanceOptions,
): Promise<WebInstance> {
  const { taskRoot, handler, environment } = spec
  const { shiftsClock = false } = options
  const port = await freePort()
  const hosted = await startHosted(spec, options, {
    program: webProgram(handler),
    variables: webVariables({
      taskRoot,
      temporaryDirectory: options.temporary.path,
      environment: { ...environment, ...options.variables },
      path: process.env.PATH,
      httpEndpoint: `127.0.0.1:${port}`,
    }),
    shiftsClock,
    listens: shiftsClock,
  })
  const { child } = hosted
  const { hold, release } = createBrake(child)
  let over = false
  let stopTimer: NodeJS.Timeout | undefined
  const exited = child.exited.then((exit) => {
    over = true
    clearTimeout(stopTimer)
    return exit
  })
  return {
    hold,
    release,
    pid: child.pid,
    get inspector() {
      return hosted.inspector
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
    shiftClock: (shift) => child.tell(JSON.stringify(shift)),
    stop() {
      if (stopTimer !== undefined || over) return
      child.signal('SIGTERM')
      stopTimer = setTimeout(() => child.kill(), webShutdownMs)
    },
    kill: () => child.kill(),
    maxMemoryMb: () => child.maxMemoryMb(),
  }
}
