import type { RequestParts } from '../../http/request.ts'
import { encodeRawPath, encodeRawQuery, stripPrefixes } from '../../http/url.ts'
import { readHeaders } from '../headers.ts'
import { assembleRequest, queryPairs } from '../request.ts'
import type { AlbEvent } from './event.ts'

/** The request that the client sent, out of a load balancer's event; see `Exchange.readRequest`. */
export function readAlbRequest(event: AlbEvent, basePath: string): RequestParts {
  return assembleRequest(event, {
    method: event.httpMethod,
    methodField: 'httpMethod',
    headers: readHeaders(event.headers, event.multiValueHeaders),
    domainName: null,
    path: encodeRawPath(stripPrefixes(event.path, [basePath])),
    query: readQuery(event),
  })
}

function readQuery(event: AlbEvent): string {
  const pairs = queryPairs(event)
  return encodeRawQuery(pairs.map(([name, value]) => `${name}=${value}`).join('&'))
}
