import type { Exit } from './process.ts'

/** How one invocation ended. */
export interface Outcome {
  readonly requestId: string
  readonly environmentId: string
  /** JSON, as the function answered; with `functionError` an object with `errorType` and `errorMessage`. */
  readonly payload: string
  /** `Unhandled` when the function threw, crashed, timed out or could not be initialised. */
  readonly functionError: 'Unhandled' | null
  /** From the function's start to its answer. */
  readonly durationMs: number
  /** How long the environment took to initialise, for its first invocation; null on a warm start. */
  readonly initMs: number | null
}

/** Why an environment ended, as far as the simulator had a hand in it. */
export type EndCause = 'killed' | 'retired' | 'evicted' | 'closed' | 'timeout' | 'init-timeout'

/** What Lambda answers for a function that failed. */
export interface Failure {
  readonly errorType: string
  readonly errorMessage: string
}

/** What Lambda answers for an invocation whose environment ended under it. */
export function failureOf(requestId: string, exit: Exit, cause: EndCause | null, limitMs: number): Failure {
  const about = `RequestId: ${requestId} Error: `
  if (cause !== 'timeout' && cause !== 'init-timeout') {
    const errorType = exit.outOfMemory ? 'Runtime.OutOfMemory' : 'Runtime.ExitError'
    return { errorType, errorMessage: about + describeExit(exit) }
  }
  const what = cause === 'timeout' ? 'Task' : 'Initialisation'
  const errorMessage = `${about}${what} timed out after ${(limitMs / 1000).toFixed(2)} seconds`
  return { errorType: 'Sandbox.Timedout', errorMessage }
}

export function describeExit(exit: Exit): string {
  if (exit.error !== null) return `Runtime could not be started: ${exit.error.message}`
  if (exit.signal === 'SIGKILL') return 'Runtime exited with error: signal: killed'
  if (exit.signal !== null) return `Runtime exited with error: signal: ${exit.signal}`
  return exit.code === 0
    ? 'Runtime exited without providing a reason'
    : `Runtime exited with error: exit status ${exit.code}`
}

/** Reads the error that a runtime reported; what is no such object stands for itself. */
export function readFailure(payload: string): Failure {
  try {
    const { errorType, errorMessage } = JSON.parse(payload) as Partial<Failure>
    return { errorType: String(errorType ?? 'Error'), errorMessage: String(errorMessage ?? payload) }
  } catch {
    return { errorType: 'Error', errorMessage: payload }
  }
}
