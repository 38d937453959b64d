import type { HttpEvent } from '../fronts/exchange.ts'
import type { RequestParts } from '../http/request.ts'
import type { ResponseParts } from '../http/response.ts'
import type { HttpInvocation, LambdaContext } from '../invocation.ts'

/** What an application gets beside the request: where it runs. Hono shows it as `c.env`. */
export interface LambdaEnv {
  readonly event: HttpEvent
  /** Of the event; empty where an event written by hand has none. */
  readonly requestContext: NonNullable<HttpEvent['requestContext']>
  readonly lambdaContext: LambdaContext
}

/** An application of any kind, as `serve` calls it. Rejects with what the application throws. */
export type Application = (request: RequestParts, invocation: HttpInvocation) => Promise<ResponseParts>
