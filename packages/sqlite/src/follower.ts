import { join } from 'node:path'
import type { ObjectStore } from '@thaw/store'
import {
  type Chain,
  type ChainLink,
  type ChainPosition,
  EMPTY_CHAIN,
  type EncodedLink,
  fits,
  verifyLink,
  verifyPageSize,
} from './chain.ts'
import type { Clock } from './clock.ts'
import { HistoryChangedError } from './errors.ts'
import { Mutex } from './mutex.ts'
import type { NewDatabase } from './options.ts'
import { writePages } from './page-file.ts'
import { insideFence } from './publish.ts'
import { type Capture, Replica } from './replica.ts'
import { restore } from './restore.ts'

/** Above this many transactions behind, listing and fetching in parallel beats asking for one after the other. */
const LINKS_ASKED_ONE_BY_ONE = 8
const LINKS_APPLIED_AT_ONCE = 64

export interface FollowerOptions {
  readonly store: ObjectStore
  readonly chain: Chain
  readonly clock: Clock
  /** The directory that the copy may fill. */
  readonly directory: string
  readonly description: string
  /** What the copy is made with while the bucket holds nothing. */
  readonly newDatabase: NewDatabase
  readonly fenceWindowMs: number
  readonly readPatienceMs: number
  /** Called with the writer of every transaction that came from elsewhere. */
  readonly onForeignLink: (link: ChainLink) => void
}

/**
 * Keeps a replica at the head of its chain, and knows how recently it was proven to be there.
 *
 * Order among requests is counted in ticks, not in time: a proof holds for whatever began before its request was
 * sent. `verifiedAt` is the wall clock of the last proof, for the fence.
 *
 * Methods that change the replica (`follow`, `synchronise`, `accept`, `undo`) are called inside `exclusive`.
 */
export class Follower {
  readonly #options: FollowerOptions
  readonly #mutex = new Mutex()
  #replica: Replica | null = null
  #position = EMPTY_CHAIN
  #verifiedAt = Number.NEGATIVE_INFINITY
  #ticks = 0
  #provenTick = 0
  #check: { readonly tick: number; readonly done: Promise<void> } | null = null
  #closedToReaders: Promise<void> | null = null
  #readerLeft: (() => void) | null = null

  constructor(options: FollowerOptions) {
    this.#options = options
  }

