import { formatTime } from '../http/time.ts'
import { makeGatewayId } from '../ids.ts'

export const apiId = 'local'
export const stage = 'local'

/** What stays the same in every event of a connection. */
export interface ConnectionFacts {
  readonly connectionId: string
  /** In ms since the epoch. */
  readonly connectedAt: number
  readonly clientAddress: string
  readonly userAgent: string | null
  /** Host and port that the client connected to. */
  readonly domainName: string
}

/** The request that opens a connection. */
export interface Handshake {
  /** Names and values in turn, as sent. */
  readonly headers: readonly string[]
  /** As sent, without the `?`. */
  readonly query: string
  readonly port: number
  readonly traceId: string
}

type EventType = 'CONNECT' | 'MESSAGE' | 'DISCONNECT'

export interface SocketEvent {
  readonly requestContext: Readonly<Record<string, unknown>> & { readonly requestId: string }
  readonly isBase64Encoded: false
  readonly [field: string]: unknown
}

/**
 * The event of a connection that asks to be opened. Headers keep the case of the client, as they do in recorded
 * events; those of the connection itself are not among them.
 *
 * Source: "Lambda proxy integration for WebSocket APIs" of the API Gateway developer guide, and recorded events.
 */
export function connectEvent(facts: ConnectionFacts, handshake: Handshake, nowMs: number): SocketEvent {
  const query = collect([...new URLSearchParams(handshake.query)])
  return {
    ...headerMaps(handshakeHeaders(facts, handshake)),
    ...(query.size > 0 && {
      queryStringParameters: lastOf(query),
      multiValueQueryStringParameters: Object.fromEntries(query),
    }),
    ...common(facts, 'CONNECT', '$connect', nowMs),
  }
}

/** The event of one message. */
export function messageEvent(
  facts: ConnectionFacts,
  route: string,
  body: string,
  nowMs: number,
): SocketEvent {
  return { ...common(facts, 'MESSAGE', route, nowMs, { messageId: makeGatewayId() }), body }
}

/** The event of a connection that has ended. `code` is that of its close frame: 1005 without one, 1006 cut off. */
export function disconnectEvent(
  facts: ConnectionFacts,
  code: number,
  reason: string,
  nowMs: number,
): SocketEvent {
  const headers = [
    ['Host', facts.domainName],
    ['x-api-key', ''],
    ['X-Forwarded-For', ''],
    ['x-restapi', ''],
  ] as const
  const why = { disconnectStatusCode: code, disconnectReason: reason }
  return { ...headerMaps(headers), ...common(facts, 'DISCONNECT', '$disconnect', nowMs, why) }
}

function common(
  facts: ConnectionFacts,
  eventType: EventType,
  routeKey: string,
  nowMs: number,
  more: Readonly<Record<string, unknown>> = {},
) {
  const requestId = makeGatewayId()
  const { connectionId, connectedAt, clientAddress, userAgent, domainName } = facts
  return {
    requestContext: {
      routeKey,
      ...more,
      eventType,
      extendedRequestId: requestId,
      requestTime: formatTime(nowMs),
      messageDirection: 'IN',
      stage,
      connectedAt,
      requestTimeEpoch: nowMs,
      identity: { ...(userAgent !== null && { userAgent }), sourceIp: clientAddress },
      requestId,
      domainName,
      connectionId,
      apiId,
    },
    isBase64Encoded: false as const,
  }
}

const added = ['x-amzn-trace-id', 'x-forwarded-for', 'x-forwarded-port', 'x-forwarded-proto']

function handshakeHeaders(facts: ConnectionFacts, handshake: Handshake): [string, string][] {
  const sent: [string, string][] = []
  for (let at = 0; at + 1 < handshake.headers.length; at += 2)
    sent.push([handshake.headers[at] ?? '', handshake.headers[at + 1] ?? ''])
  const forwarded = sent
    .filter(([name]) => name.toLowerCase() === 'x-forwarded-for')
    .map(([, value]) => value)
  const kept = sent.filter(([name]) => !['connection', 'upgrade', ...added].includes(name.toLowerCase()))
  return [
    ...kept,
    ['X-Amzn-Trace-Id', handshake.traceId],
    ['X-Forwarded-For', [...forwarded, facts.clientAddress].join(', ')],
    ['X-Forwarded-Port', String(handshake.port)],
    ['X-Forwarded-Proto', 'http'],
  ]
}

function headerMaps(headers: readonly (readonly [string, string])[]) {
  const collected = collect(headers)
  return { headers: lastOf(collected), multiValueHeaders: Object.fromEntries(collected) }
}

function collect(pairs: readonly (readonly [string, string])[]): Map<string, string[]> {
  const collected = new Map<string, string[]>()
  for (const [name, value] of pairs) collected.set(name, [...(collected.get(name) ?? []), value])
  return collected
}

/** Of several values the single-value maps of API Gateway have the last. */
function lastOf(collected: ReadonlyMap<string, readonly string[]>): Record<string, string> {
  return Object.fromEntries([...collected].map(([name, values]) => [name, values.at(-1) ?? '']))
}
