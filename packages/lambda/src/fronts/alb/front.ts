import { nobody } from '../../identity.ts'
import type { Exchange } from '../exchange.ts'
import type { Fields } from '../fields.ts'
import { lastForwarded } from '../request.ts'
import { writeAlbAnswer } from './answer.ts'
import { type AlbEvent, isAlbEvent } from './event.ts'
import { readAlbRequest } from './request.ts'

/** An Application Load Balancer; null for anything else. */
export function openAlbEvent(fields: Fields): Exchange | null {
  if (!isAlbEvent(fields)) return null
  const event = fields as unknown as AlbEvent
  return {
    event,
    method: event.httpMethod,
    path: event.path,
    readRequest: (basePath) => readAlbRequest(event, basePath),
    // What a load balancer knows of the caller it says in headers, which without its authentication are the client's.
    readCaller: () => ({ address: lastForwarded(event.multiValueHeaders, event.headers), identity: nobody }),
    writeAnswer: (answer) => writeAlbAnswer(answer, event),
    writeHead: null,
  }
}
