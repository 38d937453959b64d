import { listAll } from '../src/files.ts'
import type { Source } from '../src/ltx-file.ts'
import { DEFAULT_POLICY } from '../src/maintenance/policy.ts'
import { expired } from '../src/maintenance/retention.ts'

const SOON = -60_000

/** A policy by which all levels are made in one run, however young what they are made of. */
export const AT_ONCE = { compactAfterMs: { 1: SOON, 2: SOON, 3: SOON }, snapshotAfterMs: SOON }

/** Deletes what retention would in so many days, for servers whose clock cannot be set. @returns how many files */
export async function deleteAsIfDaysLater({ store }: Source, days: number): Promise<number> {
  const keys = expired(await listAll(store), DEFAULT_POLICY, Date.now() + days * 86_400_000).map(
    ({ key }) => key,
  )
  await store.delete(keys)
  return keys.length
}
