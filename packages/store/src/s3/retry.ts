import { StoreError } from '../errors.ts'
import { ConnectionError } from './connection.ts'

export interface RetryOptions {
  readonly attempts: number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** In [0, 1). */
  readonly random: () => number
  /** Called when a kept connection was found dead: others are likely dead too. */
  readonly dropIdle: () => void
}

const firstPauseMs = 50
const longestPauseMs = 1_000
const passing = new Set(['STORE_UNAVAILABLE', 'STORE_UNREACHABLE', 'STORE_BAD_ANSWER'])

/**
 * Tries `fn` again while it fails for a reason that may pass: at once where a kept connection was dead,
 * else after a pause that doubles. Throws what the last attempt threw.
 */
export async function retrying<T>(
  fn: () => Promise<T>,
  options: RetryOptions,
  signal: AbortSignal | undefined,
): Promise<T> {
  let fresh = false
  for (let attempt = 1; ; attempt++) {
    try {
      return await fn()
    } catch (error) {
      if (!(error instanceof StoreError) || !passing.has(error.code) || signal?.aborted) throw error
      if (isStale(error) && !fresh) {
        // New connections cannot be stale: this happens once, and does not count.
        fresh = true
        attempt--
        options.dropIdle()
        continue
      }
      if (attempt >= options.attempts) throw error
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1))
      await options.sleep(pauseMs * (0.5 + options.random() / 2), signal).catch((ended) => {
        // The next attempt says so, in our words.
        if (!signal?.aborted) throw ended
      })
    }
  }
}

function isStale(error: StoreError): boolean {
  return error.cause instanceof ConnectionError && error.cause.fault === 'stale'
}
