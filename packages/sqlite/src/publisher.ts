import type { ObjectStore } from '@thaw/store'
import type { Chain, ChainLink, EncodedLink } from './chain.ts'
import type { Clock } from './clock.ts'
import { encodeCapture } from './encode-capture.ts'
import { CommitUnknownError, HistoryChangedError } from './errors.ts'
import type { Fairness } from './fairness.ts'
import type { Follower } from './follower.ts'
import { measured } from './measures.ts'
import { type Publication, publish } from './publish.ts'
import type { Capture } from './replica.ts'
import { publishReservation } from './reserve.ts'

export interface PublisherOptions {
  readonly store: ObjectStore
  readonly chain: Chain
  readonly follower: Follower
  readonly fairness: Fairness
  readonly clock: Clock
  readonly description: string
  readonly writerId: bigint
  readonly commitTimeoutMs: number
  readonly fenceWindowMs: number
  /** Called with the number of every transaction that was published. */
  readonly onPublished: (txid: number) => void
}

/**
 * Brings what was committed locally into the bucket, and the copy to where the bucket then is: at what was published,
 * or, when others were faster, at what they wrote. To be called inside the follower's `exclusive`.
 */
export class Publisher {
  readonly #options: PublisherOptions

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /**
   * True when the bucket holds it; false when it has to be run again on the newer state that the copy is at now.
   * @param deadline wall clock, ms
   * @throws what `publish` throws; it is undone
   */
  async publish(capture: Capture, deadline: number): Promise<boolean> {
    const { follower, clock, fairness, writerId } = this.#options
    const sentAt = clock.now()
    const tick = follower.tick()
    let link: EncodedLink
    let publication: Publication
    try {
      link = encodeCapture(follower, capture, writerId, clock.now())
      publication = await this.#send(link, deadline)
    } catch (error) {
      // A copy that cannot be undone is given up, which undoes it too: what became of the transaction is what counts.
      await follower.undo(capture).catch(() => undefined)
      if (error instanceof CommitUnknownError) follower.distrust()
      throw error
    }
    if (publication.outcome === 'settled') {
      follower.accept(capture, link, publication.provenAt, tick)
      fairness.won(link.txid, sentAt, clock.now(), link.bytes.length)
      this.#options.onPublished(link.txid)
      return true
    }
    measured({ name: 'conflict' })
    if (publication.outcome === 'lost') await this.#catchUp(capture, publication.winner)
    else await follower.synchronise(capture)
    return false
  }

  /**
   * Nothing was written: true when what functions saw holds, because the copy still was at the head after they had
   * begun; false when they have to run again on the newer state that the copy is at now.
   */
  async confirmUnchanged(): Promise<boolean> {
    const { follower, fairness, clock } = this.#options
    follower.replica.unpin()
    const sentAt = clock.now()
    const next = await follower.look()
    fairness.looked(sentAt, clock.now())
    if (next === 'head') return true
    if (next === 'unproven') await follower.synchronise(null)
    else await follower.follow(null, next)
    fairness.lost()
    return false
  }

  /**
   * Asks the other writers to wait for so many ms. False when another writer was faster; true when they were asked, and
   * when that is of no use, as the next transaction will find out by itself.
   * @throws HistoryChangedError
   */
  async reserve(ms: number): Promise<boolean> {
    const { follower, fairness, clock, writerId } = this.#options
    const { position, trusted } = follower
    if (!trusted || position.txid === 0) return true
    const tick = follower.tick()
    try {
      const { replica } = follower
      const { pageSize } = replica
      const send = (link: EncodedLink, deadline: number) => this.#send(link, deadline)
      const request = { fairness, clock, position, change: replica.noChange(), pageSize, writerId, send }
      const { link, publication } = await publishReservation(request, ms)
      if (publication.outcome !== 'settled') {
        if (publication.outcome === 'lost') await this.#catchUp(null, publication.winner)
        else await follower.synchronise(null)
        return false
      }
      follower.accept(null, link, publication.provenAt, tick)
      this.#options.onPublished(link.txid)
    } catch (error) {
      follower.distrust() // it may be there
      if (error instanceof HistoryChangedError) throw error
    }
    return true
  }

  /** In a crowd the head is soon another one again: whoever knew it just now need not ask whether `winner` is it. */
  async #catchUp(lost: Capture | null, winner: ChainLink): Promise<void> {
    const { fairness, clock, follower } = this.#options
    const knewTheHead = clock.now() - follower.verifiedAt <= 2 * fairness.turnMs
    if (knewTheHead) await follower.advance(lost, winner, 0)
    else await follower.follow(lost, winner)
    fairness.lost()
  }

  async #send(link: EncodedLink, latest: number): Promise<Publication> {
    const { store, chain, clock, description, follower, fenceWindowMs, commitTimeoutMs } = this.#options
    const { verifiedAt } = follower
    const deadline = Math.min(latest, clock.now() + commitTimeoutMs)
    return publish(link, { store, chain, clock, description, verifiedAt, fenceWindowMs, deadline })
  }
}
