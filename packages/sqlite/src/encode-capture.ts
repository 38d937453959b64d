import { type EncodedLink, encodeLink } from './chain.ts'
import type { Follower } from './follower.ts'
import type { Capture } from './replica.ts'

/**
 * What was captured, as the transaction after the position of the copy. The first one of a database holds every page.
 * @param now wall clock, ms
 */
export function encodeCapture(
  { replica, position }: Follower,
  capture: Capture,
  writerId: bigint,
  now: number,
): EncodedLink {
  const pages = position.txid === 0 ? replica.completePages(capture) : capture.pages
  return encodeLink(position, { pages, pageCount: capture.pageCount }, replica.pageSize, writerId, now)
}
