import { type Chain, type ChainLink, type ChainPosition, type EncodedLink, verifyLink } from './chain.ts'
import { Copy, type CopyOptions } from './copy.ts'
import { DatabaseClosedError, HistoryChangedError, RestoreError } from './errors.ts'
import { isLeftBehind, verifyContinued } from './history.ts'
import { Mutex } from './mutex.ts'
import { HeadProof, type Moment } from './proof.ts'
import type { Capture, Replica } from './replica.ts'

/** Above this many transactions behind, listing and fetching in parallel beats asking for one after the other. */
export const LINKS_ASKED_ONE_BY_ONE = 8
const LINKS_APPLIED_AT_ONCE = 64

export interface FollowerOptions extends CopyOptions {
  readonly chain: Chain
  readonly fenceWindowMs: number
  /** Called with the writer of every transaction that came from elsewhere. */
  readonly onForeignLink: (link: ChainLink) => void
}

/**
 * Keeps a copy at the head of its chain, and knows how recently it was proven to be there.
 *
 * Methods that change the copy (`follow`, `advance`, `synchronise`, `accept`, `undo`) are called inside `exclusive`.
 */
export class Follower {
  readonly proof: HeadProof
  /** To be changed through the methods here alone. */
  readonly copy: Copy
  readonly #options: FollowerOptions
  readonly #mutex = new Mutex()
  #closed = false

  constructor(options: FollowerOptions) {
    this.#options = options
    this.copy = new Copy(options)
    this.proof = new HeadProof(options.clock, options.fenceWindowMs)
  }

  /** The copy, at `position`. */
  get replica(): Replica {
    const { replica } = this.copy
    if (!replica) throw new Error(`${this.#options.description} has no local copy yet`)
    return replica
  }

  get position(): ChainPosition {
    return this.copy.position
  }

  /** Wall clock, ms: `position` was the head then or later. */
  get verifiedAt(): number {
    return this.proof.verifiedAt
  }

  /** A moment in the order of requests, later than all before. */
  tick(): number {
    return this.proof.tick()
  }

  exclusive<T>(fn: () => Promise<T>): Promise<T> {
    return this.#mutex.run(fn)
  }

  /** Whether a transaction may be built on the copy without asking first. */
  get trusted(): boolean {
    return this.copy.replica !== null && this.proof.isInsideFence
  }

  /** Whether the copy can be read, and was proven to be at the head by what was asked after the tick `begun`. */
  isFresh(begun: number): boolean {
    return this.copy.isOpen && this.proof.covers(begun)
  }

  /** The next proof comes from a list, and nothing is published before. */
  distrust(): void {
    this.proof.distrust()
  }

  /** The copy is of no use any more: the next use restores anew. */
  abandon(): void {
    this.distrust()
    this.copy.discard()
  }

