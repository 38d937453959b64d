import { setTimeout as sleep } from 'node:timers/promises'

/** What time it is, and waiting for it to pass. Tests move one of their own. */
export interface Clock {
  /** In ms since the epoch. */
  now(): number
  /** Rejects with an `AbortError`, or the signal's reason, when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** A timer of Node's holds no more. */
const longestTimerMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await sleep(Math.min(Math.max(0, ms), longestTimerMs), undefined, signal === undefined ? {} : { signal })
  },
}

/** Sleeps; false when the signal was aborted meanwhile. */
export async function slept(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(ms, signal)
    return !signal.aborted
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}
