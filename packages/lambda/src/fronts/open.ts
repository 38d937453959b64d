import { NotHttpEventError } from '../errors.ts'
import { openAlbEvent } from './alb/front.ts'
import type { Exchange } from './exchange.ts'
import { describe, isObject } from './fields.ts'
import { openHttpV2Event } from './http-v2/front.ts'
import { openLatticeV2Event } from './lattice-v2/front.ts'
import { openRestV1Event } from './rest-v1/front.ts'

/**
 * Finds out which front made `event`, by what only this front writes. Throws `NotHttpEventError`, which says what
 * was seen, for an event of none.
 */
export function openEvent(event: unknown): Exchange {
  const fields = isObject(event) ? event : {}
  const exchange =
    openHttpV2Event(fields) ?? openAlbEvent(fields) ?? openLatticeV2Event(fields) ?? openRestV1Event(fields)
  if (exchange) return exchange
  throw new NotHttpEventError(describe(event))
}
