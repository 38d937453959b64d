import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readLines } from '../log.ts'

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The process could not be started at all. */
  readonly error: Error | null
  /** It was ended because it used more memory than it has. */
  readonly outOfMemory: boolean
}

/** The process of an environment, and whatever it starts. */
export interface RuntimeProcess {
  /** Also the id of its process group. Null when it could not be started. */
  readonly pid: number | null
  /** Resolves after its last line of output. */
  readonly exited: Promise<Exit>
  /** Ends it and everything it started, at once. */
  kill(): void
  /** Stops it and everything it started where they are; `thaw` lets them go on. */
  freeze(): void
  thaw(): void
  /** Sends a signal to the leading process alone. */
  signal(name: NodeJS.Signals): void
  /** The most memory it has had resident, in MB; null when it has ended or the system does not tell. */
  maxMemoryMb(): number | null
}

const bootstrap = fileURLToPath(new URL('../runtime/bootstrap.ts', import.meta.url))

/**
 * Starts the runtime in `taskRoot` with exactly `variables` as its environment. Modules that were compiled once
 * are kept in `compileCache`, which halves the start of those that follow. It leads a process group of its
 * own: Ctrl-C in the terminal does not reach it, and what it starts ends with it.
 */
export function startProcess(
  taskRoot: string,
  variables: Readonly<Record<string, string>>,
  compileCache: string,
  onLine: (line: string) => void,
): RuntimeProcess {
  const own = !('NODE_COMPILE_CACHE' in variables)
  const child = spawn(process.execPath, [bootstrap, ...(own ? ['--own-compile-cache'] : [])], {
    cwd: taskRoot,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: own ? { ...variables, NODE_COMPILE_CACHE: compileCache } : variables,
  })
  readLines(child.stdout, onLine)
  readLines(child.stderr, onLine)
  const pid = child.pid ?? null
  let alive = pid !== null
  const exited = exitOf(child, () => {
    if (pid !== null) send(-pid, 'SIGKILL')
    alive = false
  })
  const toGroup = (name: NodeJS.Signals) => {
    if (alive && pid !== null) send(-pid, name)
  }
  return {
    pid,
    exited,
    kill: () => toGroup('SIGKILL'),
    freeze: () => toGroup('SIGSTOP'),
    thaw: () => toGroup('SIGCONT'),
    signal: (name) => {
      if (alive && pid !== null) send(pid, name)
    },
    maxMemoryMb: () => (alive && pid !== null ? maxMemoryMb(pid) : null),
  }
}

/** `onExit` is called as soon as the process is gone, before the last output has been read. */
function exitOf(child: ChildProcess, onExit: () => void): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error, outOfMemory: false }))
    child.once('exit', onExit)
    child.once('close', (code, signal) => resolve({ code, signal, error: null, outOfMemory: false }))
  })
}

/** To a process, or to a group when `pid` is negative; one that has ended meanwhile needs no signal. */
function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** From `/proc`, which Linux has. */
function maxMemoryMb(pid: number): number | null {
  try {
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return match === null ? null : Math.ceil(Number(match[1]) / 1024)
  } catch {
    return null
  }
}
