import type { ChainLink } from './chain.ts'
import { Reservation, timeToAskFor } from './reservation.ts'

/**
 * Keeps one writer from starving the others.
 *
 * Whoever has just won is up to date and could win again while the losers still fetch what it wrote; it cannot even
 * notice, because it never loses. So writers take turns, and nobody has to tell them whose turn it is: the chain says
 * who committed when, and everybody reads the chain.
 *
 * Writers stand in a queue. Whoever commits goes to its end; those that stood before it keep their places, unless they
 * have let so many turns pass that they are taken for absent. The first may commit at once; the next one waits as long as the first would need to be noticed,
 * and looks out for it meanwhile. Whoever is not in the queue has numbers of its own to get in by: at some numbers of
 * the chain those in the queue wait for a while.
 */

/** One number in so many is a newcomer's. */
const NEWCOMERS_NUMBER = 64
/** The same for a writer that is the only one in the queue, */
const NEWCOMERS_NUMBER_ALONE = 32
/** and for one that has met others lately. */
const NEWCOMERS_NUMBER_AFTER_COMPANY = 8
/** The same while a newcomer has just come in: where there is one there may be more. */
const NEWCOMERS_NUMBER_IN_A_RUSH = 4
/** Who has not committed for so long does not stand in the queue any more. */
const REMEMBERED_MS = 5_000
/** How often the first may be overtaken by newcomers before it is taken for absent. */
const OVERTAKEN_AT_MOST = 4
/**
 * How many turns a writer may let pass before it is taken for absent. Where many share a processor a turn is easily
 * missed, and who had to come in again each time would waste everybody's requests.
 */
const PASSED_AT_MOST = 4
/** Nobody stands behind newcomers for longer than so many PUTs for each writer that was before it. */
const LONGEST_TURN_PUTS = 2
/** A transaction that takes so many times as long as others need is too slow for turns, */
const TOO_SLOW = 4
/** and asks them to wait when it has lost so often in a row. */
const LOSSES_BEFORE_ASKING = 3
/** Who waits for somebody else's reservation to end looks so often. */
const LOOKS_IN_A_RESERVATION = 16
/** Whose turn it is has at least so many times as long as passes between two commits as a rule, */
const TURN_PACES = 2.5
/** and is taken to be so many times as far away as this writer at most. */
const FARTHER_AT_MOST = 4
/** What is larger takes longer than the way to the bucket. */
const ORDINARY_BYTES = 64 * 1024
/** For so many transactions at most is asked at once. */
const ASK_AT_MOST = 8
const ROUND_TRIP_SMOOTHING = 0.2
/** What took longer was a freeze, or a clock that was set. */
const LONGEST_ROUND_TRIP_MS = 1_000

type Writer = bigint | 'self'

interface Place {
  readonly writer: Writer
  readonly committedAt: number
  /** How often by newcomers, while it was the first. */
  overtaken: number
  /** How often by those behind it. */
  passed: number
}

/** What a transaction in the chain tells. */
export type SeenLink = Pick<ChainLink, 'writerId' | 'txid' | 'timestamp' | 'asksMs'>

/** What to do before the next transaction: wait, then look what others have committed, then ask again. */
export interface Turn {
  /** Whole ms. */
  readonly waitMs: number
  /** For how many transactions to ask. */
  readonly ask: number
}

export class Fairness {
  readonly #reservation = new Reservation<Writer>()
  #queue: Place[] = []
  #putMs = 0
  #getMs = 0
  /** From one commit to the next, whoever's they are, ms. */
  #paceMs = 0
  /** How long the last transaction took, its function and its publication, ms. */
  #workMs = 0
  /** Number of the last transaction that is known. */
  #txid = 0
  #lastCommitAt = Number.NEGATIVE_INFINITY
  /** By the clock of its writer. */
  #lastMadeAt: number | null = null
  #othersAt = Number.NEGATIVE_INFINITY
  /** Number of the last transaction of somebody who did not stand in the queue. */
  #newcomersTxid = Number.NEGATIVE_INFINITY
  /** When the transaction that waits now has waited long enough, whoever is before it. */
  #latest: number | null = null
  #lossesInARow = 0
  #askedInVain = 0

  /**
   * This environment's transaction was taken, by a request sent at `sentAt` and answered at `now` (ms).
   * @param bytes how large it was
   */
  won(txid: number, sentAt: number, now: number, bytes = 0): void {
    if (bytes <= ORDINARY_BYTES) this.#putMs = smoothed(this.#putMs, now - sentAt)
    this.#latest = null
    this.#lossesInARow = 0
    this.#askedInVain = 0
    this.#committed('self', { txid, timestamp: sentAt, asksMs: 0 }, now)
  }

  /** The same of one that asks the others to wait for so many ms. */
  reserved(txid: number, sentAt: number, now: number, asksMs: number): void {
    this.#putMs = smoothed(this.#putMs, now - sentAt)
    this.#askedInVain++
    this.#committed('self', { txid, timestamp: sentAt, asksMs }, now)
  }

  /** A transaction of another writer was found. To be told in the order of the chain. */
  saw(link: SeenLink, now: number): void {
    this.#othersAt = now
    this.#committed(link.writerId, link, now)
  }

  /** This environment's transaction was not taken, and what was taken instead has been seen. */
  lost(): void {
    this.#lossesInARow++
  }

  /** How often it was not taken since the last that was. */
  get lossesInARow(): number {
    return this.#lossesInARow
  }

  /** The last transaction took so long, won or lost: its function and its publication, ms. */
  worked(ms: number): void {
    this.#workMs = Math.max(0, ms)
  }

