import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { inspect } from 'node:util'
import type { App } from '@thaw/app'
import type { Outcome } from '../environment/outcome.ts'
import { type WholeOutcome, whole } from '../environment/whole.ts'
import { LocalError } from '../errors.ts'
import { decodeHeader } from '../http/request.ts'
import { makeGatewayId, makeTraceId } from '../ids.ts'
import type { Log } from '../log.ts'
import { within } from '../within.ts'
import { type Connection, type ConnectionLimits, openConnection } from './connection.ts'
import {
  type ConnectionFacts,
  connectEvent,
  disconnectEvent,
  messageEvent,
  type SocketEvent,
} from './event.ts'
import { messageLimitBytes } from './frames.ts'
import { isHandshake, readVerdict, refuse, type Verdict } from './handshake.ts'
import { manageConnections } from './management.ts'
import { routeOf, socketRoutes } from './routes.ts'

/** How long API Gateway waits for a function behind a WebSocket API, ms. */
const longestMs = 29_000

export interface WebSocketOptions extends Partial<ConnectionLimits> {
  /** How long a function may take, in ms; 29 s, as on AWS, when absent. */
  readonly integrationTimeoutMs?: number
}

export interface WebSocketApiOptions extends WebSocketOptions {
  /** Asked for every event, because the application may change meanwhile. */
  app(): App
  invoke(functionName: string, event: string, traceId: string): Promise<Outcome>
  /** Whether a function is waited for however long it takes. */
  isUntimed(functionName: string): boolean
  readonly log: Log
}

/** A WebSocket API on the server of somebody else. */
export interface WebSocketApi {
  /** Whether this request to upgrade is for the WebSocket API. */
  wants(incoming: IncomingMessage): boolean
  /** Takes what the server's `upgrade` event gives. */
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Answers `/@connections/{id}`, with or without the stage in front; false leaves the request alone. */
  manage(incoming: IncomingMessage, response: ServerResponse): boolean
  /** Cuts every connection off. */
  close(): void
}

type Ws = typeof import('ws')

/** What API Gateway tells a client instead of an answer. */
type Complaint = 'Forbidden' | 'Internal server error' | 'Endpoint request timed out'

/**
 * A WebSocket API with one stage. Any path will do to connect, as long as the application has a function for
 * WebSocket events. The answers of functions go nowhere but for `$connect`: routes have no route response.
 */
