import { BusyError } from '../errors.ts'

interface Waiter {
  readonly enter: () => void
}

/** Lets one in at a time, in the order of arrival. */
export class Lock {
  readonly #waiting: Waiter[] = []
  #held = false

  /**
   * Resolves once the caller is alone inside; it leaves with `unlock`.
   * @param what is waited for, for the message
   * @throws BusyError after `timeoutMs`; the signal's reason when it is aborted
   */
  lock(what: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (!this.#held) {
      this.#held = true
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', aborted)
      }
      const giveUp = (reason: unknown) => {
        leave()
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(reason)
      }
      const waiter: Waiter = {
        enter: () => {
          leave()
          resolve()
        },
      }
      const aborted = () => giveUp(signal?.reason)
      const timer = setTimeout(() => {
        giveUp(
          new BusyError(
            `waited ${timeoutMs} ms for ${what}, which others in this process were using: is a transaction ` +
              'or a connection left open, or the outer database used while one is?',
          ),
        )
      }, timeoutMs)
      signal?.addEventListener('abort', aborted, { once: true })
      this.#waiting.push(waiter)
    })
  }

  unlock(): void {
    const next = this.#waiting.shift()
    if (next) next.enter()
    else this.#held = false
  }
}
