import { type App, applicationOf } from './apps/app.ts'
import type { FetchHandler } from './apps/fetch.ts'
import type { Exchange, FrontAnswer } from './fronts/exchange.ts'
import { openEvent } from './fronts/open.ts'
import { checkContext, type Invocation, type LambdaContext, within } from './invocation.ts'
import { type ServeOptions, settle } from './options.ts'
import { createResponder, type Turn } from './respond.ts'
import { streamingRuntime } from './stream.ts'

export type HttpHandler = (event: unknown, context: LambdaContext) => Promise<FrontAnswer>

/**
 * Makes a Lambda handler of a web application, for every front that speaks HTTP: REST and HTTP APIs of API Gateway,
 * Function URLs, load balancers, VPC Lattice (event structure V2), and events written by hand.
 *
 * Whatever the application or a participant throws is answered, as `problem+json`. The handler itself rejects with
 * `NotHttpEventError` or `InvalidContextError` for an invocation that is no HTTP request; and with the reason when an
 * answer that was being streamed breaks off.
 *
 * @throws ServeConfigError at once, for an application or options it cannot work with.
 */
export function serve(app: FetchHandler, options?: ServeOptions): HttpHandler
export function serve(app: App, options?: ServeOptions): HttpHandler
export function serve(app: App, options: ServeOptions = {}): HttpHandler {
  const application = applicationOf(app)
  const settings = settle(options, process.env)
  const { answer, stream } = createResponder(application, settings)
  const runtime = settings.stream ? streamingRuntime() : null
  let coldStart = true

  const open = (event: unknown, context: LambdaContext): Turn => {
    const startedAt = process.uptime()
    const exchange = openEvent(event)
    checkContext(context)
    const invocation = invocationOf(exchange, context, coldStart)
    coldStart = false
    return { exchange, invocation, startedAt }
  }

  if (!runtime) {
    return async (event, context) => {
      const turn = open(event, context)
      return within(turn.invocation, () => answer(turn))
    }
  }
  return runtime.streamifyResponse(async (event, responseStream, context) => {
    const turn = open(event, context)
    await within(turn.invocation, () => stream(turn, responseStream))
  }) as HttpHandler
}

function invocationOf(exchange: Exchange, lambdaContext: LambdaContext, coldStart: boolean): Invocation {
  const { address, identity } = exchange.readCaller()
  return {
    requestId: lambdaContext.awsRequestId,
    deadline: Date.now() + lambdaContext.getRemainingTimeInMillis(),
    coldStart,
    clientAddress: address,
    identity,
    event: exchange.event,
    lambdaContext,
  }
}
