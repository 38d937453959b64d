import type { RequestParts } from '../http/request.ts'
import type { HttpAnswer, ResponseHead } from '../http/response.ts'
import type { Identity } from '../identity.ts'
import type { AlbEvent, AlbResponse } from './alb/event.ts'
import type { ApiGatewayV2Response, HttpV2Event } from './http-v2/event.ts'
import type { LatticeV2Event, LatticeV2Response } from './lattice-v2/event.ts'
import type { ApiGatewayV1Response, RestV1Event } from './rest-v1/event.ts'

/** Any of the events that `serve` answers. */
export type HttpEvent = HttpV2Event | RestV1Event | AlbEvent | LatticeV2Event

/** What the front of the event takes as an answer. */
export type FrontAnswer = ApiGatewayV2Response | ApiGatewayV1Response | AlbResponse | LatticeV2Response

/** One event of a front that is known, and how that front is spoken to. */
export interface Exchange {
  readonly event: HttpEvent
  /** As the event has them, unchecked; for the log. */
  readonly method: string
  readonly path: string
  /**
   * The request that the client sent.
   *
   * @param basePath is taken off the path, after the stage; '' for none.
   * @throws MalformedEventError for a field that no front would write, RequestRefusedError for a request that no
   * application can be given.
   */
  readRequest(basePath: string): RequestParts
  readCaller(): Caller
  /** Throws `ResponseTooLargeError`. */
  writeAnswer(answer: HttpAnswer): FrontAnswer
  /** What comes before the bytes of a streamed answer; null where this front takes whole answers only. */
  readonly writeHead: ((head: ResponseHead) => object) | null
}

export interface Caller {
  /** Address of the client as the front saw it; null when the event does not say. */
  readonly address: string | null
  readonly identity: Identity
}
