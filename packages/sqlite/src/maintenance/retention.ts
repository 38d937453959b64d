import { type LtxFile, latest, SNAPSHOT_LEVEL } from '../files.ts'
import { type MaintenancePolicy, SHORTEST_KEEP_LEVEL_0_MS } from './policy.ts'

/**
 * The files that may be deleted: nothing that any restore point which is still kept needs.
 *
 * - A file of level 0, 1 or 2 may go when one file of a higher level up to 3 has covered it for long enough.
 * - Of the snapshots that are older than the history to be kept, the newest stays: it is what its beginning is
 *   restored from. A file of level 3 may go when it ends before that.
 * - The newest single transaction always stays: it is how an environment that was away knows its history again.
 * - No level is kept for less long than the one below: what is kept there rests on it.
 *
 * @param now the store's clock, ms since the epoch
 */
export function expired(files: readonly LtxFile[], policy: MaintenancePolicy, now: number): LtxFile[] {
  const newestSingle = latest(files.filter(({ level }) => level === 0))
  const keepMs = keptMs(policy)
  const base = oldestKeptSnapshot(files, keepMs.history, now)
  return files.filter((file) => {
    switch (file.level) {
      case 0:
        return file.last !== newestSingle && isCovered(file, files, keepMs[0], now)
      case 1:
        return isCovered(file, files, keepMs[1], now)
      case 2:
        return isCovered(file, files, keepMs[2], now)
      case 3:
        return base !== null && file.last <= base.last && now - file.modifiedAt > keepMs.history
      case SNAPSHOT_LEVEL:
        return base !== null && file.last < base.last
      default:
        return false
    }
  })
}

function keptMs({ keepCoveredMs, keepHistoryMs }: MaintenancePolicy) {
  const level0 = Math.max(keepCoveredMs[0], SHORTEST_KEEP_LEVEL_0_MS)
  const level1 = Math.max(keepCoveredMs[1], level0)
  const level2 = Math.max(keepCoveredMs[2], level1)
  return { 0: level0, 1: level1, 2: level2, history: Math.max(keepHistoryMs, level2) }
}

/** The snapshot that the oldest restore point to be kept rests on; null when every one is younger. */
function oldestKeptSnapshot(files: readonly LtxFile[], keepHistoryMs: number, now: number): LtxFile | null {
  const old = files.filter((file) => file.level === SNAPSHOT_LEVEL && now - file.modifiedAt > keepHistoryMs)
  return old.reduce<LtxFile | null>(
    (newest, file) => (newest && newest.last >= file.last ? newest : file),
    null,
  )
}

function isCovered(file: LtxFile, files: readonly LtxFile[], forMs: number, now: number): boolean {
  return files.some(
    (other) =>
      other.level > file.level &&
      other.level < SNAPSHOT_LEVEL &&
      other.first <= file.first &&
      other.last >= file.last &&
      now - other.modifiedAt > forMs,
  )
}
