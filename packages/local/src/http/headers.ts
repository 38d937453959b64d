import type { WireRequest } from './request.ts'

/** Belong to one connection, so a gateway does not pass them on. RFC 9110, 7.6.1, and `Expect`, which is its own. */
const hopByHop = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** A header of a request, its values in order. */
export interface RequestHeader {
  /** In lower case. */
  readonly name: string
  /** As the client wrote it first. */
  readonly spelling: string
  readonly values: string[]
}

/** The headers of a request that reach a function, by their names in lower case. */
export function collectHeaders(raw: readonly string[]): Map<string, RequestHeader> {
  const headers = new Map<string, RequestHeader>()
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const spelling = raw[index] ?? ''
    const value = raw[index + 1] ?? ''
    const name = spelling.toLowerCase()
    const before = headers.get(name)
    if (before === undefined) headers.set(name, { name, spelling, values: [value] })
    else before.values.push(value)
  }
  for (const list of headers.get('connection')?.values ?? []) {
    for (const name of list.split(',')) headers.delete(name.trim().toLowerCase())
  }
  for (const name of hopByHop) headers.delete(name)
  return headers
}

/** Sets a header to one value, in its place if it is there already. */
export function setHeader(headers: Map<string, RequestHeader>, spelling: string, value: string): void {
  const name = spelling.toLowerCase()
  headers.set(name, { name, spelling: headers.get(name)?.spelling ?? spelling, values: [value] })
}

/** Adds what a gateway tells of the connection that a request came by. */
export function addForwarded(
  headers: Map<string, RequestHeader>,
  request: WireRequest,
  traceId: string,
): Map<string, RequestHeader> {
  const before = headers.get('x-forwarded-for')?.values ?? []
  setHeader(headers, 'X-Amzn-Trace-Id', traceId)
  setHeader(headers, 'X-Forwarded-For', [...before, request.clientAddress].join(', '))
  setHeader(headers, 'X-Forwarded-Port', String(request.port))
  setHeader(headers, 'X-Forwarded-Proto', 'http')
  return headers
}

/** Bytes of the header values together. */
export function headerValueBytes({ headers }: WireRequest): number {
  let bytes = 0
  for (let index = 1; index < headers.length; index += 2) bytes += Buffer.byteLength(headers[index] ?? '')
  return bytes
}

/** Bytes of `GET /path?query HTTP/1.1`. */
export function requestLineBytes({ method, path, query, protocol }: WireRequest): number {
  return method.length + path.length + query.length + protocol.length + (query === '' ? 2 : 3)
}
