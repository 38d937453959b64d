import type { RequestParts } from '../../http/request.ts'
import { encodeRawPath, encodeRawQuery, stripPrefixes } from '../../http/url.ts'
import { mergedPairs } from '../fields.ts'
import { addHeader, assembleRequest } from '../request.ts'
import type { AlbEvent } from './event.ts'

/** The request that the client sent, out of a load balancer's event; see `Exchange.readRequest`. */
export function readAlbRequest(event: AlbEvent, basePath: string): RequestParts {
  const headers = new Map<string, string>()
  for (const [name, value] of readHeaders(event)) addHeader(headers, name, value)
  return assembleRequest({
    method: event.httpMethod,
    methodField: 'httpMethod',
    headers,
    domainName: null,
    path: encodeRawPath(stripPrefixes(event.path, [basePath])),
    query: readQuery(event),
    body: event.body,
    isBase64Encoded: event.isBase64Encoded,
  })
}

function readHeaders({ headers, multiValueHeaders }: AlbEvent) {
  return mergedPairs(multiValueHeaders, headers, 'headers', 'multiValueHeaders', (name) => name.toLowerCase())
}

function readQuery({ queryStringParameters, multiValueQueryStringParameters }: AlbEvent): string {
  const pairs = mergedPairs(
    multiValueQueryStringParameters,
    queryStringParameters,
    'queryStringParameters',
    'multiValueQueryStringParameters',
    (name) => name,
  )
  return encodeRawQuery(pairs.map(([name, value]) => `${name}=${value}`).join('&'))
}
