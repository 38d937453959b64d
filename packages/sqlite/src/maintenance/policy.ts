const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** When files are merged and when they may go. Times are ms, by the store's clock. */
export interface MaintenancePolicy {
  /** How old the oldest file of the level below must be for a compaction into level 1, 2, 3. */
  readonly compactAfterMs: Readonly<Record<1 | 2 | 3, number>>
  /** So many files of the level below are compacted whatever their age. */
  readonly compactAtFiles: number
  /** A snapshot is made when the newest is this old and there is something newer. */
  readonly snapshotAfterMs: number
  /** A snapshot is made when what has to be applied to the newest has become as large as that, and this large. */
  readonly snapshotAtBytes: number
  /**
   * How long files of level 0, 1, 2 are kept after a file of a higher level has come to cover them; never for less long
   * than those of the level below.
   */
  readonly keepCoveredMs: Readonly<Record<0 | 1 | 2, number>>
  /** For how long a restore to the past is possible: the age up to which snapshots and level 3 are kept. */
  readonly keepHistoryMs: number
}

/**
 * An environment that was frozen may publish for five minutes after it last proved the head, and its request may be
 * on its way for fifteen more; level 0 must outlast that.
 */
export const SHORTEST_KEEP_LEVEL_0_MS = HOUR

export const DEFAULT_POLICY: MaintenancePolicy = {
  compactAfterMs: { 1: 30 * SECOND, 2: 5 * MINUTE, 3: HOUR },
  compactAtFiles: 256,
  snapshotAfterMs: DAY,
  snapshotAtBytes: 4 * 1024 * 1024,
  keepCoveredMs: { 0: DAY, 1: DAY, 2: 7 * DAY },
  keepHistoryMs: 30 * DAY,
}
