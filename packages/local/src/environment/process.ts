import { type ChildProcess, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { readLines } from '../log.ts'
import type { TemporaryStorage } from '../sandbox/temporary.ts'

export interface ProcessOptions {
  /** A program and its arguments. */
  readonly command: readonly [file: string, ...args: string[]]
  /** Where it runs, absolute. */
  readonly folder: string
  /** Its whole environment. */
  readonly variables: Readonly<Record<string, string>>
  /** Its `/tmp`. */
  readonly temporary: TemporaryStorage
  /** Whether it reads what `tell` says, as lines from file descriptor 3. */
  readonly listens?: boolean
  onLine(line: string, from: 'stdout' | 'stderr'): void
  /** It is gone; its last output may still have to be read. */
  onGone?(): void
}

/** How a process ended. */
export interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The process could not be started at all. */
  readonly error: Error | null
}

/** A process, and whatever it starts. */
export interface ProcessGroup {
  /** Also the id of its process group. Null when it could not be started. */
  readonly pid: number | null
  /** Resolves after its last line of output. */
  readonly exited: Promise<ProcessExit>
  /** Ends it and everything it started, at once. */
  kill(): void
  /** Stops it and everything it started, until `thaw`. */
  freeze(): void
  thaw(): void
  /** To the leading process alone. */
  signal(name: NodeJS.Signals): void
  tell(line: string): void
}

/** How long output is read after the process is gone, if the pipes do not end by then. */
const lastOutputMs = 500

/**
 * Starts a process that leads a group of its own: Ctrl-C in the terminal does not reach it, and what it starts ends
 * with it. Throws when the variables are such that the system takes none of them.
 */
export function startProcess(options: ProcessOptions): ProcessGroup {
  const { command, folder, variables, temporary, onLine, onGone } = options
  const [file, ...args] = temporary.wrap(command, folder)
  const child = spawn(file, args, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', ...(options.listens === true ? (['pipe'] as const) : [])],
    env: variables,
  })
  const pid = child.pid ?? null
  // Without a process there may be no pipes either.
  if (pid === null || child.stdout === null || child.stderr === null) return unstarted(child)
  readLines(child.stdout, (line) => onLine(line, 'stdout'))
  readLines(child.stderr, (line) => onLine(line, 'stderr'))
  const ear = (child.stdio[3] ?? null) as Writable | null
  // It may end while it is told something.
  ear?.on('error', () => {})

  let alive = true
  const signalGroup = (name: NodeJS.Signals) => {
    if (alive) send(-pid, name)
  }
  return {
    pid,
    exited: exitOf(child, () => {
      onGone?.()
      signalGroup('SIGKILL')
      alive = false
      ear?.destroy()
    }),
    kill: () => signalGroup('SIGKILL'),
    freeze: () => signalGroup('SIGSTOP'),
    thaw: () => signalGroup('SIGCONT'),
    signal(name) {
      if (alive) send(pid, name)
    },
    tell: (line) => void ear?.write(`${line}\n`),
  }
}

/**
 * `onExit` is called as soon as the process is gone, before the last output has been read. Something that it started in
 * a group of its own lives on, perhaps with these pipes: nobody waits long for what that still has to say.
 */
function exitOf(child: ChildProcess, onExit: () => void): Promise<ProcessExit> {
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

function unstarted(child: ChildProcess): ProcessGroup {
  const nothing = () => {}
  return {
    pid: null,
    exited: exitOf(child, nothing),
    kill: nothing,
    freeze: nothing,
    thaw: nothing,
    signal: nothing,
    tell: nothing,
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
