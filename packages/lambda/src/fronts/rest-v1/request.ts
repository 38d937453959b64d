import type { RequestParts } from '../../http/request.ts'
import { encodeRawPath, stripPrefixes } from '../../http/url.ts'
import { text } from '../fields.ts'
import { readHeaders } from '../headers.ts'
import { assembleRequest, encodePairs, queryPairs } from '../request.ts'
import type { RestV1Event } from './event.ts'

/** The request that the client sent, out of a REST API's event; see `Exchange.readRequest`. */
export function readRestV1Request(event: RestV1Event, basePath: string): RequestParts {
  const context = event.requestContext ?? {}
  return assembleRequest(event, {
    method: event.httpMethod,
    methodField: 'httpMethod',
    headers: readHeaders(event.headers, event.multiValueHeaders),
    domainName: text(context.domainName, 'requestContext.domainName'),
    path: encodeRawPath(stripPrefixes(event.path, [stageOf(event), basePath])),
    query: encodePairs(queryPairs(event)),
  })
}

// A REST API leaves the stage out of `path`; an HTTP API leaves it in, also in format 1.0.
function stageOf({ version, requestContext }: RestV1Event): string {
  const stage = text(requestContext?.stage, 'requestContext.stage')
  return version === '1.0' && stage !== null && stage !== '$default' ? `/${stage}` : ''
}
