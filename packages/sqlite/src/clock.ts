/** Time as the log needs it. Every wait and every wall-clock reading goes through one of these. */
export interface Clock {
  /** Wall clock, ms since the epoch. */
  now(): number
  /** Resolves after so many ms. A clock that knows signals rejects with the reason of one that is aborted before. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const abort = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', abort, { once: true })
    }),
}

/** What a timer can hold. Longer is as good as for ever. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1

/**
 * Calls `then` after so many ms, unless the function that it returns is called before.
 * @param ms up to 2^31 - 1; whatever is longer never comes
 */
export function after(clock: Clock, ms: number, then: () => void): () => void {
  if (ms > LONGEST_SLEEP_MS) return () => {}
  const timer = new AbortController()
  clock.sleep(Math.max(0, ms), timer.signal).then(
    () => !timer.signal.aborted && then(),
    () => undefined,
  )
  return () => timer.abort()
}