  /**
   * Asks for the next transaction. There being none proves that `position` is the head, unless the last proof is so
   * old by now that the next transaction may have come and gone.
   */
  async look(): Promise<ChainLink | 'head' | 'unproven'> {
    const { txid } = this.position
    const asked = this.proof.moment()
    const link = await this.#options.chain.fetch(txid + 1)
    return link ?? (this.#provenByAbsence(txid, asked) ? 'head' : 'unproven')
  }

  /**
   * Undoes what is not published and brings the copy to the head.
   * @param first the next transaction, if it is already at hand
   */
  async follow(unpublished: Capture | null, first: ChainLink | null): Promise<void> {
    if (!this.copy.replica) return this.#restore() // given up since the caller looked
    const links: ChainLink[] = []
    let end = this.position
    let head: Moment | null = null
    try {
      let link = first && first.txid > end.txid ? first : null
      while (links.length < LINKS_ASKED_ONE_BY_ONE) {
        const asked = this.proof.moment()
        link ??= await this.#options.chain.fetch(end.txid + 1)
        if (!link) {
          head = asked
          break
        }
        verifyLink(end, link, this.#options.description)
        links.push(link)
        end = link
        link = null
      }
    } catch (error) {
      await this.#fail(error, unpublished, links)
    }
    await this.#apply(unpublished, links)
    if (head && this.#provenByAbsence(end.txid, head)) return
    await this.synchronise(null)
  }

  /**
   * Undoes what is not published and applies the next transactions, without insisting on reaching the head. For the
   * fence the last proof stays as good as it was: what comes after the head of then is newer than the proof.
   * @param first the next transaction, if it is already at hand
   * @param ask for how many transactions to ask beyond it, all at once
   */
  async advance(unpublished: Capture | null, first: ChainLink | null, ask: number): Promise<void> {
    if (!this.copy.replica) return this.#restore() // given up since the caller looked
    const { chain, description } = this.#options
    const links: ChainLink[] = []
    let end = this.position
    let head = false
    const asked = this.proof.moment()
    try {
      const known = first && first.txid > end.txid ? [first] : []
      const next = end.txid + known.length + 1
      const fetched = await Promise.all(Array.from({ length: ask }, (_, index) => chain.fetch(next + index)))
      for (const link of [...known, ...fetched]) {
        head = link === null
        if (!link) break
        verifyLink(end, link, description)
        links.push(link)
        end = link
      }
    } catch (error) {
      await this.#fail(error, unpublished, links)
    }
    await this.#apply(unpublished, links)
    if (head) this.#provenByAbsence(end.txid, asked)
  }

  /** Undoes what is not published and brings the copy to the head, by listing: proof after any length of absence. */
  async synchronise(unpublished: Capture | null): Promise<void> {
    if (!this.copy.replica) return this.#restore()
    const { chain } = this.#options
    let buffered: ChainLink[] = []
    let pending = unpublished
    let end = this.position
    const asked = this.proof.moment()
    try {
      const listed = await chain.list(Math.max(1, end.txid))
      if (await isLeftBehind(end, listed, chain, this.#options.description)) return await this.#restoreAnew()
      for await (const link of chain.fetchAll(listed.filter((txid) => txid > end.txid))) {
        verifyLink(end, link, this.#options.description)
        end = link
        buffered.push(link)
        if (buffered.length < LINKS_APPLIED_AT_ONCE) continue
        await this.#apply(pending, buffered)
        pending = null
        buffered = []
      }
    } catch (error) {
      // Retention is at work, or was since the list: the other levels lead on, if anything does.
      if (error instanceof RestoreError && error.code === 'RESTORE_GAP') return this.#restoreAnew()
      await this.#fail(error, pending, buffered)
    }
    await this.#apply(pending, buffered)
    this.#proven(end.txid, asked)
  }

  /**
   * Whether `position` is the head, by listing: proof after any length of absence. Changes nothing in the copy, and so
   * needs no `exclusive`, but `position` must not change meanwhile.
   * @throws HistoryChangedError when the bucket holds another history by now
   */
  async prove(): Promise<boolean> {
    const { position } = this
    const { chain, description } = this.#options
    const asked = this.proof.moment()
    const listed = await chain.list(Math.max(1, position.txid))
    if (await isLeftBehind(position, listed, chain, description)) return false
    if ((listed.at(-1) ?? 0) > position.txid) return false
    this.#proven(position.txid, asked)
    return true
  }

  /** What was captured has been published as `link`; null when that changes nothing. */
  accept(capture: Capture | null, link: EncodedLink, provenAt: number, sentTick: number): void {
    this.copy.accept(capture, link)
    this.#proven(link.txid, { at: provenAt, tick: sentTick })
  }

  async undo(unpublished: Capture): Promise<void> {
    await this.#apply(unpublished, [])
  }

  /** For good: whoever still waits for the head is told that it is closed. */
  close(): void {
    this.#closed = true
    this.copy.discard()
  }

  /**
   * There was no transaction after `txid` at the moment `asked`. In a freeze between that and the proof before, or
   * between asking and the answer, it may have been made, compacted and deleted.
   */
  #provenByAbsence(txid: number, asked: Moment): boolean {
    if (!this.trusted) return false
    this.#proven(txid, asked)
    return true
  }

  #proven(txid: number, asked: Moment): void {
    this.proof.record(asked, txid === this.position.txid)
  }

  async #restoreAnew(): Promise<void> {
    this.abandon()
    await this.#restore()
  }

  async #restore(): Promise<void> {
    if (this.#closed) throw new DatabaseClosedError(this.#options.description)
    const known = { position: this.copy.position, identity: this.copy.identity }
    const asked = this.proof.moment()
    await this.copy.restore()
    this.proof.restart(asked)
    try {
      verifyContinued(known, this.copy, this.#options.description)
    } catch (error) {
      this.#forget()
      throw error
    }
  }

  /** What is there now counts, whatever was known before. */
  #forget(): void {
    this.abandon()
    this.copy.forget()
  }

  /** Leaves the copy in a published state, whatever went wrong, and throws `error`. */
  async #fail(error: unknown, unpublished: Capture | null, links: readonly ChainLink[]): Promise<never> {
    if (error instanceof HistoryChangedError) this.#forget()
    else if (this.copy.replica) await this.#apply(unpublished, links)
    throw error
  }

  async #apply(unpublished: Capture | null, links: readonly ChainLink[]): Promise<void> {
    try {
      await this.copy.apply(unpublished, links)
    } catch (error) {
      this.abandon()
      throw error
    }
    for (const link of links) this.#options.onForeignLink(link)
  }
}
