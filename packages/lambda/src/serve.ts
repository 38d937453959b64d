import { type App, applicationOf } from './apps/app.ts'
import type { FetchHandler } from './apps/fetch.ts'
import { Deadline } from './deadline.ts'
import type { Exchange, FrontAnswer } from './fronts/exchange.ts'
import { openEvent } from './fronts/open.ts'
import { begin, createReception, type LambdaContext, within } from './invocation.ts'
import { type ServeOptions, settle } from './options.ts'
import { createResponder, type Turn } from './respond.ts'
import { shutDownWithEnvironment } from './shutdown/shutdown.ts'
import { streamingRuntime, writeStreamed, writeWhole } from './stream.ts'
import { listenAt } from './web/server.ts'

export type HttpHandler = (event: unknown, context: LambdaContext) => Promise<FrontAnswer>

/**
 * Makes a Lambda handler of a web application, for every front that speaks HTTP: REST and HTTP APIs of API Gateway,
 * Function URLs, load balancers, VPC Lattice (event structure V2), and events written by hand.
 *
 * Whatever the application or a participant throws is answered, as `problem+json`. The handler itself rejects with
 * `NotHttpEventError` or `InvalidContextError` for an invocation that is no HTTP request; and with the reason when an
 * answer that was being streamed breaks off.
 *
 * In a Web Function, which has the variable `AWS_LAMBDA_HTTP_ENDPOINT`, it listens there by itself, and nobody calls the
 * handler. All answers are then sent while they are made.
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

  async function run<T>(
    exchange: Exchange,
    context: LambdaContext,
    work: (turn: Turn) => Promise<T>,
  ): Promise<T> {
    const startedAt = process.uptime()
    const arrival = receive(context)
    const deadline = new Deadline(context)
    const invocation = begin(arrival, deadline, exchange.event, exchange.readCaller())
    const turn = { exchange, invocation, deadline, startedAt }
    return within(invocation, () => work(turn)).finally(() => deadline.end())
  }

  const { AWS_LAMBDA_HTTP_ENDPOINT: endpoint } = process.env
  if (endpoint) {
    listenAt(endpoint, (exchange, context, send) => run(exchange, context, (turn) => stream(turn, send)))
  }
  if (!runtime) return async (event, context) => run(openEvent(event), context, answer)
  return runtime.streamifyResponse(async (event, responseStream, context) =>
    run(openEvent(event), context, async (turn) => {
      if (!turn.exchange.writeHead) return writeWhole(responseStream, await answer(turn))
      return stream(turn, (head, body, signal) => writeStreamed(responseStream, head, body, signal))
    }),
  ) as HttpHandler
}
