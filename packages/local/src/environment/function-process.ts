import { watchLimits } from '../sandbox/limits.ts'
import { measureMemory } from '../sandbox/memory.ts'
import { type ProcessExit, type ProcessGroup, type ProcessOptions, startProcess } from './process.ts'
import { commandOf, type NodeSettings, type Program } from './program.ts'

export interface FunctionProcessOptions
  extends NodeSettings,
    Pick<ProcessOptions, 'temporary' | 'variables' | 'listens'> {
  readonly program: Program
  /** Absolute folder of the function's code, where the process runs. */
  readonly taskRoot: string
  readonly temporaryMb: number
  /** Other processes that share its memory. */
  readonly others?: () => readonly number[]
  onLine(line: string): void
}

export interface Exit extends ProcessExit {
  /** It was killed for being over its memory. */
  readonly outOfMemory: boolean
}

/** The process that runs a function's code, and whatever it starts. */
export interface FunctionProcess extends ProcessGroup {
  readonly exited: Promise<Exit>
  /** `ws://…` for a debugger; null without `inspectPort`, or when it ended before it had one. */
  readonly inspector: Promise<string | null>
  /**
   * The most memory it has had resident, with what it started, in MB, as of at most 20 ms ago; never more than it
   * may have, as on Lambda. Null when the system does not tell.
   */
  maxMemoryMb(): number | null
}

/** A look at the memory costs some 15 µs, too much for every request: those closer together than this are one. */
const freshMs = 20

/**
 * Starts what runs a function. Over its memory, or over its `/tmp` where the system does not limit that, it is killed.
 * Throws as `startProcess` does.
 */
export function startFunctionProcess(options: FunctionProcessOptions): FunctionProcess {
  const { program, taskRoot, temporary, temporaryMb, memoryMb, listens, inspectPort, onLine } = options
  const inspector = Promise.withResolvers<string | null>()
  if (inspectPort === undefined) inspector.resolve(null)
  let gone = false
  let frozen = false
  let outOfMemory = false
  let unwatch = () => {}
  const child = startProcess({
    ...commandOf(program, options),
    ...{ folder: taskRoot, temporary },
    ...(listens !== undefined && { listens }),
    onLine(line, from) {
      const address = inspectPort === undefined || from === 'stdout' ? null : readInspector(line)
      if (address !== null) inspector.resolve(address)
      else if (inspectPort === undefined || !line.startsWith('For help, see: ')) onLine(line)
    },
    onGone() {
      gone = true
      unwatch()
      inspector.resolve(null)
    },
  })
  const { pid } = child
  const exited = child.exited.then((exit) => ({ ...exit, outOfMemory }))
  if (pid === null) return { ...child, exited, inspector: Promise.resolve(null), maxMemoryMb: () => null }
  const memory = measureMemory(pid, options.others)
  unwatch = watchLimits({
    ...{ memory, memoryMb, temporary, temporaryMb },
    isFrozen: () => frozen,
    onOver: (what) => {
      outOfMemory = what === 'memory'
      if (what === 'temporary') onLine(temporaryFull(temporaryMb))
      child.kill()
    },
  })
  return {
    ...child,
    exited,
    inspector: inspector.promise,
    freeze() {
      frozen = true
      child.freeze()
    },
    thaw() {
      frozen = false
      child.thaw()
    },
    maxMemoryMb() {
      if (outOfMemory) return memoryMb
      if (!gone) memory.look(freshMs)
      const peak = memory.peakMb()
      return peak === null ? null : Math.min(peak, memoryMb)
    },
  }
}

function readInspector(line: string): string | null {
  return /^Debugger listening on (ws:\S+)$/.exec(line)?.[1] ?? null
}

function temporaryFull(limitMb: number): string {
  return `TMPDIR holds more than the ${limitMb} MB of this function's /tmp: killed (on Lambda the write fails with ENOSPC)`
}
