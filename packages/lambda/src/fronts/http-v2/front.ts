import type { Exchange } from '../exchange.ts'
import { type Fields, wordOrNull } from '../fields.ts'
import { writeHttpV2Answer, writeHttpV2Head } from './answer.ts'
import { type HttpV2Event, isHttpV2Event } from './event.ts'
import { readHttpV2Identity } from './identity.ts'
import { isFunctionUrl, readHttpV2Request } from './request.ts'

/** An HTTP API with payload format 2.0, or a Function URL; null for anything else. */
export function openHttpV2Event(fields: Fields): Exchange | null {
  if (!isHttpV2Event(fields)) return null
  const event = fields as unknown as HttpV2Event
  const { http } = event.requestContext
  return {
    event,
    method: http.method,
    path: event.rawPath,
    readRequest: (basePath) => readHttpV2Request(event, basePath),
    readCaller: () => ({
      address: wordOrNull(http.sourceIp),
      identity: readHttpV2Identity(event.requestContext),
    }),
    writeAnswer: writeHttpV2Answer,
    writeHead: isFunctionUrl(event) ? writeHttpV2Head : null,
  }
}
