import type { Exchange } from '../exchange.ts'
import { type Fields, wordOrNull } from '../fields.ts'
import { writeRestV1Answer, writeRestV1Head } from './answer.ts'
import { isRestV1Event, type RestV1Event } from './event.ts'
import { readRestV1Identity } from './identity.ts'
import { readRestV1Request } from './request.ts'

/** A REST API, an HTTP API with payload format 1.0, or an event written by hand; null for anything else. */
export function openRestV1Event(fields: Fields): Exchange | null {
  if (!isRestV1Event(fields)) return null
  const event = fields as unknown as RestV1Event
  const context = event.requestContext
  // Who invokes the function without an API, or through an HTTP API, wants a whole answer.
  const streams = event.version !== '1.0' && typeof context?.apiId === 'string'
  return {
    event,
    method: event.httpMethod,
    path: event.path,
    readRequest: (basePath) => readRestV1Request(event, basePath),
    readCaller: () => ({
      address: wordOrNull(context?.identity?.sourceIp),
      identity: readRestV1Identity(context),
    }),
    writeAnswer: writeRestV1Answer,
    writeHead: streams ? writeRestV1Head : null,
  }
}