  /** The copy, at `position`. */
  get replica(): Replica {
    if (!this.#replica) throw new Error(`${this.#options.description} has no local copy yet`)
    return this.#replica
  }

  get position(): ChainPosition {
    return this.#position
  }

  /** Wall clock, ms: `position` was the head then or later. */
  get verifiedAt(): number {
    return this.#verifiedAt
  }

  /** A moment in the order of requests, later than all before. */
  tick(): number {
    return ++this.#ticks
  }

  exclusive<T>(fn: () => Promise<T>): Promise<T> {
    return this.#mutex.run(fn)
  }

  /** Whether `freshSince(begun)` has nothing to wait for. */
  isFresh(begun: number): boolean {
    return this.#replica !== null && this.#provenTick > begun && !this.#closedToReaders
  }

  /** Resolves when the copy is known to be at least as new as the head was at the moment `begun`. */
  async freshSince(begun: number): Promise<void> {
    while (this.#replica === null || this.#provenTick <= begun) {
      if (!this.#check || this.#check.tick <= begun) this.#startCheck()
      await this.#check?.done
    }
    while (this.#closedToReaders) await this.#closedToReaders
  }

  /** Whether a transaction may be built on the copy without asking first. */
  get trusted(): boolean {
    const { clock, fenceWindowMs } = this.#options
    return this.#replica !== null && insideFence(clock.now(), this.#verifiedAt, fenceWindowMs)
  }

  /** The next proof comes from a list, and nothing is published before. */
  distrust(): void {
    this.#verifiedAt = Number.NEGATIVE_INFINITY
  }

  /** The copy is of no use any more: the next use restores anew. */
  abandon(): void {
    this.distrust()
    this.#replica?.discard()
    this.#replica = null
  }

  /**
   * Asks for the next transaction. There being none proves that `position` is the head, unless the last proof is so
   * old by now that the next transaction may have come and gone.
   */
  async look(): Promise<ChainLink | 'head' | 'unproven'> {
    const { txid } = this.#position
    const at = this.#options.clock.now()
    const tick = this.tick()
    const link = await this.#options.chain.fetch(txid + 1)
    return link ?? (this.#provenByAbsence(txid, at, tick) ? 'head' : 'unproven')
  }

  /**
   * Undoes what is not published and brings the copy to the head.
   * @param first the next transaction, if it is already at hand
   */
  async follow(unpublished: Capture | null, first: ChainLink | null): Promise<void> {
    if (!this.#replica) return this.#restore() // given up since the caller looked
    const links: ChainLink[] = []
    let end = this.#position
    let head: { readonly at: number; readonly tick: number } | null = null
    try {
      let link = first && first.txid > end.txid ? first : null
      while (links.length < LINKS_ASKED_ONE_BY_ONE) {
        const asked = { at: this.#options.clock.now(), tick: this.tick() }
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
    if (head && this.#provenByAbsence(end.txid, head.at, head.tick)) return
    await this.synchronise(null)
  }

  /**
   * Undoes what is not published and applies the next transactions, without insisting on reaching the head. For the
   * fence the last proof stays as good as it was: what comes after the head of then is newer than the proof.
   * @param first the next transaction, if it is already at hand
   * @param ask for how many transactions to ask beyond it, all at once
   */
  async advance(unpublished: Capture | null, first: ChainLink | null, ask: number): Promise<void> {
    if (!this.#replica) return this.#restore() // given up since the caller looked
    const { chain, clock, description } = this.#options
    const links: ChainLink[] = []
    let end = this.#position
    let head = false
    const at = clock.now()
    const tick = this.tick()
    try {
      const known = first && first.txid > end.txid ? [first] : []
      const next = end.txid + known.length + 1
      const asked = await Promise.all(Array.from({ length: ask }, (_, index) => chain.fetch(next + index)))
      for (const link of [...known, ...asked]) {
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
    if (head) this.#provenByAbsence(end.txid, at, tick)
  }

  /** Undoes what is not published and brings the copy to the head, by listing: proof after any length of absence. */
  async synchronise(unpublished: Capture | null): Promise<void> {
    if (!this.#replica) return this.#restore()
    const { chain, clock } = this.#options
    let buffered: ChainLink[] = []
    let pending = unpublished
    let end = this.#position
    const at = clock.now()
    const tick = this.tick()
    try {
      const listed = await chain.list(Math.max(1, end.txid))
      if (await this.#isLeftBehind(listed)) return await this.#restoreAnew()
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
      await this.#fail(error, pending, buffered)
    }
    await this.#apply(pending, buffered)
    this.#proven(end.txid, at, tick)
  }

  /**
   * Whether `position` is the head, by listing: proof after any length of absence. Changes nothing in the copy, and so
   * needs no `exclusive`, but `position` must not change meanwhile.
   * @throws HistoryChangedError when the bucket holds another history by now
   */
  async prove(): Promise<boolean> {
    const { txid } = this.#position
    const at = this.#options.clock.now()
    const tick = this.tick()
    const listed = await this.#options.chain.list(Math.max(1, txid))
    if ((await this.#isLeftBehind(listed)) || (listed.at(-1) ?? 0) > txid) return false
    this.#proven(txid, at, tick)
    return true
  }

  /** What was captured has been published as `link`. */
  accept(capture: Capture, link: EncodedLink, provenAt: number, sentTick: number): void {
    this.replica.publish(capture)
    this.#position = { txid: link.txid, checksum: link.checksum, timestamp: link.timestamp }
    this.#proven(link.txid, provenAt, sentTick)
  }

  async undo(unpublished: Capture): Promise<void> {
    await this.#apply(unpublished, [])
  }

  /** Tells that a snapshot was given back. */
  readerLeft(): void {
    this.#readerLeft?.()
  }

  close(): void {
    this.#replica?.discard()
    this.#replica = null
  }

  #startCheck(): void {
    const tick = this.tick()
    const check = {
      tick,
      done: this.#bringToHead().finally(() => {
        if (this.#check === check) this.#check = null
      }),
    }
    this.#check = check
  }

  async #bringToHead(): Promise<void> {
    if (!this.trusted) return this.exclusive(() => this.synchronise(null))
    const next = await this.look()
    if (typeof next === 'object') await this.exclusive(() => this.follow(null, next))
  }

  /**
   * There was no transaction after `txid`, asked at `at`. In a freeze between that and the proof before, or between
   * asking and the answer, it may have been made, compacted and deleted.
   */
  #provenByAbsence(txid: number, at: number, tick: number): boolean {
    if (!this.trusted) return false
    this.#proven(txid, at, tick)
    return true
  }

  #proven(txid: number, at: number, tick: number): void {
    // The last proof counts, not the one of the highest clock: that may have been set back in between.
    if (txid === this.#position.txid && tick >= this.#provenTick) this.#verifiedAt = at
    this.#provenTick = Math.max(this.#provenTick, tick)
  }

  /**
   * Whether retention has removed the transaction of `position`, and with it the way from here to the head.
   * @param listed all single transactions from `position` on
   * @throws HistoryChangedError when the head is below, or the name belongs to another transaction: the newest
   *   transaction is never removed, so the prefix was wiped, and perhaps filled again
   */
  async #isLeftBehind(listed: readonly number[]): Promise<boolean> {
    const { txid, checksum } = this.#position
    if (txid === 0) return listed.length > 0 && listed[0] !== 1
    if (listed.length > 0 && listed[0] !== txid) return true
    const own = listed.length === 0 ? null : await this.#options.chain.fetch(txid)
    if (own && fits(own.checksum, checksum)) return false
    throw new HistoryChangedError(
      `${this.#options.description} no longer holds transaction ${txid} as this environment knows it: ` +
        `${own ? 'another one has its name' : 'it is gone'}. The database was replaced; the next use starts from what is there now`,
    )
  }

  async #restoreAnew(): Promise<void> {
    this.abandon()
    await this.#restore()
  }

  async #restore(): Promise<void> {
    const { store, clock, directory, description } = this.#options
    const at = clock.now()
    const tick = this.tick()
    const path = join(directory, 'replica.db')
    this.#position = await restore({ store, description }, path)
    this.#replica = new Replica(path, this.#options.newDatabase)
    this.#verifiedAt = at
    this.#provenTick = tick
  }

  /** Leaves the copy in a published state, whatever went wrong, and throws `error`. */
  async #fail(error: unknown, unpublished: Capture | null, links: readonly ChainLink[]): Promise<never> {
    if (error instanceof HistoryChangedError) this.abandon()
    else if (this.#replica) await this.#apply(unpublished, links)
    throw error
  }

  async #apply(unpublished: Capture | null, links: readonly ChainLink[]): Promise<void> {
    const last = links.at(-1)
    if (!unpublished && !last) return
    let reopen = () => {}
    this.#closedToReaders = new Promise((resolve) => {
      reopen = resolve
    })
    try {
      await this.#drainReaders()
      if (this.#position.txid === 0 && last) this.#replaceEmpty(links)
      else {
        for (const link of links) verifyPageSize(this.replica.pageSize, link, this.#options.description)
        this.replica.rewrite(unpublished, links)
      }
    } catch (error) {
      this.abandon()
      throw error
    } finally {
      this.#closedToReaders = null
      reopen()
    }
    if (last) this.#position = { txid: last.txid, checksum: last.checksum, timestamp: last.timestamp }
    for (const link of links) this.#options.onForeignLink(link)
  }

  /** A copy of nothing has nothing to keep, not even its page size. */
  #replaceEmpty(links: readonly ChainLink[]): void {
    const path = join(this.#options.directory, 'replica.db')
    this.replica.discard()
    for (const link of links) {
      verifyPageSize(links[0]?.pageSize ?? 0, link, this.#options.description)
      writePages(path, link.pageSize, link.pages, link.pageCount)
    }
    this.#replica = new Replica(path, this.#options.newDatabase)
  }

  /** Waits for open snapshots, for a bounded time; those still open then are taken away. */
  async #drainReaders(): Promise<void> {
    if (this.replica.openSnapshots === 0) return
    const { clock, readPatienceMs } = this.#options
    try {
      const timeout = clock.sleep(readPatienceMs).then(() => 'timeout')
      while (this.replica.openSnapshots > 0) {
        const left = new Promise<string>((resolve) => {
          this.#readerLeft = () => resolve('left')
        })
        if ((await Promise.race([left, timeout])) === 'timeout') break
      }
    } finally {
      this.#readerLeft = null
    }
  }
}
