import { join } from 'node:path'
import { memoryStore } from '@thaw/store'
import type { Bucket } from './bucket.ts'
import { check } from './check.ts'
import { checkGathered } from './check-gathered.ts'
import type { Operation } from './history.ts'
import type { MaintenancePlan } from './plan.ts'
import { type Replayed, replay } from './replay.ts'
import { checkMerged, checkRestorePoints } from './retained.ts'

const HOUR = 3_600_000
/** What maintenance puts to learn the bucket's time. */
const CLOCK_KEY = 'thaw/clock'

/** What is left of a world once all has come to its end. */
export interface Remains {
  readonly bucket: Bucket
  readonly operations: readonly Operation[]
  /** When each life of the prefix began, in ticks, and whether with nothing. */
  readonly generations: readonly { readonly tick: number; readonly startsEmpty: boolean }[]
  /** The transactions that were to be gone back to, by the environment that was to do that. */
  readonly restores: ReadonlyMap<string, number>
  readonly maintenance: MaintenancePlan | null
  /** A place for files. */
  readonly directory: string
}

/**
 * Judges a world by what its bucket holds and ever held, and by what its clients saw.
 * @throws Violation
 */
export async function judge(remains: Remains): Promise<void> {
  const { bucket, operations, restores, directory } = remains
  const generations = remains.generations.map((generation, index) => {
    const created = bucket.created.filter((one) => one.generation === index)
    return { ...generation, created, ...replay(created, join(directory, 'replay.db'), restores) }
  })
  check(generations, operations)
  checkGathered(generations, operations)
  for (const { created, states } of generations) checkMerged(created, states)
  await checkKept(remains, generations.at(-1))
}

/** What maintenance left. */
async function checkKept(
  { bucket, maintenance, directory }: Remains,
  last: Replayed | undefined,
): Promise<void> {
  if (!maintenance || !last) return
  const store = memoryStore()
  for (const [key, { body }] of bucket.objects) await store.put(key, body)
  const lastRun = bucket.created.findLast(({ key }) => key === CLOCK_KEY)?.at ?? 0
  const keptSince = lastRun - Math.max(HOUR, maintenance.policy.keepCoveredMs[0])
  await checkRestorePoints(store, last.states, keptSince, join(directory, 'restored.db'))
}
