import type { Exit } from './function-process.ts'
import type { StreamedResponse } from './streamed-response.ts'

/** How one invocation ended; a streamed one, how it began. */
export interface Outcome {
  readonly requestId: string
  readonly environmentId: string
  /**
   * JSON, as the function answered; with `functionError` an object with `errorType` and `errorMessage`; empty with
   * `stream`.
   */
  readonly payload: string
  /** The answer of a function that streams it. The environment is busy until it is whole. */
  readonly stream: StreamedResponse | null
  /** `Unhandled` when the function threw, crashed, timed out or could not be initialised. */
  readonly functionError: 'Unhandled' | null
  /** From the function's start to its answer. */
  readonly durationMs: number
  /** How long the environment took to initialise, for its first invocation; null on a warm start. */
  readonly initMs: number | null
}

/** Why an environment ended. */
export type EndCause =
  /** Without warning. */
  | 'killed'
  /** Its code has changed, its place is needed, or it was told to. */
  | 'retired'
  /** It had nothing to do for too long. */
  | 'idle'
  | 'closed'

/** What Lambda answers for a function that failed. */
export interface Failure {
  readonly errorType: string
  readonly errorMessage: string
}

/** A runtime could not even be started. */
export class FailedStart extends Error {
  override readonly name = 'FailedStart'
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.errorMessage)
    this.failure = failure
  }
}

/** What an invocation or an initialisation failed of; `payload` is what the caller is told, JSON. */
export interface Failed {
  readonly failure: Failure
  readonly payload: string
}

/** The caller is told the failure and nothing more. */
export function plainly(failure: Failure): Failed {
  return { failure, payload: JSON.stringify(failure) }
}

/** What Lambda answers for an invocation whose process ended under it. */
export function exitFailure(requestId: string, exit: Exit): Failure {
  const errorType = exit.outOfMemory ? 'Runtime.OutOfMemory' : 'Runtime.ExitError'
  return { errorType, errorMessage: `RequestId: ${requestId} Error: ${describeExit(exit)}` }
}

/** What Lambda answers for an invocation that took too long. */
export function timeoutFailure(requestId: string, limitMs: number): Failure {
  const errorMessage = `RequestId: ${requestId} Error: Task timed out after ${(limitMs / 1000).toFixed(2)} seconds`
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