export function createWebSocketApi(options: WebSocketApiOptions): WebSocketApi {
  const { log, idleMs = 10 * 60_000, lifetimeMs = 2 * 60 * 60_000 } = options
  const timeoutMs = options.integrationTimeoutMs ?? longestMs
  const connections = new Map<string, Connection>()
  /** Also of clients that are not let in yet, or were refused: the server does not count them as its own any more. */
  const sockets = new Set<Duplex>()
  let closed = false
  let library: Promise<Ws> | null = null
  const routes = () => socketRoutes(options.app())

  async function ask(functionName: string, event: SocketEvent, traceId: string) {
    const outcome = await options.invoke(functionName, JSON.stringify(event), traceId)
    return { ...outcome, ...(await whole(outcome)) }
  }

  /** The outcome; or a complaint, which the log has then. */
  async function run(route: string, event: SocketEvent, traceId: string): Promise<WholeOutcome | Complaint> {
    const functionName = routes().get(route)
    if (functionName === undefined) return 'Forbidden'
    const say = (what: string) => log(`websocket ${route} ${what}`, 'request')
    try {
      const limitMs = options.isUntimed(functionName) ? Number.POSITIVE_INFINITY : timeoutMs
      const outcome = await within(limitMs, ask(functionName, event, traceId))
      if (outcome === null) {
        say(`${functionName} took more than ${timeoutMs / 1000} s`)
        return 'Endpoint request timed out'
      }
      say(`${outcome.functionError === null ? 'done by' : 'failed in'} ${outcome.environmentId}`)
      return outcome.functionError === null ? outcome : 'Internal server error'
    } catch (error) {
      if (!(error instanceof LocalError)) throw error
      if (error.code !== 'CLOSED') say(error.message)
      return 'Internal server error'
    }
  }

  async function decide(facts: ConnectionFacts, incoming: IncomingMessage): Promise<Verdict> {
    if (!routes().has('$connect')) return { status: 200, protocol: null, body: '' }
    const traceId = makeTraceId(Date.now())
    const url = incoming.url ?? '/'
    const event = connectEvent(
      facts,
      {
        headers: incoming.rawHeaders.map(decodeHeader),
        query: url.includes('?') ? url.slice(url.indexOf('?') + 1) : '',
        port: incoming.socket.localPort ?? 0,
        traceId,
      },
      facts.connectedAt,
    )
    const outcome = await run('$connect', event, traceId)
    const verdict = typeof outcome === 'string' ? null : readVerdict(outcome)
    if (verdict !== null && verdict.status !== 502) return verdict
    const status = outcome === 'Endpoint request timed out' ? 504 : 502
    const message = typeof outcome === 'string' ? outcome : 'Internal server error'
    return { status, protocol: null, body: complaint(message, facts, event) }
  }

  async function accept(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const facts = factsOf(incoming)
    // While a function decides, nobody else watches the socket.
    const ignore = () => {}
    socket.on('error', ignore)
    if (!isHandshake(incoming)) return refuse(socket, 400, '')
    const verdict = await decide(facts, incoming)
    if (verdict.status >= 300) return refuse(socket, verdict.status, verdict.body)
    if (closed) return void socket.destroy()
    library ??= import('ws')
    const { WebSocketServer } = await library
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: messageLimitBytes,
      handleProtocols: (offered) =>
        verdict.protocol !== null && offered.has(verdict.protocol) && verdict.protocol,
    })
    let upgraded = false
    server.handleUpgrade(incoming, socket, head, (client) => {
      upgraded = true
      socket.off('error', ignore)
      const connection = openConnection(
        facts,
        client,
        socket,
        { idleMs, lifetimeMs },
        {
          onMessage: (text) => settle(receive(connection, text)),
          onClose: (code, reason) => {
            connections.delete(facts.connectionId)
            settle(leave(facts, code, reason))
          },
        },
      )
      connections.set(facts.connectionId, connection)
    })
    // The client that was let in has gone meanwhile.
    if (!upgraded && socket.destroyed) await leave(facts, 1006, 'Connection closed abnormally')
  }

  async function receive(connection: Connection, text: string): Promise<void> {
    const { facts } = connection
    const route = routeOf(text, routes())
    const event = messageEvent(facts, route ?? '$default', text, Date.now())
    const outcome = route === null ? 'Forbidden' : await run(route, event, makeTraceId(Date.now()))
    if (typeof outcome === 'string') await connection.send(complaint(outcome, facts, event))
  }

  async function leave(facts: ConnectionFacts, code: number, reason: string): Promise<void> {
    if (closed || !routes().has('$disconnect')) return
    const now = Date.now()
    await run('$disconnect', disconnectEvent(facts, code, reason, now), makeTraceId(now))
  }

  function settle(work: Promise<void>): void {
    work.catch((error: unknown) => log(`websocket: ${inspect(error)}`, 'simulator'))
  }

  return {
    wants: (incoming) => incoming.headers.upgrade?.toLowerCase() === 'websocket' && routes().size > 0,
    upgrade(incoming, socket, head) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      accept(incoming, socket, head).catch((error: unknown) => {
        socket.destroy()
        if (!closed) log(`websocket: ${inspect(error)}`, 'simulator')
      })
    },
    manage: (incoming, response) => routes().size > 0 && manageConnections(connections, incoming, response),
    close() {
      closed = true
      for (const connection of connections.values()) connection.destroy()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function factsOf(incoming: IncomingMessage): ConnectionFacts {
  return {
    connectionId: makeGatewayId(),
    connectedAt: Date.now(),
    clientAddress: (incoming.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    userAgent: incoming.headers['user-agent'] ?? null,
    domainName: incoming.headers.host ?? `localhost:${incoming.socket.localPort}`,
  }
}

function complaint(message: Complaint, facts: ConnectionFacts, event: SocketEvent): string {
  const { requestId } = event.requestContext
  return JSON.stringify({ message, connectionId: facts.connectionId, requestId })
}
