import type { RequestParts } from '../../http/request.ts'
import { encodeRawPath, encodeRawQuery, stripPrefixes } from '../../http/url.ts'
import { readHeaders } from '../headers.ts'
import { assembleRequest, queryPairs } from '../request.ts'
import type { AlbEvent } from './event.ts'

/** The request that the client sent, out of a load balancer's event; see `Exchange.readRequest`. */
export function readAlbRequest(event: AlbEvent, basePath: string): RequestParts {
  return assembleRequest({
    method: event.httpMethod,
    methodField: 'httpMethod',
    headers: readHeaders(event.headers, event.multiValueHeaders),
    domainName: null,
    path: encodeRawPath(stripPrefixes(event.path, [basePath])),
    query: readQuery(event),
    body: event.body,
    isBase64Encoded: event.isBase64Encoded,
  })
}

function readQuery(event: AlbEvent): string {
  const pairs = queryPairs(event)
  return encodeRawQuery(pairs.map(([name, value]) => `${name}=${value}`).join('&'))
}
