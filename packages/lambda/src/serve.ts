import { type App, applicationOf } from './apps/app.ts'
import type { FetchHandler } from './apps/fetch.ts'
import { Deadline } from './deadline.ts'
import type { FrontAnswer } from './fronts/exchange.ts'
import { openEvent } from './fronts/open.ts'
import { createReception, type LambdaContext, within } from './invocation.ts'
import { type ServeOptions, settle } from './options.ts'
import { createResponder, type Turn } from './respond.ts'
import { shutDownWithEnvironment } from './shutdown/shutdown.ts'
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
  const receive = createReception()
  shutDownWithEnvironment(settings.participants)

  const open = (event: unknown, context: LambdaContext): Turn => {
    const startedAt = process.uptime()
    const exchange = openEvent(event)
    const arrival = receive(context)
    const { address, identity } = exchange.readCaller()
    const deadline = new Deadline(context)
    const invocation = {
      ...arrival,
      deadline: deadline.at,
      signal: deadline.signal,
      clientAddress: address,
      identity,
      event: exchange.event,
    }
    return { exchange, invocation, deadline, startedAt }
  }

  if (!runtime) {
    return async (event, context) => {
      const turn = open(event, context)
      return within(turn.invocation, () => answer(turn)).finally(() => turn.deadline.end())
    }
  }
  return runtime.streamifyResponse(async (event, responseStream, context) => {
    const turn = open(event, context)
    await within(turn.invocation, () => stream(turn, responseStream)).finally(() => turn.deadline.end())
  }) as HttpHandler
}
