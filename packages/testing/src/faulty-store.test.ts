import { memoryStore, type PutResult } from '@thaw/store'
import { expect, test } from 'vitest'
import { manualClock } from './clock.ts'
import { type FaultKind, faultsOfPuts, faultyStore, randomFaults, type StoreCall } from './faulty-store.ts'
import { latencyStore } from './latency-store.ts'
import { seededRandom } from './random.ts'

const body = new Uint8Array([1, 2, 3])

async function putUnder(fault: FaultKind): Promise<{ result: unknown; there: boolean }> {
  const inner = memoryStore()
  const store = faultyStore(inner, faultsOfPuts(fault))
  const result = await store.put('a', body, { ifAbsent: true }).catch((error) => error)
  await store.settled()
  return { result, there: (await inner.head('a')) !== null }
}

test.each([
  ['lose-request', { code: 'STORE_UNAVAILABLE', unknown: true }, false],
  ['lose-answer', { code: 'STORE_UNAVAILABLE', unknown: true }, true],
  ['late-request', { code: 'STORE_UNAVAILABLE', unknown: true }, true],
  ['unavailable', { code: 'STORE_UNAVAILABLE', unknown: true, answered: 503 }, false],
  ['refuse', { code: 'STORE_ACCESS_DENIED', unknown: false, answered: 403 }, false],
  ['busy', { outcome: 'busy' }, false],
] as const)('%s', async (fault, expected, there) => {
  const outcome = await putUnder(fault)
  expect(outcome.result).toMatchObject(expected)
  expect(outcome.there).toBe(there)
})

test('a late request takes effect when its time has come, with the bytes of then', async () => {
  const clock = manualClock()
  const inner = memoryStore()
  const store = faultyStore(inner, faultsOfPuts({ kind: 'late-request', lateMs: 1000 }), clock)
  const given = body.slice()
  await expect(store.put('a', given, { ifAbsent: true })).rejects.toMatchObject({ unknown: true })
  given.fill(9)
  expect(await inner.head('a')).toBeNull()
  await clock.advance(1000)
  await store.settled()
  expect((await inner.get('a'))?.body).toEqual(body)
})

test('a late request that lost meanwhile changes nothing and harms nobody', async () => {
  const inner = memoryStore()
  const store = faultyStore(inner, faultsOfPuts('late-request'), { sleep: async () => {} })
  const put = store.put('a', body, { ifAbsent: true })
  await inner.put('a', new Uint8Array(1))
  await expect(put).rejects.toMatchObject({ unknown: true })
  await store.settled()
  expect((await inner.get('a'))?.body).toEqual(new Uint8Array(1))
})

test('the plan sees every call, and may strike any operation', async () => {
  const calls: StoreCall[] = []
  const store = faultyStore(memoryStore(), (call) => {
    calls.push(call)
    return call.operation === 'put' ? undefined : 'lose-request'
  })
  await store.put('a', body, { ifAbsent: true })
  const list = async () => {
    for await (const _ of store.list('p'));
  }
  const reads = { code: 'STORE_UNAVAILABLE', unknown: false }
  await expect(store.get('a')).rejects.toMatchObject(reads)
  await expect(store.head('a')).rejects.toMatchObject(reads)
  await expect(list()).rejects.toMatchObject(reads)
  await expect(store.delete(['a', 'b'])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', unknown: true })
  expect(calls).toEqual([
    { operation: 'put', key: 'a', number: 1, options: { ifAbsent: true } },
    { operation: 'get', key: 'a', number: 2 },
    { operation: 'head', key: 'a', number: 3 },
    { operation: 'list', key: 'p', number: 4 },
    { operation: 'delete', key: 'a', number: 5 },
  ])
})

test('conditions can be ignored, as bad servers do', async () => {
  const store = faultyStore(memoryStore(), () => undefined, { ignoreConditions: true })
  const results: PutResult[] = []
  for (let i = 0; i < 2; i++) results.push(await store.put('a', body, { ifAbsent: true }))
  results.push(await store.put('a', body, { ifMatch: '"none"' }))
  expect(results.map(({ outcome }) => outcome)).toEqual(['stored', 'stored', 'stored'])
})

test('random faults follow their odds, and their seed', () => {
  const odds = { 'lose-request': 0.1, 'lose-answer': 0.2, busy: 0.05 } as const
  const call = { operation: 'put', key: 'a', number: 1 } as const
  const draw = () => {
    const plan = randomFaults(seededRandom('faults'), odds, { delayMs: 20 })
    return Array.from({ length: 10_000 }, () => plan(call))
  }
  const drawn = draw()
  expect(draw()).toEqual(drawn)
  const count = (kind: FaultKind | undefined) =>
    drawn.filter((fault) => typeof fault === 'object' && fault.kind === kind).length
  expect(Math.abs(count('lose-request') - 1000)).toBeLessThan(150)
  expect(Math.abs(count('lose-answer') - 2000)).toBeLessThan(200)
  expect(Math.abs(count('busy') - 500)).toBeLessThan(120)
  expect(count(undefined) + count('lose-request') + count('lose-answer') + count('busy')).toBe(10_000)
})

test('latency: half before the effect, half after it', async () => {
  const clock = manualClock()
  const inner = memoryStore()
  const store = latencyStore(inner, { putMs: 20, getMs: 10, sleep: clock.sleep })
  const put = store.put('a', body)
  await clock.advance(9)
  expect(await inner.head('a')).toBeNull()
  await clock.advance(1)
  expect(await inner.head('a')).not.toBeNull()
  expect(clock.sleeping).toBe(1)
  await clock.advance(10)
  expect(await put).toMatchObject({ outcome: 'stored' })
  const get = store.get('a')
  await clock.advance(10)
  expect(await get).not.toBeNull()
  expect(() => latencyStore(inner, { putMs: 1, getMs: 1, jitter: 0.5 })).toThrow('randomness')
})
