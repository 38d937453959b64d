import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { readLines } from '../log.ts'
import { watchLimits } from '../sandbox/limits.ts'
import { measureMemory } from '../sandbox/memory.ts'
import type { TemporaryStorage } from '../sandbox/temporary.ts'

/** A program that speaks to the Runtime API. */
export interface RuntimeCommand {
  /** Absolute path. */
  readonly command: string
  readonly args: readonly string[]
}

export interface ProcessOptions {
  /** Absolute folder of the function's code, where the process runs. */
  readonly taskRoot: string
  /** What Node runs, with its arguments; the runtime of functions with events when absent. */
  readonly program?: readonly [file: string, ...args: string[]]
  /** Its whole environment. */
  readonly variables: Readonly<Record<string, string>>
  /** Modules that were compiled once are kept there, which halves the start of those that follow. */
  readonly compileCache: string
  /** Its `/tmp`. */
  readonly temporary: TemporaryStorage
  readonly temporaryMb: number
  readonly memoryMb: number
  /** Whether stack traces follow source maps. */
  readonly sourceMaps: boolean
  /** In place of the simulator's own runtime; null for that. */
  readonly runtime: RuntimeCommand | null
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

/** How long output is read after the process is gone, if the pipes do not end by then. */
const lastOutputMs = 500

const bootstrap = fileURLToPath(new URL('../runtime/bootstrap.ts', import.meta.url))

/** Runs the server of a Web Function; its argument is the handler, of which the file counts. */
export const webBootstrap = fileURLToPath(new URL('../runtime/web.ts', import.meta.url))

/** Files that a process needs besides the function's code. */
export const runtimeFiles: readonly string[] = [bootstrap, webBootstrap, process.execPath]

/**
 * Starts the runtime. It leads a process group of its own: Ctrl-C in the terminal does not reach it, and what it
 * starts ends with it. Over its memory, or over its `/tmp` where the system does not limit that, it is killed.
 */
export function startProcess(options: ProcessOptions): RuntimeProcess {
  const { variables, taskRoot, temporary, program = [bootstrap] } = options
  const own = options.runtime === null && !('NODE_COMPILE_CACHE' in variables)
  const runtimeFlags = [
    ...(own ? ['--own-compile-cache'] : []),
    ...(options.shiftsClock === true ? ['--clock'] : []),
  ]
  const [file, ...args] = temporary.wrap(
    options.runtime === null
      ? [process.execPath, ...nodeFlags(options), ...program, ...runtimeFlags]
      : [options.runtime.command, ...options.runtime.args],
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
  const pid = child.pid ?? null
  // Without a process there may be no pipes either.
  if (pid === null) return unstarted(child)
  readLines(child.stdout, options.onLine)
  readLines(child.stderr, (line) => {
    const address = options.inspectPort === undefined ? null : readInspector(line)
    if (address !== null) inspector.resolve(address)
    else if (options.inspectPort === undefined || !line.startsWith('For help, see: ')) options.onLine(line)
  })

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
function nodeFlags({ memoryMb, variables, sourceMaps, inspectPort }: ProcessOptions): string[] {
  const own = /--max[-_](semi|old)[-_]space[-_]size/.test(variables.NODE_OPTIONS ?? '')
  return [
    ...(own ? [] : [`--max-semi-space-size=${Math.floor(memoryMb * 0.05)}`]),
    ...(own ? [] : [`--max-old-space-size=${Math.floor(memoryMb * 0.9)}`]),
    ...(sourceMaps ? ['--enable-source-maps'] : []),
    ...(inspectPort === undefined ? [] : [`--inspect=127.0.0.1:${inspectPort}`]),
  ]
}

function readInspector(line: string): string | null {
  return /^Debugger listening on (ws:\S+)$/.exec(line)?.[1] ?? null
}

function temporaryFull(limitMb: number): string {
  return `TMPDIR holds more than the ${limitMb} MB of this function's /tmp: killed (on Lambda the write fails with ENOSPC)`
}

/**
 * `onExit` is called as soon as the process is gone, before the last output has been read. Something that it started in
 * a group of its own lives on, perhaps with these pipes: nobody waits long for what that still has to say.
 */
function exitOf(child: ChildProcess, onExit: () => void): Promise<Omit<Exit, 'outOfMemory'>> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined
    child.once('error', (error) => resolve({ code: null, signal: null, error }))
    child.once('exit', () => {
      onExit()
      // Once more after the timer what is there is read, however long this process had no time for it.
      timer = setTimeout(setImmediate, lastOutputMs, () => {
        child.stdout?.destroy()
        child.stderr?.destroy()
      })
    })
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, error: null })
    })
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
