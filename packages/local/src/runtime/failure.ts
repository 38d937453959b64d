import type { FunctionError } from './client.ts'

export function describe(error: unknown): FunctionError {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] }
  return { errorType: error.name, errorMessage: error.message, trace: error.stack?.split('\n') ?? [] }
}

export function unhandled(reason: unknown): Error {
  const message = reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason)
  return named('Runtime.UnhandledPromiseRejection', message, reason)
}

/** Nothing is left that could wake the process, yet the handler has not answered. */
export function stuck(): Error {
  return named('Runtime.NodeJsExit', 'the handler waits for a promise that nothing can settle any more')
}

function named(name: string, message: string, cause?: unknown): Error {
  const error = new Error(message, { cause })
  error.name = name
  return error
}
