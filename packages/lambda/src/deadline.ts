import { DeadlineError } from './errors.ts'
import type { LambdaContext } from './invocation.ts'

/** Longer waits than this one, in ms, Node's timers cut to none. */
const longestTimer = 2 ** 31 - 1

/** The time that is left to answer one event. Whoever makes one calls `end`. */
export class Deadline {
  /** When Lambda ends the invocation, in ms since the epoch. */
  readonly at: number
  /** Made for who asks for the signal: the first of a process is loaded, and few look at it. */
  #controller: AbortController | null = null
  #error: DeadlineError | null = null
  /** Called with the error when the time is up. */
  readonly #racers: ((error: DeadlineError) => void)[] = []
  readonly #timer: NodeJS.Timeout | undefined

  /** Expires half a second before Lambda's end, or a tenth of the time when that is less: what is left is for the answer. */
  constructor(lambdaContext: LambdaContext) {
    const limitMs = lambdaContext.getRemainingTimeInMillis()
    this.at = Date.now() + limitMs
    const waitMs = limitMs - Math.min(500, limitMs / 10)
    if (!(waitMs <= longestTimer)) return
    this.#timer = setTimeout(() => this.#expire(new DeadlineError(limitMs)), waitMs)
  }

  /** Aborts when the time is up. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#error) this.#controller.abort(this.#error)
    }
    return this.#controller.signal
  }

  get isOver(): boolean {
    return this.#error !== null
  }

  /** What `work` settles with, or a rejection with `DeadlineError` if that takes too long. */
  race<T>(work: Promise<T>): Promise<T> {
    // Not by `Promise.race`, which costs every event as much as all else that is here.
    return new Promise((resolve, reject) => {
      if (this.#error) reject(this.#error)
      else this.#racers.push(reject)
      work.then(resolve, reject)
    })
  }

  /** Throws `DeadlineError` once the time is up. */
  check(): void {
    if (this.#error) throw this.#error
  }

  /** Nothing expires any more. */
  end(): void {
    clearTimeout(this.#timer)
  }

  #expire(error: DeadlineError): void {
    this.#error = error
    this.#controller?.abort(error)
    for (const reject of this.#racers) reject(error)
  }
}
