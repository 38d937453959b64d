interface Group {
  /** The number of its first write, from 1 on. */
  readonly first: number
  /** When that was acknowledged, wall clock, ms. */
  readonly at: number
}

/** Knows how long what is acknowledged has been in this process only. Of the writes between two attempts the first counts. */
export class Lag {
  #groups: Group[] = []
  #isOpen = false

  wrote(number: number, now: number): void {
    if (this.#isOpen) return
    this.#isOpen = true
    this.#groups.push({ first: number, at: now })
  }

  /** An attempt takes all that is acknowledged: later writes are not part of it. */
  attempted(): void {
    this.#isOpen = false
  }

  /**
   * The first `acknowledged` writes are not here alone any more.
   * @returns for how long the oldest of them was, ms; null when none was
   */
  settled(acknowledged: number, now: number): number | null {
    const [oldest] = this.#groups
    if (!oldest || oldest.first > acknowledged) return null
    this.#groups = this.#groups.filter(({ first }) => first > acknowledged)
    return Math.max(0, now - oldest.at)
  }
}
