import type { Bookmark } from './bookmark.ts'
import { BookmarkError } from './errors.ts'
import { type Follower, LINKS_ASKED_ONE_BY_ONE } from './follower.ts'
import type { Wanted } from './freshness.ts'
import type { Moment } from './proof.ts'

/** A read that is about to begin. */
export interface Read {
  readonly wanted: Wanted
  /** The tick that its request began at where `strong` comes into it, that it began at itself for all else. */
  readonly begun: number
}

/** Lets reads through once the copy is as new as they want it, and asks the bucket once for as many as possible. */
export class ReadGate {
  readonly #follower: Follower
  readonly #description: string
  #check: { readonly asked: Moment; readonly done: Promise<void> } | null = null

  constructor(follower: Follower, description: string) {
    this.#follower = follower
    this.#description = description
  }

  /** Whether a read may begin now, and nothing must be awaited in between. */
  isOpenTo({ wanted, begun }: Read): boolean {
    const { proof, copy } = this.#follower
    if (!copy.isOpen) return false
    if (wanted.strong) return proof.covers(begun)
    if (wanted.bookmark && !this.#holds(wanted.bookmark)) return wanted.orStrong && proof.covers(begun)
    return (
      wanted.withinMs === null || proof.isWithin(proof.verifiedAt, wanted.withinMs) || proof.covers(begun)
    )
  }

  /**
   * Does the next thing that a read waits for. To be repeated until the gate is open.
   * @throws BookmarkError, and what following the chain throws
   */
  open({ wanted, begun }: Read): Promise<void> {
    const { bookmark, withinMs } = wanted
    const { replica, closedToReaders } = this.#follower.copy
    if (closedToReaders) return closedToReaders
    if (replica && bookmark && !this.#holds(bookmark)) return this.#reach(bookmark, wanted)
    return this.#checked(begun, withinMs ?? -1)
  }

  /**
   * For a read of the head, which has just been proven.
   * @throws BookmarkError when what it wants is not there, and nothing else will do
   */
  requireHeld({ wanted: { bookmark, orStrong } }: Pick<Read, 'wanted'>): void {
    if (bookmark && !orStrong && !this.#holds(bookmark)) throw this.#unreachable(bookmark)
  }

  #holds(bookmark: Bookmark): boolean {
    const { copy } = this.#follower
    return copy.isOf(bookmark.identity) && copy.position.txid >= bookmark.txid
  }

  /**
   * Brings the copy to where the bookmark was made, and no further than that if it is near. Inside `exclusive`,
   * because what is being published now may be the very transaction: then there is nothing to ask.
   */
  #reach(bookmark: Bookmark, wanted: Wanted): Promise<void> {
    const follower = this.#follower
    const begun = follower.tick()
    return follower.exclusive(async () => {
      if (this.#holds(bookmark)) return
      const away = bookmark.txid - follower.position.txid
      const isNear = follower.copy.isOf(bookmark.identity) && away <= LINKS_ASKED_ONE_BY_ONE
      if (isNear && follower.trusted) await follower.advance(null, null, away)
      if (this.#holds(bookmark)) return
      // It seems to be of another database, or ahead of this one. Only the head can tell.
      if (!isNear || !follower.proof.covers(begun)) await follower.synchronise(null)
      this.requireHeld({ wanted })
    })
  }

  #unreachable({ identity, txid }: Bookmark): BookmarkError {
    const { position } = this.#follower
    return this.#follower.copy.isOf(identity)
      ? new BookmarkError(
          'BOOKMARK_AHEAD',
          `a bookmark is of transaction ${txid}, and the last one of ${this.#description} is ${position.txid}: ` +
            'the database was set back, or the bookmark was made up. Go on without it',
        )
      : new BookmarkError(
          'BOOKMARK_FOREIGN',
          `a bookmark is of another database than ${this.#description}: go on without it`,
        )
  }

  /**
   * A check that was sent after the tick `begun`, or at most `withinMs` ago: one that is under way, or a new one.
   * @param withinMs negative for no such check
   */
  #checked(begun: number, withinMs: number): Promise<void> {
    const check = this.#check
    const { proof } = this.#follower
    const serves = check && (check.asked.tick > begun || proof.isWithin(check.asked.at, withinMs))
    return (serves ? check : this.#startCheck()).done
  }

  #startCheck(): { readonly done: Promise<void> } {
    const check = {
      asked: this.#follower.proof.moment(),
      done: this.#bringToHead().finally(() => {
        if (this.#check === check) this.#check = null
      }),
    }
    this.#check = check
    return check
  }

  async #bringToHead(): Promise<void> {
    const follower = this.#follower
    if (!follower.trusted) return follower.exclusive(() => follower.synchronise(null))
    const next = await follower.look()
    if (typeof next === 'object') await follower.exclusive(() => follower.follow(null, next))
  }
}
