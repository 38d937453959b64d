import { DeadlineError } from './errors.ts'
import type { LambdaContext } from './invocation.ts'

/** Longer waits than this one, in ms, Node's timers cut to none. */
const longestTimer = 2 ** 31 - 1

/** The time that is left to answer one event. Whoever makes one calls `end`. */
export class Deadline {
  /** When Lambda ends the invocation, in ms since the epoch. */
  readonly at: number
  readonly #controller = new AbortController()
  readonly #expired = Promise.withResolvers<never>()
  readonly #timer: NodeJS.Timeout | undefined

  /** Expires half a second before Lambda's end, or a tenth of the time when that is less: what is left is for the answer. */
  constructor(lambdaContext: LambdaContext) {
    const limitMs = lambdaContext.getRemainingTimeInMillis()
    this.at = Date.now() + limitMs
    this.#expired.promise.catch(() => {})
    const waitMs = limitMs - Math.min(500, limitMs / 10)
    if (!(waitMs <= longestTimer)) return
    this.#timer = setTimeout(() => this.#expire(new DeadlineError(limitMs)), waitMs)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** What `work` settles with, or a rejection with `DeadlineError` if that takes too long. */
  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#expired.promise])
  }

  /** Throws `DeadlineError` once the time is up. */
  check(): void {
    if (this.signal.aborted) throw this.signal.reason
  }

  /** Nothing expires any more. */
  end(): void {
    clearTimeout(this.#timer)
  }

  #expire(error: DeadlineError): void {
    this.#controller.abort(error)
    this.#expired.reject(error)
  }
}
