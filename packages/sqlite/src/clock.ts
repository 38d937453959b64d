/** Time as the log needs it. Every wait and every wall-clock reading goes through one of these. */
export interface Clock {
  /** Wall clock, ms since the epoch. */
  now(): number
  /** Resolves after so many ms. */
  sleep(ms: number): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}
