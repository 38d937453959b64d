/**
 * Keeps one writer from starving the others. Whoever has just won is up to date and could win again while the losers
 * still fetch what it wrote; it cannot even notice, because it never loses. So a winner steps back: every now and
 * then when it seems to be alone, after every win while it is not.
 */

const WINS_WITHOUT_A_LOOK = 32
const OTHERS_REMEMBERED_MS = 1_000
const PAUSE_ALONE_ROUND_TRIPS = 2
const PAUSE_PER_OTHER_ROUND_TRIPS = 0.75
const ROUND_TRIP_SMOOTHING = 0.2

export class Fairness {
  readonly #others = new Map<bigint, number>()
  #roundTripMs = 0
  #winsWithoutLook = 0
  #resumeAt = 0

  /** This environment's transaction was taken, by a request sent at `sentAt` and answered at `now` (ms). */
  won(sentAt: number, now: number): void {
    const took = Math.max(0, now - sentAt)
    this.#roundTripMs += (took - this.#roundTripMs) * (this.#roundTripMs === 0 ? 1 : ROUND_TRIP_SMOOTHING)
    this.#winsWithoutLook++
    this.#forgetOthers(now)
    if (this.#others.size > 0) {
      this.#resumeAt = now + this.#others.size * PAUSE_PER_OTHER_ROUND_TRIPS * this.#roundTripMs
    } else if (this.#winsWithoutLook >= WINS_WITHOUT_A_LOOK) {
      this.#resumeAt = now + PAUSE_ALONE_ROUND_TRIPS * this.#roundTripMs
    }
  }

  /** A transaction of another writer was found. The loser does not step back: it goes on at once. */
  saw(writerId: bigint, now: number): void {
    this.#others.set(writerId, now)
    this.#resumeAt = 0
  }

  /** The head has been looked at. */
  looked(): void {
    this.#winsWithoutLook = 0
  }

  /** Whether to look at the head before the next transaction, and how many ms to wait before that. */
  stepBack(now: number): { readonly waitMs: number } | null {
    this.#forgetOthers(now)
    const due =
      this.#winsWithoutLook >= WINS_WITHOUT_A_LOOK || (this.#winsWithoutLook > 0 && this.#others.size > 0)
    return due ? { waitMs: Math.max(0, this.#resumeAt - now) } : null
  }

  #forgetOthers(now: number): void {
    for (const [id, seen] of this.#others) if (now - seen > OTHERS_REMEMBERED_MS) this.#others.delete(id)
  }
}
