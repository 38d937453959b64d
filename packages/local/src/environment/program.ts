import { fileURLToPath } from 'node:url'

/** A file of ours that Node runs, with its arguments. */
export interface NodeProgram {
  /** Absolute path. */
  readonly file: string
  readonly args: readonly string[]
}

/** A program that speaks to the Runtime API. */
export interface RuntimeCommand {
  /** Absolute path. */
  readonly command: string
  readonly args: readonly string[]
}

/** What runs a function's code. */
export type Program = NodeProgram | RuntimeCommand

/** The simulator's own runtime of functions with events. */
export const eventRuntime: NodeProgram = { file: sourceOf('../runtime/bootstrap.ts'), args: [] }

const webRuntime = sourceOf('../runtime/web.ts')

/** Runs the server of a Web Function. Of the handler, `src/api.handler`, the file counts. */
export function webProgram(handler: string): NodeProgram {
  return { file: webRuntime, args: [handler] }
}

/** Files that a process needs besides the function's code. */
export const runtimeFiles: readonly string[] = [eventRuntime.file, webRuntime, process.execPath]

export interface NodeSettings {
  readonly memoryMb: number
  /** The process's environment. */
  readonly variables: Readonly<Record<string, string>>
  /** Whether stack traces follow source maps. */
  readonly sourceMaps: boolean
  /** Modules that were compiled once are kept there, which halves the start of those that follow. */
  readonly compileCache: string
  /** Opens a debugger's port on loopback; 0 takes one that is free. */
  readonly inspectPort?: number
  /** Whether its wall clock is going to be put wrong. */
  readonly shiftsClock?: boolean
}

/** The command line of a program, and its environment. A program that is not ours gets nothing but its arguments. */
export function commandOf(
  program: Program,
  settings: NodeSettings,
): {
  readonly command: readonly [string, ...string[]]
  readonly variables: Readonly<Record<string, string>>
} {
  const { variables, compileCache } = settings
  if ('command' in program) return { command: [program.command, ...program.args], variables }
  // A function that has a cache of its own keeps it.
  const cached = !('NODE_COMPILE_CACHE' in variables)
  const ownFlags = [
    ...(cached ? ['--own-compile-cache'] : []),
    ...(settings.shiftsClock === true ? ['--clock'] : []),
  ]
  return {
    command: [process.execPath, ...nodeFlags(settings), program.file, ...program.args, ...ownFlags],
    variables: cached ? { ...variables, NODE_COMPILE_CACHE: compileCache } : variables,
  }
}

/**
 * The sizes of V8's heap, as Lambda's own start script derives them from the memory; a function that gives one of
 * them by `NODE_OPTIONS` has V8's defaults for the other.
 */
function nodeFlags({ memoryMb, variables, sourceMaps, inspectPort }: NodeSettings): string[] {
  const own = /--max[-_](semi|old)[-_]space[-_]size/.test(variables.NODE_OPTIONS ?? '')
  return [
    ...(own ? [] : [`--max-semi-space-size=${Math.floor(memoryMb * 0.05)}`]),
    ...(own ? [] : [`--max-old-space-size=${Math.floor(memoryMb * 0.9)}`]),
    ...(sourceMaps ? ['--enable-source-maps'] : []),
    ...(inspectPort === undefined ? [] : [`--inspect=127.0.0.1:${inspectPort}`]),
  ]
}

function sourceOf(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url))
}
