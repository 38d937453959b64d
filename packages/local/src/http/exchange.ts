import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpFront } from '@thaw/app'
import type { Outcome } from '../environment/outcome.ts'
import { collect } from '../environment/whole.ts'
import { LocalError } from '../errors.ts'
import { makeGatewayId, makeTraceId, readTraceId } from '../ids.ts'
import type { Log } from '../log.ts'
import { within } from '../within.ts'
import { type Exchanged, webExchange } from './exchanged.ts'
import { type Gateway, type HttpAnswer, MalformedAnswer, type Problem, type RequestIds } from './gateway.ts'
import { isAnnouncedLarger, readBody, readHead, type WireRequest } from './request.ts'
import { hasBody, sendAnswer, sendHead } from './send.ts'
import { discard, type OpenStream, openStream, sendStream } from './stream.ts'
import { type FoundTarget, findTarget, type HttpTargets } from './targets.ts'
import { passOn, type TakePlace } from './web-function/pass-on.ts'

/** What requests are answered with. */
export interface ExchangeOptions {
  /** Asked for every request, because the application may change meanwhile. */
  targets(): HttpTargets
  readonly gateways: Readonly<Record<HttpFront, Gateway>>
  /** Runs a function with an event (JSON). Throws `LocalError`. */
  invoke(functionName: string, event: string, traceId: string, requestId?: string): Promise<Outcome>
  /** For Web Functions. */
  readonly lease: TakePlace
  /** Whether a function is waited for however long it takes. */
  isUntimed?(functionName: string): boolean
  readonly log: Log
  /** Told of every request that went to a function, when its client has got all that it is going to get. */
  readonly exchanged?: (exchanged: Exchanged) => void
}

/** What becomes of a request, and what the log says about it. */
type Reply = {
  readonly by: string
  /** Why `answer` is not the function's own. */
  readonly problem?: Problem
  readonly outcome?: Outcome
} & (
  | { readonly answer: HttpAnswer }
  | { readonly stream: OpenStream; readonly head: ReturnType<Gateway['readHead']> }
)

/** Answers one request. Throws what is nobody's fault but the simulator's, and when the client goes away early. */
export async function answerRequest(
  options: ExchangeOptions,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedAt = performance.now()
  const nowMs = Date.now()
  const head = readHead(incoming)
  const targets = options.targets()
  const found = findTarget(targets, head)
  const say = (status: number, by: string, told: string) => {
    const ms = performance.now() - startedAt
    options.log(`${incoming.method} ${incoming.url} ${status} ${ms.toFixed(1)} ms ${by}${told}`, 'request')
    return ms
  }
  if (found?.target.web === true) {
    const { functionName } = found.target
    const passed = await passOn(options.lease, functionName, head, incoming, response)
    const durationMs = say(passed.status, passed.by, passed.told)
    const request = `${incoming.method} ${incoming.url}`
    if (passed.reached) options.exchanged?.(webExchange(passed, { functionName, request, durationMs }))
    return
  }
  const gateway = options.gateways[found?.target.front ?? targets.fallback]
  const traceId = clientTraceId(head) ?? makeTraceId(nowMs)
  const ids: RequestIds = { requestId: randomUUID(), gatewayId: makeGatewayId(), traceId }

  const invocationId = randomUUID()

  const request = await receive(gateway, incoming, response, head)
  const reply =
    typeof request === 'string'
      ? { answer: gateway.answerProblem(request), by: 'the request' }
      : found === null
        ? { answer: gateway.answerProblem('no-route'), by: 'no route' }
        : await ask(options, gateway, found, request, { ids, nowMs, invocationId })
  const told = await send(response, reply, gateway.ownHeaders(ids))
  const status = 'answer' in reply ? reply.answer.status : reply.head.status
  const durationMs = say(status, reply.by, told.said)
  if (found === null || typeof request === 'string') return
  options.exchanged?.({
    requestId: invocationId,
    functionName: found.target.functionName,
    request: `${incoming.method} ${incoming.url}`,
    status: told.clientGone ? null : status,
    problem: reply.problem ?? null,
    outcome: reply.outcome ?? null,
    brokenOff: told.brokenOff,
    durationMs,
  })
}

/** Reads the rest of a request, unless it is more than the gateway takes. */
async function receive(
  gateway: Gateway,
  incoming: IncomingMessage,
  response: ServerResponse,
  head: WireRequest,
): Promise<WireRequest | Problem> {
  const { bodyBytes } = gateway.limits
  const problem = gateway.checkHead(head)
  if (problem !== null) return problem
  if (isAnnouncedLarger(incoming, bodyBytes)) return 'body-too-large'
  if (incoming.headers.expect !== undefined) response.writeContinue()
  const body = await readBody(incoming, bodyBytes)
  return body === null ? 'body-too-large' : { ...head, body }
}

