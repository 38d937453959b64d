import { expect, onTestFinished, test } from 'vitest'
import { type Crowd, openCrowd, PUT_MS, until } from '../test/crowd.ts'
import { open, rows } from '../test/kit.ts'
import { reservations } from '../test/reservations.ts'
import { Reservation, timeToAskFor } from './reservation.ts'

test('it lasts until its holder commits, or its time is over', () => {
  const reservation = new Reservation<string>()
  reservation.committed('a', 1_000, 500, 1_000)
  expect([reservation.holder(1_000), reservation.left(1_200)]).toEqual(['a', 300])
  reservation.committed('b', 1_200, 0, 1_200)
  expect(reservation.holder(1_499)).toBe('a')
  expect(reservation.holder(1_500)).toBeNull()

  const other = new Reservation<string>()
  other.committed('a', 1_000, 500, 1_000)
  other.committed('a', 1_100, 0, 1_100)
  expect(other.holder(1_100)).toBeNull()
})

test('as much time as it took is free afterwards, whoever asks', () => {
  const reservation = new Reservation<string>()
  reservation.committed('a', 1_000, 500, 1_000)
  expect([1_000, 1_499, 1_500, 1_999, 2_000].map((now) => reservation.isFree(now))).toEqual([
    false,
    false,
    false,
    false,
    true,
  ])
  reservation.committed('b', 1_250, 500, 1_250)
  expect(reservation.holder(1_250)).toBe('a')
  reservation.committed('b', 1_600, 500, 1_600)
  expect(reservation.holder(1_600)).toBeNull()
  reservation.committed('b', 2_000, 500, 2_000)
  expect(reservation.holder(2_000)).toBe('b')
})

test('nobody waits for more than ten seconds, for what was asked long ago, or by a clock that was set back', () => {
  const reservation = new Reservation<string>()
  reservation.committed('a', 1_000_000, 3_600_000, 1_000_000)
  expect(reservation.left(1_000_000)).toBe(10_000)
  expect(reservation.holder(999_999)).toBeNull()
  const late = new Reservation<string>()
  late.committed('a', 1_000_000, 5_000, 900_000)
  expect(late.holder(1_000_000)).toBeNull()
})

test('who asked in vain asks for longer', () => {
  expect([0, 1, 2, 9].map((before) => timeToAskFor(300, before))).toEqual([600, 1_200, 2_400, 10_000])
})

/** Has all but the first write small things without rest until the test is over; tells how much each has committed. */
function neverRest({ databases, clock }: Crowd): { readonly commits: number[]; readonly gaps: number[] } {
  const commits = databases.map(() => 0)
  const gaps = databases.map(() => 0)
  let over = false
  const writing = databases.slice(1).map(async (db, index) => {
    for (let last = clock.now(); !over; ) {
      await db.execute('INSERT INTO t VALUES (?)', [index])
      commits[index + 1] = (commits[index + 1] ?? 0) + 1
      gaps[index + 1] = Math.max(gaps[index + 1] ?? 0, clock.now() - last)
      last = clock.now()
    }
  })
  onTestFinished(async () => {
    over = true
    await until(clock, Promise.all(writing), 15_000)
  })
  return { commits, gaps }
}

test('a transaction that takes far longer than those of writers that never rest gets through', async () => {
  const crowd = await openCrowd({ seed: 'long', writers: 5 })
  const { clock, databases, store } = crowd
  const { commits, gaps } = neverRest(crowd)
  await clock.advance(500)
  let runs = 0
  const long = databases[0]!.atomic(async (tx) => {
    runs++
    tx.execute("INSERT INTO t VALUES ('long')")
    await clock.sleep(800)
  })
  long.catch(() => undefined)
  expect(await until(clock, long, 30_000)).toBe(true)
  await long
  expect(runs).toBeLessThan(10)
  expect((await reservations(store)).length).toBeGreaterThan(0)
  for (const n of commits.slice(1)) expect(n).toBeGreaterThan(10)
  expect(Math.max(...gaps)).toBeLessThan(5_000)
  expect(await rows(await open({ store }), "SELECT count(*) AS n FROM t WHERE v = 'long'")).toEqual([
    { n: 1 },
  ])
})

test('VACUUM gets through while others write all the time', async () => {
  const crowd = await openCrowd({ seed: 'vacuum', writers: 4, bytesAMs: 750 })
  const { clock, databases, store } = crowd
  const filling = databases[0]!.execute(
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT randomblob(1000) FROM n',
  )
  await clock.advance(5_000)
  await filling
  neverRest(crowd)
  await clock.advance(500)
  const vacuum = databases[0]!.execute('VACUUM')
  vacuum.catch(() => undefined)
  expect(await until(clock, vacuum, 20_000)).toBe(true)
  await vacuum
  expect((await reservations(store)).length).toBeLessThan(5)
  expect(await rows(await open({ store }), 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
}, 60_000)

test('writers that want nothing but long transactions leave half of the time to the others', async () => {
  const crowd = await openCrowd({ seed: 'greedy', writers: 5 })
  const { clock, databases } = crowd
  const { commits, gaps } = neverRest({ ...crowd, databases: databases.slice(1) })
  const ms = 15_000
  let over = false
  let long = 0
  const greedy = databases.slice(0, 2).map(async (db) => {
    while (!over) {
      await db.atomic(() => clock.sleep(600))
      await db.atomic(async (tx) => {
        tx.execute("INSERT INTO t VALUES ('long')")
        await clock.sleep(600)
      })
      long++
    }
  })
  await clock.advance(ms)
  over = true
  await until(clock, Promise.all(greedy), 60_000)
  await Promise.all(greedy)
  expect(long).toBeGreaterThan(3)
  const alone = ms / PUT_MS
  expect(commits.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(0.35 * alone)
  expect(Math.max(...gaps)).toBeLessThan(6_000)
}, 60_000)

test('a writer that is silent after it has asked holds the others up for its time, and no longer', async () => {
  const crowd = await openCrowd({ seed: 'silent', writers: 5 })
  const { clock, databases, store } = crowd
  const { gaps } = neverRest(crowd)
  await clock.advance(500)
  const end = Promise.withResolvers<void>()
  let runs = 0
  const silent = databases[0]!.atomic(async (tx) => {
    tx.execute("INSERT INTO t VALUES ('at last')")
    await (++runs === 4 ? end.promise : clock.sleep(800))
  })
  silent.catch(() => undefined)
  await clock.advance(9_000)
  end.resolve()
  const [asked = 0] = await reservations(store)
  const longest = Math.max(...gaps)
  await until(clock, silent, 60_000)
  expect(asked).toBeGreaterThan(1_600)
  expect(longest).toBeGreaterThan(asked - 200)
  expect(longest).toBeLessThan(asked + 1_000)
}, 60_000)
