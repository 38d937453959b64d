import { MalformedEventError, RequestRefusedError } from '../errors.ts'
import type { RequestParts } from '../http/request.ts'
import { originOf } from '../http/url.ts'
import { text, textPairs } from './fields.ts'
import { isToken } from './headers.ts'

/** What every front says of a request, each in its own words. */
interface Found {
  readonly method: string
  /** Where the event has the method, for an error message. */
  readonly methodField: string
  readonly headers: Map<string, string>
  /** Stands in for a `Host` header that is missing; null for `localhost`. */
  readonly domainName: string | null
  /** Encoded, begins with `/`. */
  readonly path: string
  /** Encoded, without `?`; '' for none. */
  readonly query: string
}

/** Which all fronts call the same. */
interface EventBody {
  readonly body?: unknown
  readonly isBase64Encoded?: unknown
}

/** Throws `MalformedEventError` and `RequestRefusedError`, as `Exchange.readRequest` says. */
export function assembleRequest(given: EventBody | Uint8Array<ArrayBuffer>, found: Found): RequestParts {
  const { headers } = found
  const bytes = given instanceof Uint8Array ? given : readBody(given)
  const body = bytes?.length ? bytes : null
  // A client may have sent the body in chunks, without a length. Behind the front the length is known.
  if (body) headers.set('content-length', String(body.length))
  if (!headers.get('host')) headers.set('host', found.domainName || 'localhost')
  const forwarded = headers.get('x-forwarded-proto')?.split(',', 1)[0]?.trim().toLowerCase()
  return {
    method: checkMethod(found.method, found.methodField),
    origin: originOf(forwarded === 'http' ? 'http' : 'https', headers.get('host') ?? ''),
    target: found.query === '' ? found.path : `${found.path}?${found.query}`,
    headers,
    body,
  }
}

/** No `Request` can have them. https://fetch.spec.whatwg.org/#forbidden-method */
const refusedMethods = new Set(['CONNECT', 'TRACE', 'TRACK'])

function checkMethod(method: string, field: string): string {
  if (!isToken(method)) throw new MalformedEventError(field, 'is no HTTP method.')
  if (refusedMethods.has(method.toUpperCase())) {
    throw new RequestRefusedError(501, `The method ${method} is not implemented.`)
  }
  return method
}

/**
 * The query of an event that says it twice: in a map of lists, which has everything, and in a map of single values,
 * which counts for names that only it has (events written by hand). Throws `MalformedEventError`.
 */
export function queryPairs(event: {
  readonly queryStringParameters?: unknown
  readonly multiValueQueryStringParameters?: unknown
}): [name: string, value: string][] {
  const pairs = textPairs(event.multiValueQueryStringParameters, 'multiValueQueryStringParameters')
  const singles = textPairs(event.queryStringParameters, 'queryStringParameters')
  if (pairs.length === 0) return singles
  const known = new Set(pairs.map(([name]) => name))
  return [...pairs, ...singles.filter(([name]) => !known.has(name))]
}

/** A query string of pairs that the front has decoded. */
export function encodePairs(pairs: readonly (readonly [name: string, value: string])[]): string {
  const encode = (part: string) => encodeURIComponent(part.toWellFormed())
  return pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
}

function readBody({ body: value, isBase64Encoded }: EventBody): Uint8Array<ArrayBuffer> | null {
  const body = text(value, 'body')
  if (body === null) return null
  if (isBase64Encoded !== true) return Buffer.from(body)
  const bytes = Buffer.from(body, 'base64')
  // Buffer skips what is not base64, which would damage the body in silence.
  if (bytes.length !== Math.floor((body.replace(/=+$/, '').length * 3) / 4)) {
    throw new MalformedEventError('body', 'is marked as base64 but holds other characters.')
  }
  return bytes
}

/**
 * Who spoke to the front, by the header to which the front has added the address it saw; null without one.
 *
 * @param maps of headers, as the event has them; whether they are sound is found out when the request is read.
 */
export function lastForwarded(...maps: unknown[]): string | null {
  for (const map of maps) {
    for (const [name, value] of Object.entries(map ?? {})) {
      if (name.toLowerCase() !== 'x-forwarded-for') continue
      const last = String(value).split(',').at(-1)?.trim()
      // A load balancer adds the port as well where `xff_client_port` asks for it.
      return last?.replace(/^(?:\[([^\]]+)\]|([\d.]+)):\d+$/, '$1$2') || null
    }
  }
  return null
}
