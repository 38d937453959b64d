import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { readLines } from '../log.ts'
import { watchLimits } from '../sandbox/limits.ts'
import { measureMemory } from '../sandbox/memory.ts'
import type { TemporaryStorage } from '../sandbox/temporary.ts'

export interface ProcessOptions {
  /** Absolute folder of the function's code, where the process runs. */
  readonly taskRoot: string
  /** Its whole environment. */
  readonly variables: Readonly<Record<string, string>>
  /** Modules that were compiled once are kept there, which halves the start of those that follow. */
  readonly compileCache: string
  /** Its `/tmp`. */
  readonly temporary: TemporaryStorage
  readonly temporaryMb: number
  readonly memoryMb: number
  /** Opens a debugger's port on loopback; 0 takes one that is free. */
  readonly inspectPort?: number
  /** Whether its wall clock is going to be put wrong. */
  readonly shiftsClock?: boolean
  onLine(line: string): void
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The process could not be started at all. */
  readonly error: Error | null
  /** It was killed for being over its memory. */
  readonly outOfMemory: boolean
}

/** The process of an environment, and whatever it starts. */
export interface RuntimeProcess {
  /** Also the id of its process group. Null when it could not be started. */
  readonly pid: number | null
  /** Resolves after its last line of output. */
  readonly exited: Promise<Exit>
  /** `ws://…` for a debugger; null without `inspectPort`, or when it ended before it had one. */
  readonly inspector: Promise<string | null>
  /** Ends it and everything it started, at once. */
  kill(): void
  /** Stops it and everything it started, until `thaw`. */
  freeze(): void
  thaw(): void
  /** To the leading process alone. */
  signal(name: NodeJS.Signals): void
  /**
   * The most memory it has had resident, with what it started, in MB, as of at most 20 ms ago; never more than it
   * may have, as on Lambda. Null when the system does not tell.
   */
  maxMemoryMb(): number | null
}

/** A look at the memory costs some 15 µs, too much for every request: those closer together than this are one. */
const freshMs = 20

const bootstrap = fileURLToPath(new URL('../runtime/bootstrap.ts', import.meta.url))

/** Files that a process needs besides the function's code. */
export const runtimeFiles: readonly string[] = [bootstrap, process.execPath]

/**
 * Starts the runtime. It leads a process group of its own: Ctrl-C in the terminal does not reach it, and what it
 * starts ends with it. Over its memory, or over its `/tmp` where the system does not limit that, it is killed.
 */
export function startProcess(options: ProcessOptions): RuntimeProcess {
  const { variables, taskRoot, temporary } = options
  const own = !('NODE_COMPILE_CACHE' in variables)
  const runtimeFlags = [
    ...(own ? ['--own-compile-cache'] : []),
    ...(options.shiftsClock === true ? ['--clock'] : []),
  ]
  const [file, ...args] = temporary.wrap(
    [process.execPath, ...nodeFlags(options), bootstrap, ...runtimeFlags],
    taskRoot,
  )
  const child = spawn(file, args, {
    cwd: taskRoot,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: own ? { ...variables, NODE_COMPILE_CACHE: options.compileCache } : variables,
  })
  const inspector = Promise.withResolvers<string | null>()
  if (options.inspectPort === undefined) inspector.resolve(null)
  readLines(child.stdout, options.onLine)
  readLines(child.stderr, (line) => {
    const address = options.inspectPort === undefined ? null : readInspector(line)
    if (address !== null) inspector.resolve(address)
    else options.onLine(line)
  })
  const pid = child.pid ?? null
  if (pid === null) return unstarted(child)

  let alive = true
  let frozen = false
  let outOfMemory = false
  const signalGroup = (name: NodeJS.Signals) => {
    if (alive) send(-pid, name)
  }
  const memory = measureMemory(pid)
  const unwatch = watchLimits({
    ...options,
    memory,
    isFrozen: () => frozen,
    onOver: (what) => {
      outOfMemory = what === 'memory'
      if (what === 'temporary') options.onLine(temporaryFull(options.temporaryMb))
      signalGroup('SIGKILL')
    },
  })
  const exited = exitOf(child, () => {
    unwatch()
    signalGroup('SIGKILL')
    alive = false
    inspector.resolve(null)
  })
  return {
    pid,
    exited: exited.then((exit) => ({ ...exit, outOfMemory })),
    inspector: inspector.promise,
    kill: () => signalGroup('SIGKILL'),
    freeze() {
      frozen = true
      signalGroup('SIGSTOP')
    },
    thaw() {
      frozen = false
      signalGroup('SIGCONT')
    },
    signal(name) {
      if (alive) send(pid, name)
    },
    maxMemoryMb() {
      if (outOfMemory) return options.memoryMb
      if (alive) memory.look(freshMs)
      const peak = memory.peakMb()
      return peak === null ? null : Math.min(peak, options.memoryMb)
    },
  }
}

/**
 * The sizes of V8's heap, as Lambda's own start script derives them from the memory; a function that gives one of
 * them by `NODE_OPTIONS` has V8's defaults for the other.
 */
function nodeFlags({ memoryMb, variables, inspectPort }: ProcessOptions): string[] {
  const own = /--max[-_](semi|old)[-_]space[-_]size/.test(variables.NODE_OPTIONS ?? '')
  return [
    ...(own ? [] : [`--max-semi-space-size=${Math.floor(memoryMb * 0.05)}`]),
    ...(own ? [] : [`--max-old-space-size=${Math.floor(memoryMb * 0.9)}`]),
    ...(inspectPort === undefined ? [] : [`--inspect=127.0.0.1:${inspectPort}`]),
  ]
}

function readInspector(line: string): string | null {
  return /^Debugger listening on (ws:\S+)$/.exec(line)?.[1] ?? null
}

function temporaryFull(limitMb: number): string {
  return `TMPDIR holds more than the ${limitMb} MB of this function's /tmp: killed (on Lambda the write fails with ENOSPC)`
}

/** `onExit` is called as soon as the process is gone, before the last output has been read. */
function exitOf(child: ChildProcess, onExit: () => void): Promise<Omit<Exit, 'outOfMemory'>> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }))
    child.once('exit', onExit)
    child.once('close', (code, signal) => resolve({ code, signal, error: null }))
  })
}

function unstarted(child: ChildProcess): RuntimeProcess {
  const nothing = () => {}
  return {
    pid: null,
    exited: exitOf(child, nothing).then((exit) => ({ ...exit, outOfMemory: false })),
    inspector: Promise.resolve(null),
    kill: nothing,
    freeze: nothing,
    thaw: nothing,
    signal: nothing,
    maxMemoryMb: () => null,
  }
}

/** Nobody needs to know that it has ended already. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
