import type { Database } from '@thaw/db'
import type { Schema } from '../schema.ts'
import { requireUser } from '../users.ts'
import { computeFeatures, type Features } from './features.ts'
import { readHistory } from './history.ts'
import { WINDOWS, type Window } from './ledger.ts'

export interface ComputedFeatures {
  userId: string
  asOf: string | null
  /** ISO time in UTC. */
  computedAt: string
  windows: Record<Window, Features>
}

/**
 * Computes a user's features over every window and keeps them in place of the ones before. `asOf` as for
 * `readHistory`. Throws `RequestError` (`USER_NOT_FOUND`), and what `atomic` throws.
 */
export async function computeAndStore(
  db: Database<Schema>,
  userId: string,
  asOf: string | undefined,
  now: () => number,
): Promise<ComputedFeatures> {
  return db.atomic(async (tx) => {
    await requireUser(tx, userId)
    const history = await readHistory(tx, userId, asOf)
    const windows = { 30: computeFeatures(history, 30), 180: computeFeatures(history, 180) }
    const computedAt = new Date(now()).toISOString()
    await tx
      .insertInto('features')
      .values(
        WINDOWS.map((window) => ({
          user_id: userId,
          window_days: window,
          as_of: history.asOf,
          computed_at: computedAt,
          features: JSON.stringify(windows[window]),
        })),
      )
      .onConflict((conflict) =>
        conflict.columns(['user_id', 'window_days']).doUpdateSet(({ ref }) => ({
          as_of: ref('excluded.as_of'),
          computed_at: ref('excluded.computed_at'),
          features: ref('excluded.features'),
        })),
      )
      .execute()
    return { userId, asOf: history.asOf, computedAt, windows }
  })
}
