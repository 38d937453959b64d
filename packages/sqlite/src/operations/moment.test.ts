import { memoryStore, type ObjectStore } from '@thaw/store'
import { beforeEach, expect, test } from 'vitest'
import { counting, ltxFile, open, testClock } from '../../test/kit.ts'
import { linkKey } from '../chain.ts'
import { fileKey } from '../files.ts'
import { maintain } from '../maintenance/maintain.ts'
import { planFrom } from '../plan.ts'
import { restorePoints } from './inventory.ts'
import { type Moment, resolveMoment } from './moment.ts'

const START = 1_700_000_000_000
let store: ObjectStore

/** Transactions 1 to 8, one a second, the last ones of which are still single. */
beforeEach(async () => {
  const clock = testClock(START)
  store = memoryStore({ now: clock.now })
  const db = await open({ store, clock, maintainEvery: 0 })
  for (let txid = 1; txid <= 8; txid++) {
    await db.execute(`CREATE TABLE t${txid}(a)`)
    if (txid === 5) await maintain({ store, description: 'db' }, { policy: { compactAtFiles: 5 } })
    clock.advance(1000)
  }
  await store.delete([1, 2, 3, 4].map(linkKey))
})

const resolve = (moment: Moment, from = store) =>
  resolveMoment({ store: from, description: 'the database' }, moment)

test('a transaction is a restore point while a file ends with it', async () => {
  expect(await resolve({})).toBe(8)
  for (const to of [5, 6, 7, 8]) expect(await resolve({ to })).toBe(to)
  const refused = { code: 'NO_RESTORE_POINT' }
  await expect(resolve({ to: 3 })).rejects.toMatchObject(refused)
  await expect(resolve({ to: 3 })).rejects.toThrow(/Nearest: 5 \(0000000000000005\)$/)
  await expect(resolve({ to: 9 })).rejects.toThrow(/has not come to be\. Nearest: 8 \(0000000000000008\)$/)
  await expect(resolve({ to: 0 })).rejects.toMatchObject(refused)
  await expect(resolve({ to: 1, at: 2 })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  await expect(resolve({}, memoryStore())).rejects.toMatchObject({ code: 'DATABASE_EMPTY' })
})

test('between two restore points, both are named', async () => {
  await store.delete([linkKey(6)])
  await store.put(fileKey(1, 6, 7), (await store.get(linkKey(7)))?.body ?? new Uint8Array())
  await store.delete([linkKey(7)])
  await expect(resolve({ to: 6 })).rejects.toThrow(/Nearest: 5 \(\w+\) and 7 \(\w+\)$/)
})

test('a time means the last restore point that is not after it', async () => {
  const times = [4000, 4999, 5000, 6500, 7000, 900_000].map((ms) => START + ms)
  expect(await Promise.all(times.map((at) => resolve({ at })))).toEqual([5, 5, 6, 7, 8, 8])
  await expect(resolve({ at: START + 3999 })).rejects.toThrow(
    /restored to 2023-11-14T22:13:23\.999Z\. The first state that can be had is that of 2023-11-14T22:13:24\.000Z, transaction 5 /,
  )
  const counted = counting(store)
  await resolve({ at: START + 6500 }, counted)
  expect(counted.calls.get).toBeLessThanOrEqual(3)
})

test('a file that goes while its header is asked for is listed anew', async () => {
  let vanished = false
  const racing: ObjectStore = {
    ...store,
    get: async (key, options) => {
      if (vanished) return store.get(key, options)
      vanished = true
      return null
    },
  }
  expect(await resolve({ at: START + 6500 }, racing)).toBe(7)
  expect(vanished).toBe(true)
  await expect(resolve({ at: START }, { ...store, get: async () => null })).rejects.toThrow(
    'listed and is gone',
  )
})

test('restore points are exactly the ends that a plan reaches', () => {
  const files = [
    ltxFile(9, 1, 10),
    ltxFile(2, 4, 7),
    ltxFile(1, 8, 12),
    ltxFile(1, 11, 14),
    ltxFile(0, 12, 12),
    ltxFile(0, 15, 15),
    ltxFile(0, 17, 17),
    ltxFile(1, 13, 16),
    ltxFile(1, 20, 22),
    ltxFile(0, 16, 16),
  ]
  const reached = [...new Set(files.map(({ last }) => last))].filter(
    (to) => planFrom(files, 0, to).reaches === to,
  )
  expect(restorePoints(files).map(({ txid }) => txid)).toEqual(reached.sort((a, b) => a - b))
  expect(reached).toEqual([10, 12, 14, 15, 16, 17])
  // The transaction itself tells its time best: other tools keep the first one's in what they compact.
  expect(restorePoints(files).find(({ txid }) => txid === 16)?.file.level).toBe(0)
})
