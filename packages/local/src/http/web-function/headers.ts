import type { HeaderField } from '../gateway.ts'
import { collectHeaders, type RequestHeader } from '../headers.ts'

/** Besides those of the connection; and whatever begins with `lambda-web-`. */
const dropped = new Set([
  'proxy-authenticate',
  'proxy-authorization',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-real-ip',
])

const dropsResponse = new Set(['proxy-authenticate', 'proxy-authorization'])

export interface RequestFacts {
  readonly requestId: string
  readonly clientAddress: string
  /** Whether the body comes in chunks, so that its size is not known. */
  readonly chunked: boolean
}

/**
 * The headers that a Web Function gets, names and values in turn: those of the client but for what is of the
 * connection, and what Lambda adds. There is neither a trace id nor `x-forwarded-proto` among them.
 *
 * Source: "HTTP requests and responses" of Web Functions in the Lambda developer guide.
 *
 * @param raw names and values in turn, as Node reads them.
 */
export function requestHeaders(raw: readonly string[], facts: RequestFacts): string[] {
  const headers = collectHeaders(raw)
  for (const name of headers.keys()) {
    if (dropped.has(name) || name.startsWith('lambda-web-')) headers.delete(name)
  }
  const forwarded = headers.get('x-forwarded-for')?.values ?? []
  headers.delete('x-forwarded-for')
  return [
    ...flatten(headers.values()).flat(),
    'x-forwarded-for',
    [...forwarded, facts.clientAddress].join(', '),
    'lambda-web-request-id',
    facts.requestId,
    'lambda-web-endpoint-name',
    'live',
    ...(facts.chunked ? ['transfer-encoding', 'chunked'] : []),
    // A server that answers early and closes breaks a connection by which the request is still sent.
    ...['connection', 'keep-alive'],
  ]
}

/** The headers of the function's answer that get to the client. */
export function responseHeaders(raw: readonly string[]): HeaderField[] {
  const headers = collectHeaders(raw)
  for (const name of dropsResponse) headers.delete(name)
  return flatten(headers.values())
}

function flatten(headers: Iterable<RequestHeader>): HeaderField[] {
  return [...headers].flatMap(({ spelling, values }) => values.map((value): HeaderField => [spelling, value]))
}
