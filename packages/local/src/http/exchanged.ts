import type { Outcome } from '../environment/outcome.ts'
import type { Problem } from './gateway.ts'
import { type PassedOn, requestTimeout } from './web-function/pass-on.ts'

/** What a client got for a request that went to a function. */
export interface Exchanged {
  /** Lambda's id of the invocation. */
  readonly requestId: string
  readonly functionName: string
  /** `GET /users`. */
  readonly request: string
  /** Null when it got none. */
  readonly status: number | null
  /** Why it is not the function's own answer; null when it is. */
  readonly problem: Problem | null
  /** Null when there is none, or not yet. */
  readonly outcome: Outcome | null
  /** Why the answer ended before its end; null when it is whole. */
  readonly brokenOff: string | null
  /** How long it took, in ms. */
  readonly durationMs: number
}

/** What became of a request to a Web Function, in the words of invocations. */
export function webExchange(
  { requestId, status, clientGone, trouble }: PassedOn,
  rest: Pick<Exchanged, 'functionName' | 'request' | 'durationMs'>,
): Exchanged {
  const seen = { ...rest, requestId, status: clientGone ? null : status }
  if (trouble === null) return { ...seen, problem: null, outcome: null, brokenOff: null }
  if (trouble.kind === 'throttled') return { ...seen, problem: 'throttled', outcome: null, brokenOff: null }
  const { environmentId, failure, begun } = trouble
  const brokenOff = begun ? failure.errorMessage : null
  if (failure.errorType === requestTimeout) return { ...seen, problem: 'too-late', outcome: null, brokenOff }
  const payload = JSON.stringify(failure)
  const { durationMs } = rest
  const end = { requestId, environmentId, payload, durationMs, stream: null, initMs: null }
  return { ...seen, problem: 'function-failed', outcome: { ...end, functionError: 'Unhandled' }, brokenOff }
}
