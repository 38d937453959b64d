/**
 * Lets a transaction through that takes longer than the turns of the others are long.
 *
 * Its writer asks the others to wait, in a transaction that changes nothing, for so many ms. Everybody who reads the
 * chain sees that and lets it go first: until it has committed, or the time is over by their own clock. Nothing rests
 * on it. Who does not see it, or cannot wait, goes on, and the bucket decides as always.
 *
 * Whoever is reserved for, at least as much time after it is nobody's: those who ask have half of it at most.
 */

/** Nobody waits longer for anybody. */
const LONGEST_MS = 10_000

export class Reservation<Writer> {
  #holder: Writer | null = null
  #from = 0
  #until = 0

  /**
   * A transaction was committed. To be told in the order of the chain.
   * @param asksMs for how long its writer asks the others to wait for another one
   * @param madeAt when that was, by the writer's clock, ms
   */
  committed(writer: Writer, now: number, asksMs: number, madeAt: number): void {
    if (this.#isOn(now)) {
      if (writer === this.#holder && asksMs === 0) this.#until = now
      return
    }
    if (asksMs === 0 || !this.isFree(now) || now - madeAt > 2 * LONGEST_MS) return
    this.#holder = writer
    this.#from = now
    this.#until = now + Math.min(asksMs, LONGEST_MS)
  }

  /** Whose time it is; null when everybody's. */
  holder(now: number): Writer | null {
    return this.#isOn(now) ? this.#holder : null
  }

  /** How long it still is, ms. */
  left(now: number): number {
    return this.#isOn(now) ? this.#until - now : 0
  }

  /** Whether somebody who asks now would be heard. */
  isFree(now: number): boolean {
    const length = this.#until - this.#from
    return !(now >= this.#from && now < this.#until + length)
  }

  /** A clock that was set back is none to wait by. */
  #isOn(now: number): boolean {
    return now >= this.#from && now < this.#until
  }
}

/** For how long to ask the others to wait for something that took `workMs`, and was asked for `before` times in vain. */
export function timeToAskFor(workMs: number, before: number): number {
  return Math.ceil(Math.min(LONGEST_MS, 2 * workMs * 2 ** before))
}
