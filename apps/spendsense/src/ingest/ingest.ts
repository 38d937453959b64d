import { createHash, randomUUID } from 'node:crypto'
import type { Database } from '@thaw/db'
import { RequestError } from '../errors.ts'
import type { Schema } from '../schema.ts'
import { readBody } from './body.ts'
import { type Counts, storeRows } from './store.ts'

export interface IngestAnswer extends Counts {
  /** How long checking and writing took, in milliseconds, without the commit that follows. */
  durationMs: number
}

/**
 * Stores the rows of a body, all or none. With a `key` (1 to 200 printable ASCII characters) the same body is
 * stored once, for ever: a repeat gets the first answer and changes nothing.
 *
 * Throws `RequestError`, and what `atomic` throws.
 */
export async function ingest(
  db: Database<Schema>,
  bytes: Uint8Array,
  key: string | undefined,
  now: () => number,
): Promise<IngestAnswer> {
  if (key !== undefined && !/^[\x20-\x7e]{1,200}$/.test(key)) {
    throw new RequestError('INVALID_KEY', 'Idempotency-Key must be 1 to 200 printable ASCII characters.')
  }
  const rows = readBody(bytes)
  const body = createHash('sha256').update(bytes).digest('hex')
  const first = await db.atomic(
    async (tx) => {
      const started = now()
      const counts = await storeRows(tx, rows)
      const received_at = new Date(started).toISOString()
      await tx
        .insertInto('ingests')
        .values({ id: randomUUID(), received_at, ...counts })
        .execute()
      return { body, answer: { ...counts, durationMs: now() - started } }
    },
    { key: key === undefined ? undefined : `ingest ${key}` },
  )
  if (first.body !== body) {
    throw new RequestError(
      'KEY_REUSED',
      `Nothing was stored: key "${key}" came with another body before. Use a new key.`,
    )
  }
  return first.answer
}
