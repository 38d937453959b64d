import { Reservation, timeToAskFor } from './reservation.ts'

/**
 * Keeps one writer from starving the others.
 *
 * Whoever has just won is up to date and could win again while the losers still fetch what it wrote; it cannot even
 * notice, because it never loses. So writers take turns, and nobody has to tell them whose turn it is: the chain says
 * who committed when, and everybody reads the chain.
 *
 * Writers stand in a queue. Whoever commits goes to its end, and those that stood before it have let their turn pass
 * and are out of it. The first may commit at once; the next one waits as long as the first would need to be noticed,
 * and looks out for it meanwhile. A writer that is not in the queue may commit at once too: that is how one gets in.
 */

/** A writer that seems to be alone makes room for one it cannot see after so many wins. */
const WINS_WITHOUT_A_LOOK = 32
/** The same while others have been about lately. */
const WINS_AFTER_COMPANY = 8
/** Who has not committed for so long does not stand in the queue any more. */
const REMEMBERED_MS = 5_000
/** How often the first may be overtaken by newcomers before it is taken for absent. */
const OVERTAKEN_AT_MOST = 4
/** One in so many commits is theirs, should there be any. */
const NEWCOMERS_TURN = 16
/** Nobody stands behind newcomers for longer than so many PUTs for each writer that was before it. */
const LONGEST_TURN_PUTS = 2
/** A transaction that takes so many times as long as others need is too slow for turns, */
const TOO_SLOW = 4
/** and asks them to wait when it has lost so often in a row. */
const LOSSES_BEFORE_ASKING = 3
/** Who waits for somebody else's reservation to end looks so often. */
const LOOKS_IN_A_RESERVATION = 16
/** For so many transactions at most is asked at once. */
const ASK_AT_MOST = 8
/** After so many losses in a row it is no bad luck: latencies are such that the moment chosen is always too late. */
const LOSSES_THAT_ARE_NO_LUCK = 24
const ROUND_TRIP_SMOOTHING = 0.2
/** What took longer was a freeze, or a clock that was set. */
const LONGEST_ROUND_TRIP_MS = 1_000

type Writer = bigint | 'self'

interface Place {
  readonly writer: Writer
  readonly committedAt: number
  overtaken: number
}

/** What to do before the next transaction: wait, then look what others have committed, then ask again. */
export interface Turn {
  /** Whole ms. */
  readonly waitMs: number
  /** For how many transactions to ask. */
  readonly ask: number
}

export class Fairness {
  #queue: Place[] = []
  #putMs = 0
  #getMs = 0
  #lastCommitAt = Number.NEGATIVE_INFINITY
  #othersAt = Number.NEGATIVE_INFINITY
  #winsWithoutLook = 0
  /** When the transaction that waits now has waited long enough, whoever is before it. */
  #latest: number | null = null
  /** What was committed last became known by losing against it: too late to be the next without luck. */
  #late = false
  #commitsOfTheQueue = 0
  #lossesInARow = 0
  readonly #reservation = new Reservation<Writer>()
  /** How long the last transaction took, its function and its publication, ms. */
  #workMs = 0
  #askedInVain = 0
  /** From one commit to the next, whoever's they are, ms. */
  #paceMs = 0
  #lastMadeAt: number | null = null
  /** xorshift32 (Marsaglia, "Xorshift RNGs", 2003): what one writer does at random, another does otherwise. */
  #random: number

  /** @param writerId tells this writer's random moments from those of others */
  constructor(writerId = 1n) {
    this.#random = Number(BigInt.asUintN(32, writerId)) || 1
  }

  /** This environment's transaction was taken, by a request sent at `sentAt` and answered at `now` (ms). */
  won(sentAt: number, now: number): void {
    this.#putMs = smoothed(this.#putMs, now - sentAt)
    this.#winsWithoutLook++
    this.#latest = null
    this.#late = false
    this.#lossesInARow = 0
    this.#askedInVain = 0
    this.#committed('self', now, 0, sentAt)
  }

  /** This environment's transaction that asks the others to wait for so many ms was taken. */
  reserved(sentAt: number, now: number, asksMs: number): void {
    this.#putMs = smoothed(this.#putMs, now - sentAt)
    this.#askedInVain++
    this.#committed('self', now, asksMs, sentAt)
  }

  /**
   * A transaction of another writer was found. To be told in the order of the chain.
   * @param asksMs for how long it asks the others to wait
   * @param madeAt when it was made, by the writer's clock, ms
   */
  saw(writerId: bigint, now: number, asksMs = 0, madeAt = now): void {
    this.#winsWithoutLook = 0
    this.#late = false
    this.#othersAt = now
    this.#committed(writerId, now, asksMs, madeAt)
  }

  /** This environment's transaction was not taken, and what was taken instead has been seen. */
  lost(): void {
    this.#late = true
    this.#lossesInARow++
  }

  /** The last transaction took so long, won or lost: its function and its publication, ms. */
  worked(ms: number): void {
    this.#workMs = Math.max(0, ms)
  }

