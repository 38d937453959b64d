import type { Clock } from '../clock.ts'
import { changedThresholds, type Thresholds } from './thresholds.ts'

const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 60_000

/** Calls `then` once after so many ms, unless the function that it returns is called before. */
export type SetTimer = (then: () => void, ms: number) => () => void

/** A timer that does not keep the process alive. */
export const unrefTimer: SetTimer = (then, ms) => {
  const timer = setTimeout(then, ms)
  timer.unref()
  return () => clearTimeout(timer)
}

export interface ScheduleOptions {
  readonly clock: Clock
  readonly setTimer: SetTimer
  readonly thresholds: Thresholds
  /** Called by the timer when it is time. */
  readonly onDue: () => void
}

/**
 * Knows when it is time to persist, and wakes by a timer. Instants are of the wall clock: a timer stands still while an
 * environment is frozen, so `isDue` is also asked at every occasion.
 */
export class Schedule {
  readonly #options: ScheduleOptions
  #thresholds: Thresholds
  #acknowledged = 0
  #persisted = 0
  #persistedAt: number
  #failures = 0
  #retryAt = Number.NEGATIVE_INFINITY
  #cancelTimer: (() => void) | null = null

  constructor(options: ScheduleOptions) {
    this.#options = options
    this.#thresholds = options.thresholds
    this.#persistedAt = options.clock.now()
  }

  get thresholds(): Thresholds {
    return this.#thresholds
  }

  /** How many writes were ever acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** How many of them the bucket does not hold. */
  get pending(): number {
    return this.#acknowledged - this.#persisted
  }

  get isDue(): boolean {
    return this.#options.clock.now() >= this.#dueAt()
  }

  /** Whether the last attempt failed just now, so that the next one has to wait. */
  get backsOff(): boolean {
    return this.#options.clock.now() < this.#retryAt
  }

  /** A write was acknowledged. */
  wrote(): void {
    this.#acknowledged++
    if (this.#cancelTimer === null) this.#arm()
  }

  /** The bucket holds the first `acknowledged` writes. */
  persisted(acknowledged: number): void {
    this.#persisted = Math.max(this.#persisted, acknowledged)
    this.#persistedAt = this.#options.clock.now()
    this.#failures = 0
    this.#retryAt = Number.NEGATIVE_INFINITY
    this.#arm()
  }

  failed(): void {
    const pause = Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, LONGEST_RETRY_MS)
    this.#retryAt = this.#options.clock.now() + pause
    this.#arm()
  }

  /** @throws SqliteStoreError `BAD_OPTION`; nothing changes then */
  configure(given: Partial<Thresholds>): void {
    this.#thresholds = changedThresholds(this.#thresholds, given)
    this.#arm()
  }

  stop(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
  }

  #dueAt(): number {
    if (this.pending === 0) return Number.POSITIVE_INFINITY
    this.#followClockBack()
    const { writes, intervalMs } = this.#thresholds
    const byCount = writes !== null && this.pending >= writes ? this.#persistedAt : Number.POSITIVE_INFINITY
    const byTime = intervalMs === null ? Number.POSITIVE_INFINITY : this.#persistedAt + intervalMs
    return Math.max(Math.min(byCount, byTime), this.#retryAt)
  }

  /** A clock that was set back would otherwise put everything off. */
  #followClockBack(): void {
    const now = this.#options.clock.now()
    this.#persistedAt = Math.min(this.#persistedAt, now)
    if (this.#retryAt > now + LONGEST_RETRY_MS) this.#retryAt = now
  }

  #arm(): void {
    this.stop()
    const { clock, setTimer, onDue } = this.#options
    const dueAt = this.#dueAt()
    if (dueAt === Number.POSITIVE_INFINITY) return
    this.#cancelTimer = setTimer(
      () => {
        this.#cancelTimer = null
        if (this.isDue) onDue()
        else this.#arm()
      },
      Math.max(1, dueAt - clock.now()),
    )
  }
}
