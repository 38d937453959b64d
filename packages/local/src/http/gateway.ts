import type { HttpFront } from '@thaw/app'
import type { WireRequest } from './request.ts'
import type { RouteMatch } from './targets.ts'

/** A header as it goes over the wire: one character of the value stands for one byte. */
export type HeaderField = readonly [name: string, value: string]

/** Status and headers of an answer. */
export interface AnswerHead {
  readonly status: number
  /** What stands behind the status; HTTP's own words when absent. */
  readonly reason?: string
  /** Several of one name stay several. */
  readonly headers: readonly HeaderField[]
}

/** What goes back to the client. */
export interface HttpAnswer extends AnswerHead {
  readonly body: Buffer
}

/** What a gateway knows of a request besides the request itself. */
export interface EventContext {
  readonly functionName: string
  /** Null for a function that was reached by its own address. */
  readonly match: RouteMatch | null
  readonly ids: RequestIds
  readonly nowMs: number
}

/** What names one request, in its event and in its answer. None of it is Lambda's id of the invocation. */
export interface RequestIds {
  /** A UUID. */
  readonly requestId: string
  /** As API Gateway makes them: `MIZRNhJtIAMEMDw=`. */
  readonly gatewayId: string
  /** `Root=1-5eb33c07-de25b420912dee103a5db434`, and what the client put behind it. */
  readonly traceId: string
}

/** Why a gateway answers by itself. */
export type Problem =
  /** No function takes the request. */
  | 'no-route'
  /** The request is none that the service takes. */
  | 'refused'
  | 'head-too-large'
  | 'body-too-large'
  /** The event is over Lambda's limit. */
  | 'event-too-large'
  /** Lambda has no environment for it. */
  | 'throttled'
  /** The function threw, crashed or ran out of time. */
  | 'function-failed'
  /** The function's answer is not one that can be sent on. */
  | 'answer-malformed'
  /** The function took longer than the gateway waits. */
  | 'too-late'

export interface GatewayLimits {
  readonly bodyBytes: number
  /** How long the gateway waits for a whole answer; null for as long as the function may take. */
  readonly timeoutMs: number | null
  /** Bytes of the JSON before a streamed body. */
  readonly preludeBytes: number
}

/**
 * What stands before a function. One of these knows all that is particular to its service; what they have in common
 * (reading the request, waiting, writing the answer) is around it.
 */
export interface Gateway {
  readonly front: HttpFront
  readonly limits: GatewayLimits
  /** What is wrong with the first line and the headers; null for nothing. */
  checkHead(request: WireRequest): 'refused' | 'head-too-large' | null
  /** The event, ready to become JSON. */
  buildEvent(request: WireRequest, context: EventContext): object
  /** Makes an answer of what a function returned (JSON). Throws `MalformedAnswer`. */
  readAnswer(payload: string): HttpAnswer
  /** Makes a head of the JSON before a streamed body; null when there is none. Throws `MalformedAnswer`. */
  readHead(prelude: string | null, contentType: string): AnswerHead
  answerProblem(problem: Problem): HttpAnswer
  /** The headers that it puts on every answer, in lower case. */
  ownHeaders(ids: RequestIds): readonly HeaderField[]
}

/** The function's answer is not one that the gateway can send on; the message says why. */
export class MalformedAnswer extends Error {
  override readonly name = 'MalformedAnswer'
}
