import type { Database } from '@thaw/db'
import { computeFeatures, type Features } from './features/features.ts'
import { readHistory } from './features/history.ts'
import type { Window } from './features/ledger.ts'
import type { Account, Schema, User } from './schema.ts'
import { requireUser } from './users.ts'

export interface Profile {
  user: User
  accounts: readonly Account[]
  window: Window
  asOf: string | null
  /** Of the data as it is now. */
  features: Features
  /** When features of this window were last stored, ISO time in UTC; null if never. */
  storedAt: string | null
}

/**
 * A user as the data shows them, computed from one snapshot and stored nowhere. `asOf` as for `readHistory`.
 * Throws `RequestError` (`USER_NOT_FOUND`).
 */
export async function readProfile(
  db: Database<Schema>,
  userId: string,
  window: Window,
  asOf: string | undefined,
): Promise<Profile> {
  const snapshot = db.transaction().setAccessMode('read only').setIsolationLevel('repeatable read')
  return snapshot.execute(async (tx) => {
    const user = await requireUser(tx, userId)
    const history = await readHistory(tx, userId, asOf)
    const stored = await tx
      .selectFrom('features')
      .select('computed_at')
      .where('user_id', '=', userId)
      .where('window_days', '=', window)
      .executeTakeFirst()
    return {
      user,
      accounts: history.accounts,
      window,
      asOf: history.asOf,
      features: computeFeatures(history, window),
      storedAt: stored?.computed_at ?? null,
    }
  })
}
