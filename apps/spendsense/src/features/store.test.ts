import { join } from 'node:path'
import { connect } from '@thaw/db'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Schema } from '../schema.ts'
import { computeAndStore } from './store.ts'

const db = connect<Schema>({
  url: 'sqlite::memory:',
  migrations: join(import.meta.dirname, '../../migrations'),
  seed: join(import.meta.dirname, '../../data'),
})
beforeAll(() => db.ready())
afterAll(() => db.destroy())

test('what is stored is what is answered, the newest in place of the one before', async () => {
  const stored = () =>
    db.selectFrom('features').selectAll().where('user_id', '=', 'user-001').orderBy('window_days').execute()

  for (const [asOf, now] of [
    ['2026-08-15', 1_000],
    [undefined, 2_000],
  ] as const) {
    const answer = await computeAndStore(db, 'user-001', asOf, () => now)
    const row = (window: 30 | 180) => ({
      user_id: 'user-001',
      window_days: window,
      as_of: answer.asOf,
      computed_at: answer.computedAt,
      features: JSON.stringify(answer.windows[window]),
    })
    expect(answer.computedAt).toBe(new Date(now).toISOString())
    expect(await stored()).toEqual([row(30), row(180)])
  }
})

test('the features of one user stay apart from those of another', async () => {
  await computeAndStore(db, 'user-002', undefined, () => 3_000)
  const rows = await db
    .selectFrom('features')
    .select('computed_at')
    .where('user_id', '=', 'user-001')
    .execute()
  expect(rows.map(({ computed_at }) => computed_at)).toEqual(Array(2).fill('1970-01-01T00:00:02.000Z'))
})
