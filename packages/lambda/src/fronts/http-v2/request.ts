import { Buffer } from 'node:buffer'
import { MalformedEventError, RequestRefusedError } from '../../errors.ts'
import type { RequestParts } from '../../http/request.ts'
import { encodeDecodedPath, encodeRawPath, encodeRawQuery, originOf, removePrefix } from '../../http/url.ts'
import { type HttpV2Event, text, textList, textPairs } from './event.ts'

/**
 * The request that the client sent, out of a payload format 2.0 event.
 *
 * @param basePath is taken off the path, after the stage; '' for none.
 * @throws MalformedEventError for a field no front would write, RequestRefusedError for a request that no `Request`
 * can stand for.
 */
export function readHttpV2Request(event: HttpV2Event, basePath: string): RequestParts {
  const headers = readHeaders(event)
  const body = readBody(event)
  // A client may have sent the body in chunks, without a length. Behind the front the length is known.
  if (body) headers.set('content-length', String(body.length))
  const forwarded = headers.get('x-forwarded-proto')?.split(',', 1)[0]?.trim().toLowerCase()
  return {
    method: readMethod(event),
    origin: originOf(forwarded === 'http' ? 'http' : 'https', headers.get('host') ?? ''),
    target: readTarget(event, basePath),
    headers: [...headers],
    body,
  }
}

function readMethod(event: HttpV2Event): string {
  const { method } = event.requestContext.http
  if (!isToken(method)) throw new MalformedEventError('requestContext.http.method', 'is no HTTP method.')
  if (/^(?:connect|trace|track)$/i.test(method)) {
    throw new RequestRefusedError(501, `The method ${method} is not implemented.`)
  }
  return method
}

function readTarget(event: HttpV2Event, basePath: string): string {
  const { domainName, stage } = event.requestContext
  const stageName = text(stage, 'requestContext.stage') ?? '$default'
  const isFunctionUrl = text(domainName, 'requestContext.domainName')?.includes('.lambda-url.') ?? false
  const sent = event.rawPath.startsWith('/') ? event.rawPath : `/${event.rawPath}`
  const withoutStage = stageName === '$default' ? sent : removePrefix(sent, `/${stageName}`)
  const path = basePath === '' ? withoutStage : removePrefix(withoutStage, basePath)
  const query = readQuery(event)
  return (isFunctionUrl ? encodeRawPath(path) : encodeDecodedPath(path)) + (query === '' ? '' : `?${query}`)
}

function readQuery(event: HttpV2Event): string {
  const raw = text(event.rawQueryString, 'rawQueryString')
  if (raw !== null) return encodeRawQuery(raw)
  // Fronts always send the raw one; events written by hand often carry the map alone.
  return new URLSearchParams(textPairs(event.queryStringParameters, 'queryStringParameters')).toString()
}

function readHeaders(event: HttpV2Event): Map<string, string> {
  const headers = new Map<string, string>()
  for (const [name, value] of textPairs(event.headers, 'headers')) addHeader(headers, name, value)
  // A Function URL sends cookies both ways, an HTTP API in this list alone.
  const cookies = textList(event.cookies, 'cookies')
  if (cookies.length > 0) {
    headers.delete('cookie')
    addHeader(headers, 'cookie', cookies.join('; '))
  }
  if (!headers.get('host')) {
    headers.set('host', text(event.requestContext.domainName, 'requestContext.domainName') || 'localhost')
  }
  return headers
}

function addHeader(headers: Map<string, string>, name: string, value: string): void {
  if (!isToken(name)) throw new MalformedEventError(`headers.${name}`, 'is no HTTP header name.')
  if (/[\0\r\n]/.test(value)) throw new MalformedEventError(`headers.${name}`, 'holds a line break or NUL.')
  const key = name.toLowerCase()
  const before = headers.get(key)
  headers.set(key, before === undefined ? headerBytes(value) : `${before}, ${headerBytes(value)}`)
}

// Fronts decode header bytes as UTF-8; a `Headers` value, like Node's, holds one character for each byte.
function headerBytes(value: string): string {
  return /[^\0-\x7f]/.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value
}

function isToken(value: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(value)
}

function readBody(event: HttpV2Event): Uint8Array<ArrayBuffer> | null {
  const body = text(event.body, 'body')
  if (body === null || body === '') return null
  if (event.isBase64Encoded !== true) return Buffer.from(body, 'utf8')
  const bytes = Buffer.from(body, 'base64')
  // Buffer skips what is not base64, which would damage the body in silence.
  if (bytes.length !== Math.floor((body.replace(/=+$/, '').length * 3) / 4)) {
    throw new MalformedEventError('body', 'is marked as base64 but holds other characters.')
  }
  return bytes
}
