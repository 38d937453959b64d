import { setTimeout as sleep } from 'node:timers/promises'

/** The clock and the dice of the PostgreSQL engine. */
export interface Time {
  /** ms since the epoch. */
  now(): number
  sleep(ms: number): Promise<void>
  /** At least 0, less than 1. */
  random(): number
}

export const systemTime: Time = {
  now: () => Date.now(),
  sleep: (ms) => sleep(ms),
  random: () => Math.random(),
}