/** Lets the function answer a request. */
async function ask(
  options: ExchangeOptions,
  gateway: Gateway,
  { target, match }: FoundTarget,
  request: WireRequest,
  {
    ids,
    nowMs,
    invocationId,
  }: { readonly ids: RequestIds; readonly nowMs: number; readonly invocationId: string },
): Promise<Reply> {
  const { functionName, stream } = target
  const refuse = (problem: Problem, by: string): Reply => ({
    answer: gateway.answerProblem(problem),
    by,
    problem,
  })
  const event = JSON.stringify(gateway.buildEvent(request, { functionName, match, ids, nowMs }))
  const streams = stream && (gateway.front === 'function-url' || gateway.front === 'rest-api')
  const limitMs = streams || options.isUntimed?.(functionName) ? null : gateway.limits.timeoutMs
  try {
    const answered = options
      .invoke(functionName, event, ids.traceId, invocationId)
      .then((outcome) => readOutcome(gateway, outcome, streams))
    const reply = limitMs === null ? await answered : await within(limitMs, answered)
    if (reply !== null) return reply
    return refuse('too-late', `${functionName} took more than ${Number(limitMs) / 1000} s`)
  } catch (error) {
    if (!(error instanceof LocalError)) throw error
    if (error.code === 'TOO_MANY_REQUESTS') return refuse('throttled', error.message)
    if (error.code === 'EVENT_TOO_LARGE') return refuse('event-too-large', error.message)
    throw error
  }
}

async function readOutcome(gateway: Gateway, outcome: Outcome, streams: boolean): Promise<Reply> {
  const cold = outcome.initMs === null ? '' : ` (cold start ${outcome.initMs.toFixed(0)} ms)`
  const by = outcome.environmentId + cold
  const fail = (problem: Problem, reason = ''): Reply => ({
    answer: gateway.answerProblem(problem),
    by: by + reason,
    problem,
    outcome,
  })
  if (outcome.functionError !== null) return fail('function-failed')
  try {
    if (!streams) {
      const { stream } = outcome
      const payload = stream === null ? outcome.payload : (await collect(stream)).toString()
      return { answer: gateway.readAnswer(payload), by, outcome }
    }
    // A function that returns its answer whole is not understood here: its JSON is the body.
    const stream = await openStream(
      outcome.stream ?? wholeStream(outcome.payload),
      gateway.limits.preludeBytes,
    )
    try {
      return { stream, head: gateway.readHead(stream.prelude, stream.contentType), by, outcome }
    } catch (error) {
      void discard(stream)
      throw error
    }
  } catch (error) {
    const problem = error instanceof MalformedAnswer ? 'answer-malformed' : 'function-failed'
    return fail(problem, `: ${(error as Error).message}`)
  }
}

function wholeStream(payload: string) {
  const body = (async function* () {
    yield Buffer.from(payload)
  })()
  return { contentType: 'application/json', body }
}

/** What became of an answer on its way. */
interface Told {
  /** For the log; empty when it is what one would expect. */
  readonly said: string
  readonly clientGone: boolean
  readonly brokenOff: string | null
}

const whole: Told = { said: '', clientGone: false, brokenOff: null }
const clientGone: Told = { said: ', but the client has gone away', clientGone: true, brokenOff: null }

/** Sends a reply, and says what became of it where that is not what one would expect. */
async function send(
  response: ServerResponse,
  reply: Reply,
  own: ReturnType<Gateway['ownHeaders']>,
): Promise<Told> {
  if ('answer' in reply) {
    if (response.destroyed) return clientGone
    sendAnswer(response, reply.answer, own)
    return whole
  }
  const { stream, head } = reply
  sendHead(response, head, own)
  if (!hasBody(head.status, response.req.method)) {
    response.end()
    await discard(stream)
    return whole
  }
  // Out with the head, before there is a body. `flushHeaders` would write its Latin-1 as UTF-8.
  response.write('', 'latin1')
  try {
    await sendStream(response, stream.body)
    return response.destroyed && !response.writableFinished ? clientGone : whole
  } catch (error) {
    const brokenOff = (error as Error).message
    return { said: `, which broke off: ${brokenOff}`, clientGone: response.destroyed, brokenOff }
  }
}

function clientTraceId({ headers }: WireRequest): string | null {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() === 'x-amzn-trace-id') return readTraceId(headers[index + 1])
  }
  return null
}
