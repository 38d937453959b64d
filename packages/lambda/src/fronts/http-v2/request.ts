import type { RequestParts } from '../../http/request.ts'
import { encodeDecodedPath, encodeRawPath, encodeRawQuery, stripPrefixes } from '../../http/url.ts'
import { text, textList, textPairs, wordOrNull } from '../fields.ts'
import { addHeader, readHeaders } from '../headers.ts'
import { assembleRequest, encodePairs } from '../request.ts'
import type { HttpV2Event } from './event.ts'

/** The request that the client sent, out of a payload format 2.0 event; see `Exchange.readRequest`. */
export function readHttpV2Request(event: HttpV2Event, basePath: string): RequestParts {
  const { http, domainName } = event.requestContext
  return assembleRequest(event, {
    method: http.method,
    methodField: 'requestContext.http.method',
    headers: readAllHeaders(event),
    domainName: text(domainName, 'requestContext.domainName'),
    path: readPath(event, basePath),
    query: readQuery(event),
  })
}

/** Function URLs have a domain of their own, which custom domains do not hide: CloudFront must send it too. */
export function isFunctionUrl({ requestContext }: HttpV2Event): boolean {
  return wordOrNull(requestContext.domainName)?.includes('.lambda-url.') ?? false
}

function readPath(event: HttpV2Event, basePath: string): string {
  const stage = text(event.requestContext.stage, 'requestContext.stage') ?? '$default'
  const path = stripPrefixes(event.rawPath, [stage === '$default' ? '' : `/${stage}`, basePath])
  return isFunctionUrl(event) ? encodeRawPath(path) : encodeDecodedPath(path)
}

function readQuery(event: HttpV2Event): string {
  const raw = text(event.rawQueryString, 'rawQueryString')
  if (raw !== null) return encodeRawQuery(raw)
  // Fronts always send the raw one; events written by hand often carry the map alone.
  return encodePairs(textPairs(event.queryStringParameters, 'queryStringParameters'))
}

function readAllHeaders(event: HttpV2Event): Map<string, string> {
  const headers = readHeaders(event.headers)
  // A Function URL sends cookies both ways, an HTTP API in this list alone.
  const cookies = textList(event.cookies, 'cookies')
  if (cookies.length === 0) return headers
  headers.delete('cookie')
  addHeader(headers, 'cookie', cookies.join('; '))
  return headers
}
