import { COMPACTED_LEVELS, LEVELS, levelPrefix, SNAPSHOT_LEVEL } from '../files.ts'

/** An empty object that is put to learn what time the store has. */
export const CLOCK_KEY = 'thaw/clock'

/**
 * What `maintain` reads, puts and deletes, as beginnings of keys: a role that runs it needs these rights, that to list
 * the whole database, and no others. It puts nothing into level 0, so it cannot publish a transaction.
 */
export const MAINTENANCE_KEYS = {
  read: [...LEVELS.map(levelPrefix), CLOCK_KEY],
  put: [...[...COMPACTED_LEVELS, SNAPSHOT_LEVEL].map(levelPrefix), CLOCK_KEY],
  delete: LEVELS.map(levelPrefix),
} as const satisfies Readonly<Record<string, readonly string[]>>
