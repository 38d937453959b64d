import type { Exchange } from '../exchange.ts'
import type { Fields } from '../fields.ts'
import { lastForwarded } from '../request.ts'
import { writeLatticeV2Answer } from './answer.ts'
import { isLatticeV2Event, type LatticeV2Event } from './event.ts'
import { readLatticeV2Identity } from './identity.ts'
import { readLatticeV2Request } from './request.ts'

/** A VPC Lattice service with event structure V2; null for anything else. */
export function openLatticeV2Event(fields: Fields): Exchange | null {
  if (!isLatticeV2Event(fields)) return null
  const event = fields as unknown as LatticeV2Event
  return {
    event,
    method: event.method,
    path: event.path.split('?', 1)[0] ?? '',
    readRequest: (basePath) => readLatticeV2Request(event, basePath),
    readCaller: () => ({
      address: lastForwarded(event.headers),
      identity: readLatticeV2Identity(event.requestContext),
    }),
    writeAnswer: writeLatticeV2Answer,
    writeHead: null,
  }
}
