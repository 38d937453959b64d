import { COMPACTED_LEVELS, type LtxFile, latest, listAll, listLevel, SNAPSHOT_LEVEL } from '../files.ts'
import type { Source } from '../ltx-file.ts'
import { planFrom } from '../plan.ts'
import { MOST_INPUTS, mergeFiles } from './merge.ts'
import { DEFAULT_POLICY, type MaintenancePolicy } from './policy.ts'
import { expired } from './retention.ts'
import { CLOCK_KEY } from './rights.ts'

export interface MaintainOptions {
  /** What differs from `DEFAULT_POLICY`. */
  readonly policy?: Partial<MaintenancePolicy>
  /** Whether to delete what may go; true when absent. Needs the permission to delete. */
  readonly deleteExpired?: boolean
}

/** What a run of maintenance did. */
export interface MaintenanceReport {
  /** Keys of the files that it made, or found made. */
  readonly created: readonly string[]
  readonly deleted: readonly string[]
}

/**
 * Compacts, snapshots and deletes what retention allows. It can run anywhere, twice at the same time, and die at any
 * point: what it makes depends on nothing but what it is made of, is created conditionally, and is complete before
 * anything goes.
 *
 * @throws RestoreError, HistoryChangedError when a file cannot be believed: then nothing is deleted. StoreError
 */
export async function maintain(source: Source, options: MaintainOptions = {}): Promise<MaintenanceReport> {
  const policy = { ...DEFAULT_POLICY, ...options.policy }
  const now = await storeClock(source)
  const created: string[] = []
  for (const level of COMPACTED_LEVELS) {
    for (;;) {
      const inputs = await compactionDue(source, level, policy, now)
      if (inputs.length > 0) created.push(await mergeFiles(source, inputs.slice(0, MOST_INPUTS), level))
      if (inputs.length <= MOST_INPUTS) break
    }
  }
  const inputs = await snapshotDue(source, policy, now)
  if (inputs.length > 0) {
    created.push(await mergeFiles(source, inputs.slice(0, MOST_INPUTS), SNAPSHOT_LEVEL))
  }
  if (options.deleteExpired === false) return { created, deleted: [] }
  const deleted = expired(await listAll(source.store), policy, now).map(({ key }) => key)
  await source.store.delete(deleted)
  return { created, deleted }
}

/** The files of the level below that are to become one file of this level; none when it is not time. */
async function compactionDue(
  { store }: Source,
  level: 1 | 2 | 3,
  policy: MaintenancePolicy,
  now: number,
): Promise<readonly LtxFile[]> {
  // What is in a higher level has been in this one, from which it may have been deleted since.
  const higher = COMPACTED_LEVELS.filter((one) => one >= level)
  const done = latest((await Promise.all(higher.map((one) => listLevel(store, one)))).flat())
  const below = await listLevel(store, level - 1)
  const fresh = below.filter(({ last }) => last > done)
  const oldest = fresh[0]
  if (!oldest) return []
  const { files } = planFrom(fresh, oldest.first - 1)
  const age = now - oldest.modifiedAt
  return age >= policy.compactAfterMs[level] || files.length >= policy.compactAtFiles ? files : []
}

/** The files that are to become a snapshot; none when it is not time. */
async function snapshotDue(
  source: Source,
  policy: MaintenancePolicy,
  now: number,
): Promise<readonly LtxFile[]> {
  const { files } = planFrom(await listAll(source.store), 0)
  const [base, ...rest] = files
  if (!base || rest.length === 0) return []
  const bytes = rest.reduce((sum, { size }) => sum + size, 0)
  const isLarge = bytes >= policy.snapshotAtBytes && bytes >= base.size
  const isOld = now - base.modifiedAt >= policy.snapshotAfterMs
  return isLarge || isOld ? files : []
}

/** What time the store has, ms: when it accepts an object. Ages are judged by the clock that they were made with. */
async function storeClock({ store, description }: Source): Promise<number> {
  await store.put(CLOCK_KEY, new Uint8Array())
  const info = await store.head(CLOCK_KEY)
  if (!info) throw new Error(`${description} lost ${CLOCK_KEY} the moment it was put`)
  return info.modifiedAt
}
