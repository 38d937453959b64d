import type { Transaction } from './types.ts'

/**
 * Results of keyed transactions, recorded in the database by the transaction that they are the result of. Whoever
 * repeats a key while it lives gets the recorded result: after an unknown outcome, a client's retry, a redelivered
 * message. Whether a key lives is told by its age alone, not by whether its row has been deleted yet.
 *
 * Expired rows are deleted by a walk through the table, a step in one of so many transactions that add a key. An index
 * on their age would find them at once, but its pages would be part of every object and every copy: it made objects
 * three quarters larger, and the database by two thirds of this table.
 */

/** One day more than the longest that Amazon SQS keeps a message, and may deliver it again: 14 days. */
export const DEFAULT_KEY_LIFETIME_MS = 15 * 24 * 3_600_000

const KEYS_A_STEP = 32
/** Four times the keys that are added between two steps: the table stays below four thirds of what lives. */
const ROWS_A_STEP = 128

const CREATE = `CREATE TABLE IF NOT EXISTS _thaw_atomic (
  key TEXT PRIMARY KEY,
  result TEXT,
  created_at INTEGER NOT NULL
) WITHOUT ROWID`

const FIND = 'SELECT result FROM _thaw_atomic WHERE key = ? AND created_at > ?'

const RECORD = `INSERT INTO _thaw_atomic (key, result, created_at) VALUES (?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET result = excluded.result, created_at = excluded.created_at`

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
  tx.execute(CREATE)
  const expired = now - lifetimeMs
  const [known] = tx.execute(FIND, [key, expired]).rows
  if (known) return parse(known.result as string | null)
  const result = JSON.stringify(await fn(tx)) ?? null
  tx.execute(RECORD, [key, result, now])
  if (hash(key) % KEYS_A_STEP === 0) walkOn(tx, expired)
  return parse(result)
}

/** Deletes what was made at the instant `expired` or before from the next rows of the walk. */
function walkOn(tx: Transaction, expired: number): void {
  tx.execute('CREATE TABLE IF NOT EXISTS _thaw_atomic_walk (id INTEGER PRIMARY KEY, at TEXT NOT NULL)')
  const at = tx.execute('SELECT at FROM _thaw_atomic_walk').rows[0]?.at ?? ''
  const next = 'SELECT key FROM _thaw_atomic WHERE key > ? ORDER BY key LIMIT ?'
  const to = tx.execute(next, [at, ROWS_A_STEP]).rows
  const end = to.at(-1)?.key ?? at
  tx.execute('DELETE FROM _thaw_atomic WHERE key > ? AND key <= ? AND created_at <= ?', [at, end, expired])
  const from = to.length < ROWS_A_STEP ? '' : end
  tx.execute('INSERT OR REPLACE INTO _thaw_atomic_walk (id, at) VALUES (1, ?)', [from])
}

/** FNV-1a over UTF-16 units (Fowler, Noll, Vo): the same for all attempts, and evenly spread whatever the keys. */
function hash(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}

/** `undefined` has no JSON: it is kept as NULL. */
function parse<T>(result: string | null): T {
  return result === null ? (undefined as T) : JSON.parse(result)
}
