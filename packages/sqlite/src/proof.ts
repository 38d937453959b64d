import type { Clock } from './clock.ts'
import { insideFence } from './publish.ts'

/** The moment before a request was sent. What its answer proves holds for everything that began before. */
export interface Moment {
  /** Wall clock, ms. */
  readonly at: number
  /** Its place in the order of this process. */
  readonly tick: number
}

/**
 * Knows how recently the position of a copy was proven to be the head of the chain.
 *
 * Order among requests is counted in ticks, not in time: a proof holds for whatever began before its request was
 * sent. `verifiedAt` is the wall clock of the last proof, for the fence.
 */
export class HeadProof {
  readonly #clock: Clock
  readonly #fenceWindowMs: number
  #verifiedAt = Number.NEGATIVE_INFINITY
  #verifiedTick = 0
  #ticks = 0
  #provenTick = 0

  constructor(clock: Clock, fenceWindowMs: number) {
    this.#clock = clock
    this.#fenceWindowMs = fenceWindowMs
  }

  /** A moment in the order of requests, later than all before. */
  tick(): number {
    return ++this.#ticks
  }

  /** Now, before a request is sent. */
  moment(): Moment {
    return { at: this.#clock.now(), tick: this.tick() }
  }

  /** Wall clock, ms: the position was the head then or later. */
  get verifiedAt(): number {
    return this.#verifiedAt
  }

  /** Whether a proof was asked for after the tick `begun`. */
  covers(begun: number): boolean {
    return this.#provenTick > begun
  }

  /** Whether the wall clock says that `at` was at most `ms` ago. A clock that went back says so of nothing. */
  isWithin(at: number, ms: number): boolean {
    const age = this.#clock.now() - at
    return age >= 0 && age <= ms
  }

  /** Whether the last proof is recent enough for a PUT, and for absence to prove anything. */
  get isInsideFence(): boolean {
    return insideFence(this.#clock.now(), this.#verifiedAt, this.#fenceWindowMs)
  }

  /**
   * The transaction that was the head at that moment has been applied.
   * @param isPosition whether it still is the last one that has
   */
  record({ at, tick }: Moment, isPosition: boolean): void {
    this.#provenTick = Math.max(this.#provenTick, tick)
    // The last one counts, not the one of the highest clock: that may have been set back in between.
    if (!isPosition || tick < this.#verifiedTick) return
    this.#verifiedAt = at
    this.#verifiedTick = tick
  }

  /** The copy was made anew, of what was there at that moment: earlier proofs were about another one. */
  restart({ at, tick }: Moment): void {
    this.#verifiedAt = at
    this.#verifiedTick = tick
    this.#provenTick = tick
  }

  /** The last proof counts no longer. */
  distrust(): void {
    this.#verifiedAt = Number.NEGATIVE_INFINITY
  }
}
