import { decodeLtx } from '@thaw/ltx'
import { memoryStore, type ObjectStore } from '@thaw/store'
import { type FaultKind, faultsOfPuts, faultyStore } from '@thaw/testing'
import { beforeEach, expect, test } from 'vitest'
import { lostAnswer, refusal, testClock, withOperations } from '../../test/kit.ts'
import { fileKey, listAll } from '../files.ts'
import { putFirstTransaction } from './first-transaction.ts'

const KEY = fileKey(0, 1, 1)
const MINUTE = 60_000
const OURS = 7n

let clock: ReturnType<typeof testClock>
let store: ObjectStore

beforeEach(() => {
  clock = testClock()
  store = memoryStore({ now: clock.now, maxSkewMs: 15 * MINUTE })
})

function put(to: ObjectStore, nodeId = OURS, whileReading: () => unknown = () => {}): Promise<void> {
  const header = { pageSize: 512, commit: 2, minTxid: 1, maxTxid: 1, timestamp: clock.now(), nodeId }
  function* pages() {
    yield { number: 1, data: new Uint8Array(512).fill(1) }
    whileReading()
    yield { number: 2, data: new Uint8Array(512).fill(2) }
  }
  const target = { store: to, description: 'the database' }
  return putFirstTransaction(target, { header, pages }, clock)
}

/** Whose object is there. */
async function owner(): Promise<bigint | null> {
  const object = await store.get(KEY)
  return object && decodeLtx(object.body).header.nodeId
}

const unknownFates: FaultKind[][] = [
  ['lose-answer'],
  ['lose-request'],
  ['unavailable', 'lose-request', 'lose-answer'],
  ['late-request'],
  ['busy', 'busy', 'busy'],
  ['lose-request', 'busy'],
]

test.each(unknownFates)('after %s %s %s it is there, and known to be', async (...faults) => {
  const faulty = faultyStore(store, faultsOfPuts(...faults), { sleep: async () => {} })
  await put(faulty)
  await faulty.settled()
  expect(await owner()).toBe(OURS)
})

test.each<[string, FaultKind[], object]>([
  ['refused', ['refuse'], { code: 'STORE_ACCESS_DENIED' }],
  ['busy for ever', Array(4).fill('busy'), { code: 'STORE_UNAVAILABLE', unknown: false }],
  ['lost for ever', Array(4).fill('lose-request'), { code: 'COMMIT_UNKNOWN' }],
  ['refused after a loss', ['lose-request', 'refuse'], { code: 'COMMIT_UNKNOWN' }],
])('%s', async (_name, faults, error) => {
  await expect(put(faultyStore(store, faultsOfPuts(...faults)))).rejects.toMatchObject(error)
  expect(await owner()).toBeNull()
})

test('who loses says so, also when it cannot know from the answer', async () => {
  const another = 8n
  await put(store, another)
  await expect(put(store)).rejects.toMatchObject({ code: 'DATABASE_EXISTS' })
  const silent = withOperations(store, {
    put: (key) => Promise.reject(lostAnswer(key)),
  })
  await expect(put(silent)).rejects.toMatchObject({ code: 'DATABASE_EXISTS' })
  expect(await owner()).toBe(another)
  await store.put(KEY, new Uint8Array(3))
  await expect(put(silent)).rejects.toMatchObject({ code: 'DATABASE_EXISTS' })
})

test('an answer is lost, and what is there cannot be read: unknown', async () => {
  const faulty = withOperations(faultyStore(store, faultsOfPuts('lose-answer')), {
    get: (key) => Promise.reject(refusal(key)),
  })
  await expect(put(faulty)).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  expect(await owner()).toBe(OURS)
})

test('a history whose first transaction is gone by now is not begun again', async () => {
  const whileReading = () => {
    void store.put(fileKey(1, 1, 9), new Uint8Array(1))
  }
  await expect(put(store, OURS, whileReading)).rejects.toMatchObject({ code: 'DATABASE_EXISTS' })
  expect((await listAll(store)).map(({ key }) => key)).toEqual([fileKey(1, 1, 9)])
})

test('an upload of an hour is signed with the time of its end', async () => {
  await put(store, OURS, () => clock.advance(60 * MINUTE))
  expect(await owner()).toBe(OURS)
})

test('a proof that a freeze has outlasted is made again', async () => {
  let lists = 0
  const slow = withOperations(store, {
    async *list(...args) {
      yield* store.list(...args)
      if (++lists <= 5) clock.advance(2 * MINUTE)
    },
  })
  await put(slow)
  expect(lists).toBe(10) // five levels, twice
})
