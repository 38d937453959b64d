import { expect, onTestFinished, test } from 'vitest'
import { openCrowd, until } from '../../test/crowd.ts'
import { rows } from '../../test/kit.ts'
import { reservations } from '../../test/reservations.ts'
import { restoreInPlace } from './restore-in-place.ts'

test('a large restore in place gets through while others write all the time', async () => {
  const crowd = await openCrowd({ seed: 'restore', writers: 4, bytesAMs: 750 })
  const { clock, databases, store, far } = crowd
  const [first, ...others] = databases as [(typeof databases)[number], ...typeof databases]
  const fill =
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT randomblob(1000) FROM n'
  const preparing = first.execute(fill).then(() => first.execute('UPDATE t SET v = randomblob(1001)'))
  await until(clock, preparing, 10_000)
  await preparing
  const to = first.position - 1

  let over = false
  const writing = others.map(async (db, index) => {
    while (!over) await db.execute('INSERT INTO t VALUES (?)', [index])
  })
  onTestFinished(async () => {
    over = true
    await until(clock, Promise.all(writing), 60_000)
  })
  await clock.advance(500)
  const before = (await reservations(store)).length
  let tries = 0
  const progress = (step: string) => {
    if (step.startsWith('writing')) tries++
  }
  const restoring = restoreInPlace({ store: far, description: 'the database' }, { to }, { clock, progress })
  restoring.catch(() => undefined)
  expect(await until(clock, restoring, 30_000)).toBe(true)
  const { txid, pages } = await restoring
  expect(txid).not.toBeNull()
  expect(pages).toBeGreaterThan(50)
  expect(tries).toBeLessThan(8)
  const asked = (await reservations(store)).length - before
  expect(asked).toBeGreaterThan(0)
  expect(asked).toBeLessThan(5)
  over = true
  await until(clock, Promise.all(writing), 60_000)
  const counting = rows(first, 'SELECT count(*) AS n FROM t WHERE length(v) = 1000')
  await until(clock, counting, 10_000)
  expect(await counting).toEqual([{ n: 300 }])
}, 60_000)
