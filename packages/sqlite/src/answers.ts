import type { Transaction } from './types.ts'

/**
 * Results of keyed transactions, recorded in the database by the transaction that they are the result of. Whoever
 * repeats a key while it lives gets the recorded result: after an unknown outcome, a client's retry, a redelivered
 * message. Whether a key lives is told by its age alone, not by whether its row has been deleted yet.
 */

/** One day more than the longest that Amazon SQS keeps a message, and may deliver it again: 14 days. */
export const DEFAULT_KEY_LIFETIME_MS = 15 * 24 * 3_600_000

const CREATE = [
  `CREATE TABLE IF NOT EXISTS _thaw_atomic (
  key TEXT PRIMARY KEY,
  result TEXT,
  created_at INTEGER NOT NULL
) WITHOUT ROWID`,
  'CREATE INDEX IF NOT EXISTS _thaw_atomic_created_at ON _thaw_atomic (created_at)',
]

const FIND = 'SELECT result FROM _thaw_atomic WHERE key = ? AND created_at > ?'

const RECORD = `INSERT INTO _thaw_atomic (key, result, created_at) VALUES (?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET result = excluded.result, created_at = excluded.created_at`

/** More than the one that is added, so that the table shrinks to what lives; few, so that no transaction is slow. */
const EXPIRE = `DELETE FROM _thaw_atomic WHERE key IN
  (SELECT key FROM _thaw_atomic WHERE created_at <= ? ORDER BY created_at LIMIT 8)`

export interface KeyedCall {
  readonly key: string
  /** When it was made, ms since the epoch: one instant for all its attempts, so that all judge the same keys alike. */
  readonly now: number
  readonly lifetimeMs: number
}

/**
 * Runs `fn` unless the key lives, and records what it returns.
 * @returns the result as JSON carries it, the first time too
 */
export async function answerOnce<T>(
  tx: Transaction,
  { key, now, lifetimeMs }: KeyedCall,
  fn: (tx: Transaction) => T | Promise<T>,
): Promise<T> {
  for (const sql of CREATE) tx.execute(sql)
  const expired = now - lifetimeMs
  const [known] = tx.execute(FIND, [key, expired]).rows
  if (known) return parse(known.result as string | null)
  const result = JSON.stringify(await fn(tx)) ?? null
  tx.execute(RECORD, [key, result, now])
  tx.execute(EXPIRE, [expired])
  return parse(result)
}

/** `undefined` has no JSON: it is kept as NULL. */
function parse<T>(result: string | null): T {
  return result === null ? (undefined as T) : JSON.parse(result)
}
