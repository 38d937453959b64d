import { InvalidBodyError, NotSocketEventError } from '../errors.ts'
import { describe, isObject, textPairs, wordOrNull } from '../fronts/fields.ts'

/** An event of a WebSocket API, as a handler gets it. */
export interface SocketEvent {
  /** The id of the connection, for `connections.send`. */
  readonly connectionId: string
  /** `$connect`, `$disconnect`, `$default`, or a route of the API. */
  readonly route: string
  /** Headers and query of the request that opened the connection; both are empty for messages. */
  readonly headers: ReadonlyMap<string, string>
  readonly query: ReadonlyMap<string, string>
  /** Address of the client; null when the event does not say. */
  readonly clientAddress: string | null
  /** What a Lambda authorizer returned for the connection; null without one. */
  readonly authorizer: Readonly<Record<string, unknown>> | null
  /** What the client sent; empty for `$connect` and `$disconnect`. */
  readonly body: string | Uint8Array
  /** The body as JSON. Throws `InvalidBodyError`. */
  json(): unknown
  readonly event: unknown
}

type Kind = 'CONNECT' | 'DISCONNECT' | 'MESSAGE'

/** Throws `NotSocketEventError`. */
export function readSocketEvent(event: unknown): SocketEvent & { readonly kind: Kind } {
  const fields = isObject(event) ? event : {}
  const context = isObject(fields.requestContext) ? fields.requestContext : {}
  const { connectionId, eventType, routeKey, identity, authorizer } = context
  if (typeof connectionId !== 'string' || typeof routeKey !== 'string' || !isKind(eventType)) {
    throw new NotSocketEventError(describe(event))
  }
  const text = typeof fields.body === 'string' ? fields.body : ''
  const body = fields.isBase64Encoded === true ? Buffer.from(text, 'base64') : text
  return {
    kind: eventType,
    connectionId,
    route: routeKey,
    headers: new Map(
      textPairs(fields.headers, 'headers').map(([name, value]) => [name.toLowerCase(), value]),
    ),
    query: new Map(textPairs(fields.queryStringParameters, 'queryStringParameters')),
    clientAddress: isObject(identity) ? wordOrNull(identity.sourceIp) : null,
    authorizer: isObject(authorizer) ? authorizer : null,
    body,
    json() {
      try {
        return JSON.parse(String(body))
      } catch (error) {
        throw new InvalidBodyError(`The message of connection ${connectionId}`, 'is no JSON.', error)
      }
    },
    event,
  }
}

function isKind(value: unknown): value is Kind {
  return value === 'CONNECT' || value === 'DISCONNECT' || value === 'MESSAGE'
}

/** Where the connections of the API that made `event` are managed; null for any other event. */
export function endpointOf(event: unknown): string | null {
  const context = isObject(event) && isObject(event.requestContext) ? event.requestContext : {}
  const { connectionId, domainName, stage, apiId } = context
  if (![connectionId, domainName, stage].every((field) => typeof field === 'string')) return null
  // A custom domain maps paths to stages in ways that the event does not tell.
  const host = String(domainName).includes('.execute-api.')
    ? domainName
    : `${apiId}.execute-api.${process.env.AWS_REGION}.amazonaws.com`
  return `https://${host}/${stage}`
}
