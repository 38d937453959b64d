import { type ChainPosition, type EncodedLink, encodeLink } from './chain.ts'
import type { Clock } from './clock.ts'
import type { Fairness } from './fairness.ts'
import type { Publication } from './publish.ts'
import type { PageSet } from './replica.ts'

/** So often at most it is tried to make a reservation before one transaction. */
const RESERVATION_TRIES = 24

/** What a writer has that takes turns with others. */
interface Competitor {
  readonly fairness: Fairness
  readonly clock: Clock
}

/**
 * Waits for the turn of the next transaction, and asks the others to wait when that lost its turn too often.
 * @param reserve asks for so many ms; false when another writer was faster
 */
export async function takeTurn(
  { fairness, clock }: Competitor,
  awaitTurn: () => Promise<void>,
  reserve: (ms: number) => Promise<boolean>,
): Promise<void> {
  for (let tries = 0; ; tries++) {
    await awaitTurn()
    const ms = fairness.asks(clock.now())
    if (ms === null || tries === RESERVATION_TRIES) return
    if (await reserve(ms)) return
  }
}

export interface ReservationRequest extends Competitor {
  /** The head, as far as is known. */
  readonly position: ChainPosition
  /** A change that changes nothing. */
  readonly change: PageSet
  readonly pageSize: number
  readonly writerId: bigint
  /** Publishes it; gives up at the deadline, wall clock, ms. */
  readonly send: (link: EncodedLink, deadline: number) => Promise<Publication>
}

/**
 * Asks the other writers to wait for so many ms, by a transaction that changes nothing.
 * @throws what `send` throws; it may be there then
 */
export async function publishReservation(
  { fairness, clock, position, change, pageSize, writerId, send }: ReservationRequest,
  ms: number,
): Promise<{ readonly link: EncodedLink; readonly publication: Publication }> {
  const sentAt = clock.now()
  const link = encodeLink(position, change, pageSize, writerId, sentAt, ms)
  const publication = await send(link, sentAt + ms)
  if (publication.outcome === 'settled') fairness.reserved(link.txid, sentAt, clock.now(), ms)
  return { link, publication }
}
