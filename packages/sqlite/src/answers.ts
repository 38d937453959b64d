import type { Transaction } from './types.ts'

/**
 * Results of keyed transactions, recorded in the database by the transaction that they are the result of. Whoever
 * repeats a key gets the recorded result: after an unknown outcome, a client's retry, a redelivered message.
 */

const CREATE = `CREATE TABLE IF NOT EXISTS _thaw_atomic (
  key TEXT PRIMARY KEY,
  result TEXT,
  created_at INTEGER NOT NULL
) WITHOUT ROWID`

/**
 * Runs `fn` unless the key has a result, and records what it returns.
 * @param now ms since the epoch, kept beside the result
 * @returns the result as JSON carries it, the first time too
 */
export async function answerOnce<T>(
  tx: Transaction,
  key: string,
  now: number,
  fn: (tx: Transaction) => T | Promise<T>,
): Promise<T> {
  tx.execute(CREATE)
  const [known] = tx.execute('SELECT result FROM _thaw_atomic WHERE key = ?', [key]).rows
  if (known) return parse(known.result as string | null)
  const result = JSON.stringify(await fn(tx)) ?? null
  tx.execute('INSERT INTO _thaw_atomic (key, result, created_at) VALUES (?, ?, ?)', [key, result, now])
  return parse(result)
}

/** `undefined` has no JSON: it is kept as NULL. */
function parse<T>(result: string | null): T {
  return result === null ? (undefined as T) : JSON.parse(result)
}
