import { inspect } from 'node:util'

/**
 * What the user sees of an error. One with a code of its own is shown as code and message, with its stack only
 * when asked for. Anything else is a defect and always shows its stack.
 */
export function describeError(error: unknown, verbose: boolean): string[] {
  if (!(error instanceof Error)) return [`Error: ${inspect(error)}`]
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null
  if (code === null || code.startsWith('ERR_')) return inspect(error).split('\n')
  if (code === 'USAGE') return error.message.split('\n')
  if (verbose) return inspect(error).split('\n')
  // A system error begins with its code: "ENOENT: no such file".
  return (error.message.startsWith(code) ? error.message : `${code}: ${error.message}`).split('\n')
}