  /** The head has been looked at, by a request sent at `sentAt` and answered at `now` (ms). */
  looked(sentAt: number, now: number): void {
    this.#getMs = smoothed(this.#getMs, now - sentAt)
  }

  /**
   * For how long the first in the queue may be silent: it learns that it is, publishes, and is noticed. It may be
   * farther away than this writer, which shows in the pace of all. ms.
   */
  get turnMs(): number {
    const own = 1.5 * this.#putMs + 2 * this.#getMs
    return Math.max(own, Math.min(TURN_PACES * this.#paceMs, FARTHER_AT_MOST * own))
  }

  /** For how long (ms) the others are to be asked to wait before the next transaction is run; null when they need not. */
  asks(now: number): number | null {
    if (this.#lossesInARow < LOSSES_BEFORE_ASKING || this.#workMs <= TOO_SLOW * this.#paceMs) return null
    return this.#reservation.isFree(now) ? timeToAskFor(this.#workMs, this.#askedInVain) : null
  }

  /** Whether the next transaction may go out at once, and the others need not be asked to wait for it. */
  mayGo(now: number): boolean {
    return this.turn(now) === null && this.asks(now) === null
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
    if (before >= 0) return this.#isNewcomersNumber(now) ? this.#letNewcomersIn(now) : null
    // Whoever is not in the queue cannot know when to be in time, but for the numbers at which the others may wait.
    const isChance = (this.#txid + 1) % NEWCOMERS_NUMBER_IN_A_RUSH === 0
    return this.#lossesInARow === 0 || isChance ? null : this.#wait(now, 1, Number.POSITIVE_INFINITY)
  }

  #waitForOther(ms: number): Turn {
    const step = Math.max(this.#putMs + this.#getMs, ms / LOOKS_IN_A_RESERVATION, 1)
    return { waitMs: Math.ceil(Math.min(step, ms)), ask: 1 }
  }

  /** @param before how many have the turn before this one */
  #wait(now: number, before: number, latest: number): Turn | null {
    const room = this.#isNewcomersNumber(now) ? this.#roomMs : 0
    const patience = this.turnMs * (2 - 2 ** (1 - before)) + room
    const left = Math.min(this.#lastCommitAt + patience, latest) - now
    if (left <= 0 || now < this.#lastCommitAt) return null // a clock that was set back is none to wait by
    // Nothing can be seen before the first has published, and nothing need be known before it is nearly our turn.
    const steps = Math.min(before - 1.25, ASK_AT_MOST)
    const quiet = before === 1 ? (this.#putMs - this.#getMs) / 2 : this.#putMs * steps
    const waitMs = Math.ceil(Math.min(Math.max(this.#lastCommitAt + quiet - now, 1), left))
    const passed = Math.round((now + waitMs - this.#lastCommitAt) / Math.max(this.#putMs, 1))
    return { waitMs, ask: Math.max(1, Math.min(passed, before, ASK_AT_MOST)) }
  }

  /** Whether the next number is one that those in the queue leave to a newcomer for a while. */
  #isNewcomersNumber(now: number): boolean {
    const next = this.#txid + 1
    const isAlone = this.#queue.length === 1
    if (next % (isAlone ? NEWCOMERS_NUMBER_ALONE : NEWCOMERS_NUMBER) === 0) return true
    if (next - this.#newcomersTxid <= NEWCOMERS_NUMBER_IN_A_RUSH)
      return next % NEWCOMERS_NUMBER_IN_A_RUSH === 0
    const metOthers = now - this.#othersAt <= REMEMBERED_MS
    return isAlone && metOthers && next % NEWCOMERS_NUMBER_AFTER_COMPANY === 0
  }

  #letNewcomersIn(now: number): Turn | null {
    const waitMs = Math.ceil(this.#roomMs - Math.max(0, now - this.#lastCommitAt))
    return waitMs > 0 ? { waitMs, ask: 1 } : null
  }

  /** As long as a newcomer may need to see what was committed last, and to publish. */
  get #roomMs(): number {
    return Math.max(2 * this.#putMs, this.#putMs + 2 * this.#getMs)
  }

  #committed(
    writer: Writer,
    { txid, timestamp, asksMs }: Pick<SeenLink, 'txid' | 'timestamp' | 'asksMs'>,
    now: number,
  ): void {
    this.#forget(now)
    this.#reservation.committed(writer, now, asksMs, timestamp)
    if (this.#lastMadeAt !== null) this.#paceMs = smoothed(this.#paceMs, timestamp - this.#lastMadeAt)
    this.#lastMadeAt = timestamp
    this.#lastCommitAt = now
    this.#txid = txid
    const place: Place = { writer, committedAt: now, overtaken: 0, passed: 0 }
    if (this.#queue.length === 1 && this.#queue[0]?.writer === writer) {
      this.#queue[0] = place
      return
    }
    const at = this.#queue.findIndex((known) => known.writer === writer)
    if (at < 0 && this.#queue.length > 0) this.#newcomersTxid = txid
    for (const before of this.#queue.slice(0, Math.max(at, 0))) before.passed++
    if (at < 0 && this.#queue[0]) this.#queue[0].overtaken++
    this.#queue = this.#queue.filter(
      ({ overtaken, passed }, index) =>
        index !== at && overtaken < OVERTAKEN_AT_MOST && passed < PASSED_AT_MOST,
    )
    this.#queue.push(place)
  }

  #forget(now: number): void {
    this.#queue = this.#queue.filter(({ committedAt }) => now - committedAt <= REMEMBERED_MS)
  }
}

function smoothed(known: number, measured: number): number {
  const ms = Math.min(Math.max(0, measured), LONGEST_ROUND_TRIP_MS)
  return known === 0 ? ms : known + (ms - known) * ROUND_TRIP_SMOOTHING
}
