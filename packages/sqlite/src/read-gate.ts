import type { Follower } from './follower.ts'

/** Lets reads through once the copy is as new as they want it, and asks the bucket once for as many as possible. */
export class ReadGate {
  readonly #follower: Follower
  #check: { readonly tick: number; readonly done: Promise<void> } | null = null

  constructor(follower: Follower) {
    this.#follower = follower
  }

  /** Whether `freshSince(begun)` has nothing to wait for. */
  isFresh(begun: number): boolean {
    return this.#follower.isAsNewAs(begun) && !this.#follower.closedToReaders
  }

  /** Resolves when the copy is known to be at least as new as the head was at the moment `begun`. */
  async freshSince(begun: number): Promise<void> {
    const follower = this.#follower
    while (!follower.isAsNewAs(begun)) {
      if (!this.#check || this.#check.tick <= begun) this.#startCheck()
      await this.#check?.done
    }
    while (follower.closedToReaders) await follower.closedToReaders
  }

  #startCheck(): void {
    const tick = this.#follower.tick()
    const check = {
      tick,
      done: this.#bringToHead().finally(() => {
        if (this.#check === check) this.#check = null
      }),
    }
    this.#check = check
  }

  async #bringToHead(): Promise<void> {
    const follower = this.#follower
    if (!follower.trusted) return follower.exclusive(() => follower.synchronise(null))
    const next = await follower.look()
    if (typeof next === 'object') await follower.exclusive(() => follower.follow(null, next))
  }
}
