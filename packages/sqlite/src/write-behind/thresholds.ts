import { SqliteStoreError } from '../errors.ts'

/** When what has gathered is persisted by itself. */
export interface Thresholds {
  /** After so many acknowledged writes; null: never by count. */
  readonly writes: number | null
  /** After so many ms since the last persist; null: never by time. */
  readonly intervalMs: number | null
}

export const DEFAULT_THRESHOLDS: Thresholds = { writes: 10, intervalMs: 300_000 }

/** The longest that a timer of Node can wait, ms: 24.8 days. */
const LONGEST_INTERVAL_MS = 2 ** 31 - 1

/**
 * @param given what is to change
 * @throws SqliteStoreError `BAD_OPTION`
 */
export function changedThresholds(from: Thresholds, given: Partial<Thresholds>): Thresholds {
  const { writes = from.writes, intervalMs = from.intervalMs } = given
  check('writes', writes, Number.MAX_SAFE_INTEGER)
  check('intervalMs', intervalMs, LONGEST_INTERVAL_MS)
  return { writes, intervalMs }
}

function check(name: string, value: number | null, most: number): void {
  if (value === null || (Number.isInteger(value) && value >= 1 && value <= most)) return
  throw new SqliteStoreError(
    'BAD_OPTION',
    `writeBehind.${name} is ${value}: it has to be a whole number from 1 to ${most}, or null to switch it off`,
  )
}
