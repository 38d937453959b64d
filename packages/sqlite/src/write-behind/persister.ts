import type { ObjectStore } from '@thaw/store'
import type { Chain, ChainLink, EncodedLink } from '../chain.ts'
import type { Clock } from '../clock.ts'
import { encodeCapture } from '../encode-capture.ts'
import { CommitUnknownError, HistoryChangedError, SqliteStoreError } from '../errors.ts'
import type { Follower } from '../follower.ts'
import { publish } from '../publish.ts'
import type { Capture } from '../replica.ts'
import { keepLost } from './lost.ts'

/** How often the fence may close between the proof and the PUT before that is the answer. */
const PROOFS = 3

export interface PersisterOptions {
  readonly store: ObjectStore
  readonly chain: Chain
  readonly follower: Follower
  readonly clock: Clock
  readonly description: string
  readonly writerId: bigint
  readonly fenceWindowMs: number
  /** Called with the number of every transaction that was published. */
  readonly onPublished: (txid: number) => void
}

/** What became of what had gathered. */
export type Publishing =
  | {
      readonly outcome: 'published'
      readonly txid: number
      /** Of the object. */
      readonly bytes: number
      /** How many acknowledged writes the bucket holds by it. */
      readonly acknowledged: number
      /** How long the log of the copy was up to there. */
      readonly logBytes: number
    }
  /** Nothing had changed. */
  | { readonly outcome: 'nothing'; readonly acknowledged: number }
  /** Another writer was there, or the history is another one by now. */
  | { readonly outcome: 'moved'; readonly cause?: HistoryChangedError }

/** A transaction that may have gone out. Its bytes never change: only they, or their absence, settle what became of it. */
interface Attempt {
  readonly capture: Capture
  readonly link: EncodedLink
  readonly acknowledged: number
  readonly tick: number
}

/**
 * Publishes what gathers on the copy, one object at a time, while more is written. Its methods are not called at the
 * same time.
 */
export class Persister {
  readonly #options: PersisterOptions
  /** Sent, and nobody knows whether it arrived. */
  #unsettled: Attempt | null = null

  constructor(options: PersisterOptions) {
    this.#options = options
  }

  /**
   * Publishes what was committed on the copy until now, or settles an earlier attempt. First proves by listing that
   * the head is where the copy is.
   *
   * @param acknowledged how many writes are acknowledged now
   * @param deadline when to give up, wall clock, ms
   * @throws StoreError when nothing was written; CommitUnknownError; RestoreError
   */
  async publish(acknowledged: number, deadline: number): Promise<Publishing> {
    const earlier = await this.settle()
    if (earlier) return earlier
    const attempt = this.#unsettled ?? this.#capture(acknowledged)
    if (!attempt) return { outcome: 'nothing', acknowledged }
    for (let proofs = 1; ; proofs++) {
      const beaten = await this.provenAway()
      if (beaten) return beaten
      const publishing = await this.#send(attempt, deadline)
      if (publishing) return publishing
      if (proofs === PROOFS) {
        throw new SqliteStoreError(
          'PERSIST_STALE',
          `${this.#options.description}: between the proof of the head and the PUT the clock jumped, ${PROOFS} times`,
        )
      }
    }
  }

  /**
   * Keeps what is not published below `lost/`, undoes it and follows the bucket. Inside `exclusive`.
   * @returns the object's name and the transaction it was built on; null when there was nothing to lose
   * @throws StoreError when it could not be kept: the copy is as before
   */
  async lose(): Promise<{ readonly object: string; readonly position: number } | null> {
    const { follower, store, writerId, clock } = this.#options
    const capture = follower.replica.capture()
    const position = follower.position.txid
    const object = capture && (await keepLost(store, encodeCapture(follower, capture, writerId, clock.now())))
    this.#unsettled = null
    try {
      await follower.synchronise(capture)
    } catch {
      follower.abandon() // it cannot be built upon any more; the next use starts from what the bucket holds
    }
    return object === null ? null : { object, position }
  }

  /** Finds out what became of an attempt whose fate is unknown; null when there is none, or it has not arrived. */
  async settle(): Promise<Publishing | null> {
    if (!this.#unsettled) return null
    const found = await this.#options.chain.fetch(this.#unsettled.link.txid)
    return found && (this.settles(found) ?? { outcome: 'moved' })
  }

  /** Asks by listing where the head is; null when it is where the copy is. */
  async provenAway(): Promise<Publishing | null> {
    try {
      if (await this.#options.follower.prove()) return null
      return (await this.settle()) ?? { outcome: 'moved' } // what lies there may be an attempt that has just arrived
    } catch (error) {
      if (error instanceof HistoryChangedError) return { outcome: 'moved', cause: error }
      throw error
    }
  }

  /** Whether an object is what an earlier attempt of ours has left; then that is settled. */
  settles(found: ChainLink): Publishing | null {
    const attempt = this.#unsettled
    if (!attempt || found.writerId !== attempt.link.writerId || found.checksum !== attempt.link.checksum)
      return null
    // It was sent before the last proof ended, and is no proof itself: others may have followed it.
    return this.#accept(attempt, Number.NEGATIVE_INFINITY, 0)
  }

  #capture(acknowledged: number): Attempt | null {
    const { follower, writerId, clock } = this.#options
    const capture = follower.replica.capture()
    if (!capture) return null
    const link = encodeCapture(follower, capture, writerId, clock.now())
    return { capture, link, acknowledged, tick: follower.tick() }
  }

  /** Null when the fence has closed since the proof. */
  async #send(attempt: Attempt, deadline: number): Promise<Publishing | null> {
    const { store, chain, clock, description, follower, fenceWindowMs } = this.#options
    const { verifiedAt } = follower
    try {
      const options = { store, chain, clock, description, verifiedAt, fenceWindowMs, deadline }
      const publication = await publish(attempt.link, options)
      if (publication.outcome === 'stale') return null
      if (publication.outcome === 'lost') return this.settles(publication.winner) ?? { outcome: 'moved' }
      return this.#accept(attempt, publication.provenAt, attempt.tick)
    } catch (error) {
      if (error instanceof CommitUnknownError) this.#unsettled = attempt
      throw error
    }
  }

  #accept({ capture, link, acknowledged }: Attempt, provenAt: number, tick: number): Publishing {
    this.#unsettled = null
    this.#options.follower.accept(capture, link, provenAt, tick)
    this.#options.onPublished(link.txid)
    return {
      outcome: 'published',
      txid: link.txid,
      bytes: link.bytes.length,
      acknowledged,
      logBytes: capture.cursor.offset,
    }
  }
}
