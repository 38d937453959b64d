import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { matchRoute, type Route } from '@thaw/app'
import type { Outcome } from '../environment/outcome.ts'
import { LocalError } from '../errors.ts'
import { makeGatewayId, makeTraceId } from '../ids.ts'
import type { Log } from '../log.ts'
import { within } from '../within.ts'
import { type HttpAnswer, MalformedAnswer, readAnswer } from './answer.ts'
import { buildEvent } from './event.ts'
import { readRequest, type WireRequest } from './request.ts'

/** A route and the function behind it. */
export type FunctionRoute = Route & { readonly functionName: string }

export interface FrontOptions {
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
  /** Asked for every request, because the application may change meanwhile. */
  routes(): readonly FunctionRoute[]
  /** Runs a function with an event (JSON). */
  invoke(functionName: string, event: string, traceId: string): Promise<Outcome>
  /** How long a function may take before the client gets 503. */
  readonly timeoutMs: number
  readonly log: Log
  /** Sees every request first: true when it answers the request itself. */
  intercept?(incoming: IncomingMessage, response: ServerResponse): boolean
  /** Whether a request to upgrade goes to the server's `upgrade` event; any other is a plain request. */
  upgrades?(incoming: IncomingMessage): boolean
}

export interface Front {
  /** `http://127.0.0.1:3000`. */
  readonly url: string
  readonly server: Server
  close(): Promise<void>
}

/**
 * An HTTP API (payload format 2.0) on a port of this machine. Throws `LocalError` `PORT_IN_USE` or
 * `LISTEN_FAILED`.
 */
export async function startFront(options: FrontOptions): Promise<Front> {
  const shouldUpgradeCallback = (incoming: IncomingMessage) => options.upgrades?.(incoming) ?? false
  const server = createServer({ shouldUpgradeCallback }, (incoming, response) => {
    if (options.intercept?.(incoming, response)) return
    handle(options, incoming, response).catch((error: unknown) => {
      // A client that went away has nobody to answer, and a simulator that was closed nobody who answers.
      const expected = incoming.destroyed && !incoming.complete
      const closed = error instanceof LocalError && error.code === 'CLOSED'
      if (!expected && !closed)
        options.log(`${incoming.method} ${incoming.url}: ${inspect(error)}`, 'simulator')
      response.destroy()
    })
  })
  const { host } = options
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, options.port)))
    server.listen(options.port, host, resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): LocalError {
  if (error.code === 'EADDRINUSE') {
    const message = `port ${port} of ${host} is in use; choose another one, or 0 for any that is free`
    return new LocalError('PORT_IN_USE', message, { cause: error })
  }
  return new LocalError('LISTEN_FAILED', `cannot listen on port ${port} of ${host}: ${error.message}`, {
    cause: error,
  })
}

interface Reply extends HttpAnswer {
  /** For the line in the log. */
  readonly by: string
}

async function handle(
  options: FrontOptions,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedAt = performance.now()
  const gatewayId = makeGatewayId()
  const request = await readRequest(incoming)
  const reply = request === null ? problem(413, 'the request') : await dispatch(options, request, gatewayId)
  // What was left unread of a request that is too large would be taken for the next one.
  if (request === null) response.setHeader('connection', 'close')
  send(response, reply, gatewayId)
  const ms = (performance.now() - startedAt).toFixed(1)
  options.log(`${incoming.method} ${incoming.url} ${reply.status} ${ms} ms ${reply.by}`, 'request')
}

async function dispatch(options: FrontOptions, request: WireRequest, gatewayId: string): Promise<Reply> {
  const match = matchRoute(options.routes(), request.method, request.path)
  if (match === null) return problem(404, 'no route')
  const nowMs = Date.now()
  const traceId = clientTraceId(request) ?? makeTraceId(nowMs)
  const event = buildEvent(request, {
    routeKey: match.route.key,
    pathParameters: match.parameters,
    requestId: gatewayId,
    traceId,
    nowMs,
  })
  try {
    const invocation = options.invoke(match.route.functionName, JSON.stringify(event), traceId)
    const outcome = await within(options.timeoutMs, invocation)
    if (outcome === null)
      return problem(503, `${match.route.functionName} took more than ${options.timeoutMs / 1000} s`)
    return replyOf(outcome, request.method)
  } catch (error) {
    if (!(error instanceof LocalError)) throw error
    if (error.code === 'TOO_MANY_REQUESTS') return problem(429, error.message)
    if (error.code === 'EVENT_TOO_LARGE') return problem(413, error.message)
    throw error
  }
}

function replyOf(outcome: Outcome, method: string): Reply {
  const cold = outcome.initMs === null ? '' : ` (cold start ${outcome.initMs.toFixed(0)} ms)`
  const by = outcome.environmentId + cold
  if (outcome.functionError !== null) return problem(500, by)
  try {
    const answer = readAnswer(outcome.payload)
    return { ...answer, ...(method === 'HEAD' ? { body: Buffer.alloc(0) } : {}), by }
  } catch (error) {
    if (!(error instanceof MalformedAnswer)) throw error
    return problem(500, `${by}: ${error.message}`)
  }
}

const messages: Readonly<Record<number, string>> = {
  404: 'Not Found',
  413: 'Request Entity Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** An answer of the gateway's own. */
function problem(status: number, by: string): Reply {
  const body = Buffer.from(JSON.stringify({ message: messages[status] }))
  return { status, headers: [['content-type', 'application/json']], body, by }
}

function send(response: ServerResponse, reply: Reply, gatewayId: string): void {
  for (const [name, value] of reply.headers) response.appendHeader(name, value)
  response.setHeader('apigw-requestid', gatewayId)
  const bodiless = reply.status === 204 || reply.status === 304
  if (!bodiless && response.req.method !== 'HEAD') response.setHeader('content-length', reply.body.length)
  response.writeHead(reply.status)
  response.end(bodiless ? undefined : reply.body)
}

function clientTraceId(request: WireRequest): string | null {
  const at = request.headers.findIndex(
    (name, index) => index % 2 === 0 && name.toLowerCase() === 'x-amzn-trace-id',
  )
  const value = at < 0 ? undefined : request.headers[at + 1]
  return value?.startsWith('Root=1-') === true ? value : null
}
