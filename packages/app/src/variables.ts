import type { AppFunction } from './model.ts'

/**
 * What the definition of a function tells its code, wherever it runs: `THAW_STREAM`, whether what stands before it takes
 * an answer while it is made, so that code and definition cannot disagree.
 */
export function functionVariables(fn: AppFunction): Record<string, string> {
  return fn.kind === 'http' ? { THAW_STREAM: String(fn.stream) } : {}
}
