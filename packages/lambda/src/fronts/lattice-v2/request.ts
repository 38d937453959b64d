import type { RequestParts } from '../../http/request.ts'
import { encodeRawPath, encodeRawQuery, stripPrefixes } from '../../http/url.ts'
import { textPairs } from '../fields.ts'
import { readHeaders } from '../headers.ts'
import { assembleRequest, encodePairs } from '../request.ts'
import type { LatticeV2Event } from './event.ts'

/** The request that the client sent, out of a VPC Lattice event; see `Exchange.readRequest`. */
export function readLatticeV2Request(event: LatticeV2Event, basePath: string): RequestParts {
  const [path, query] = splitPath(event)
  return assembleRequest(event, {
    method: event.method,
    methodField: 'method',
    headers: readHeaders(event.headers),
    domainName: null,
    path: encodeRawPath(stripPrefixes(path, [basePath])),
    query,
  })
}

// The query behind the path is as the client sent it; the map counts where there is none, in events written by hand.
function splitPath({ path, queryStringParameters }: LatticeV2Event): [path: string, query: string] {
  const mark = path.indexOf('?')
  if (mark >= 0) return [path.slice(0, mark), encodeRawQuery(path.slice(mark + 1))]
  return [path, encodePairs(textPairs(queryStringParameters, 'queryStringParameters'))]
}
