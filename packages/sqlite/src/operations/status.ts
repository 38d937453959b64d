import { missing } from '../chain.ts'
import { LEVELS, type LtxFile } from '../files.ts'
import type { Source } from '../ltx-file.ts'
import { planFrom } from '../plan.ts'
import { type LostObject, listLost } from '../write-behind/lost.ts'
import { headerOf, restorePoints, withFiles } from './inventory.ts'

/** The files of one level. */
export interface LevelStatus {
  readonly level: number
  readonly files: number
  readonly bytes: number
  /** First and last transaction in them. */
  readonly first: number
  readonly last: number
  /** When the store accepted the oldest and the newest one, ms since the epoch, by its clock. */
  readonly oldestAt: number
  readonly newestAt: number
}

/** What a bucket holds. All instants are ms since the epoch. */
export interface DatabaseStatus {
  /** The last transaction that can be restored; null when there is no database yet. */
  readonly head: {
    readonly txid: number
    /** When it was made, by the clock of its writer. */
    readonly timestamp: number
    /** Bytes a page. */
    readonly pageSize: number
    /** Size of the database, bytes. */
    readonly bytes: number
  } | null
  /** The levels that have files, ascending. */
  readonly levels: readonly LevelStatus[]
  /** What has to be read to restore the head now. */
  readonly restore: { readonly files: number; readonly bytes: number }
  /** Single transactions that no compaction covers: how far maintenance is behind. */
  readonly tail: { readonly files: number; readonly bytes: number; readonly oldestAt: number | null }
  /** What write-behind acknowledged and could not publish, because another writer was there: kept for somebody to look at. */
  readonly lost: readonly LostObject[]
  /** Why the newest transaction cannot be restored; null when it can. */
  readonly problem: string | null
}

/**
 * Tells what a bucket holds, from lists and one header. Writes nothing.
 * @throws RestoreError when the file of the head is damaged; StoreError
 */
export function status(source: Source): Promise<DatabaseStatus> {
  return withFiles(source, async (files) => {
    const point = restorePoints(files).at(-1)
    const plan = planFrom(files, 0)
    const [beyond] = files.filter(({ last }) => last > plan.reaches).sort((a, b) => a.first - b.first)
    const header = point && (await headerOf(source, point.file))
    const tail = notCompacted(files)
    return {
      head: header
        ? {
            txid: header.maxTxid,
            timestamp: header.timestamp,
            pageSize: header.pageSize,
            bytes: header.commit * header.pageSize,
          }
        : null,
      levels: LEVELS.flatMap((level) => levelStatus(files, level) ?? []),
      restore: { files: plan.files.length, bytes: sizeOf(plan.files) },
      tail: { files: tail.length, bytes: sizeOf(tail), oldestAt: oldest(tail) },
      lost: await listLost(source.store),
      problem: beyond ? missing(source.description, plan.reaches + 1, beyond.key).message : null,
    }
  })
}

function levelStatus(files: readonly LtxFile[], level: number): LevelStatus | null {
  const own = files.filter((file) => file.level === level)
  const first = own[0]
  if (!first) return null
  return {
    level,
    files: own.length,
    bytes: sizeOf(own),
    first: own.reduce((least, file) => Math.min(least, file.first), first.first),
    last: own.reduce((most, file) => Math.max(most, file.last), first.last),
    oldestAt: own.reduce((least, file) => Math.min(least, file.modifiedAt), first.modifiedAt),
    newestAt: own.reduce((most, file) => Math.max(most, file.modifiedAt), first.modifiedAt),
  }
}

function notCompacted(files: readonly LtxFile[]): LtxFile[] {
  const covered = files.reduce((most, { level, last }) => (level > 0 ? Math.max(most, last) : most), 0)
  return files.filter(({ level, last }) => level === 0 && last > covered)
}

function sizeOf(files: readonly LtxFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0)
}

function oldest(files: readonly LtxFile[]): number | null {
  return files.reduce<number | null>(
    (least, file) => Math.min(least ?? file.modifiedAt, file.modifiedAt),
    null,
  )
}