  /** For how long (ms) the others are to be asked to wait before the next transaction is run; null when they need not. */
  asks(now: number): number | null {
    if (this.#lossesInARow < LOSSES_BEFORE_ASKING || this.#workMs <= TOO_SLOW * this.#paceMs) return null
    return this.#reservation.isFree(now) ? timeToAskFor(this.#workMs, this.#askedInVain) : null
  }

  /** The head has been looked at, by a request sent at `sentAt` and answered at `now` (ms). */
  looked(sentAt: number, now: number): void {
    this.#getMs = smoothed(this.#getMs, now - sentAt)
    this.#winsWithoutLook = 0
  }

  /** For how long the first in the queue may be silent: it learns that it is, publishes, and is noticed. ms. */
  get turnMs(): number {
    return 1.5 * this.#putMs + 2 * this.#getMs
  }

  /** What has to come before the next transaction; null when it may go out. */
  turn(now: number): Turn | null {
    this.#forget(now)
    const holder = this.#reservation.holder(now)
    if (holder === 'self') return null
    if (holder !== null) return this.#waitForOther(this.#reservation.left(now))
    const before = this.#queue.findIndex(({ writer }) => writer === 'self')
    if (before > 0) {
      this.#latest ??= now + this.turnMs + before * LONGEST_TURN_PUTS * this.#putMs
      if (now < this.#latest) return this.#wait(now, before, this.#latest)
    }
    if (before === 0 && this.#queue.length > 1 && this.#isNewcomersTurn(now)) return this.#letNewcomersIn()
    if (before !== 0 && this.#late && this.#isOutOfStep) return this.#anyMoment()
    if (before !== 0 && this.#late) return this.#wait(now, 1, Number.POSITIVE_INFINITY)
    return this.#alone(now)
  }

  #waitForOther(ms: number): Turn {
    const step = Math.max(this.#putMs + this.#getMs, ms / LOOKS_IN_A_RESERVATION, 1)
    return { waitMs: Math.ceil(Math.min(step, ms)), ask: 1 }
  }

  /** True for every other try of a writer that has lost too often for it to be luck. */
  get #isOutOfStep(): boolean {
    return this.#lossesInARow >= LOSSES_THAT_ARE_NO_LUCK && this.#lossesInARow % 2 === 0
  }

  /** Another moment than the one that keeps losing. */
  #anyMoment(): Turn {
    this.#late = false
    return { waitMs: Math.ceil(this.#nextRandom() * (this.#putMs + this.#getMs)), ask: 1 }
  }

  /** In [0, 1). */
  #nextRandom(): number {
    let word = this.#random
    word ^= word << 13
    word ^= word >>> 17
    word ^= word << 5
    this.#random = word >>> 0
    return this.#random / 2 ** 32
  }

  /** @param before how many have the turn before this one */
  #wait(now: number, before: number, latest: number): Turn | null {
    const patience = this.turnMs * (2 - 2 ** (1 - before))
    const left = Math.min(this.#lastCommitAt + patience, latest) - now
    if (left <= 0 || now < this.#lastCommitAt) return null // a clock that was set back is none to wait by
    // Nothing can be seen before the first has published, and nothing need be known before it is nearly our turn.
    const steps = Math.min(before - 1.25, ASK_AT_MOST)
    const quiet = before === 1 ? (this.#putMs - this.#getMs) / 2 : this.#putMs * steps
    const waitMs = Math.ceil(Math.min(Math.max(this.#lastCommitAt + quiet - now, 1), left))
    const passed = Math.round((now + waitMs - this.#lastCommitAt) / Math.max(this.#putMs, 1))
    return { waitMs, ask: Math.max(1, Math.min(passed, before, ASK_AT_MOST)) }
  }

  /** Where all latencies are alike, newcomers could come second every time: so the first hesitates now and then. */
  #isNewcomersTurn(now: number): boolean {
    const age = now - this.#lastCommitAt
    return (
      this.#commitsOfTheQueue % NEWCOMERS_TURN === NEWCOMERS_TURN - 1 && age >= 0 && age < this.#getMs * 1.25
    )
  }

  /** As long as a newcomer may need more to see what was committed last. The look is most of it. */
  #letNewcomersIn(): Turn {
    return { waitMs: Math.ceil(this.#getMs / 2), ask: 1 }
  }

  #alone(now: number): Turn | null {
    const metOthers = now - this.#othersAt <= REMEMBERED_MS
    if (this.#winsWithoutLook < (metOthers ? WINS_AFTER_COMPANY : WINS_WITHOUT_A_LOOK)) return null
    const room = Math.max(2 * this.#putMs, this.#putMs + 2 * this.#getMs)
    const age = Math.max(0, now - this.#lastCommitAt)
    return { waitMs: Math.max(0, Math.ceil(room - age)), ask: 1 }
  }

  #committed(writer: Writer, now: number, asksMs: number, madeAt: number): void {
    this.#forget(now)
    this.#reservation.committed(writer, now, asksMs, madeAt)
    if (this.#lastMadeAt !== null) this.#paceMs = smoothed(this.#paceMs, madeAt - this.#lastMadeAt)
    this.#lastMadeAt = madeAt
    const at = this.#queue.findIndex((place) => place.writer === writer)
    this.#commitsOfTheQueue = at >= 0 ? this.#commitsOfTheQueue + 1 : 0
    if (at >= 0) this.#queue.splice(0, at + 1)
    else if (this.#queue[0] && ++this.#queue[0].overtaken >= OVERTAKEN_AT_MOST) this.#queue.shift()
    this.#queue.push({ writer, committedAt: now, overtaken: 0 })
    this.#lastCommitAt = now
  }

  #forget(now: number): void {
    this.#queue = this.#queue.filter(({ committedAt }) => now - committedAt <= REMEMBERED_MS)
  }
}

function smoothed(known: number, measured: number): number {
  const ms = Math.min(Math.max(0, measured), LONGEST_ROUND_TRIP_MS)
  return known === 0 ? ms : known + (ms - known) * ROUND_TRIP_SMOOTHING
}
