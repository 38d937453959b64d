import { faultyStore } from '@thaw/testing'
import { expect, test } from 'vitest'
import { memoryStore, prefixed, StoreConfigError } from '../src/index.ts'
import { storeContract } from './contract.ts'

storeContract('memory', async () => {
  const store = memoryStore()
  return { store, close: () => store.close() }
})

storeContract('memory, below a prefix', async () => {
  const whole = memoryStore()
  await whole.put('neighbour', new Uint8Array(1))
  await whole.put('some/prefix2/x', new Uint8Array(1))
  const store = prefixed(whole, '/some/prefix/')
  return { store, close: () => store.close() }
})

storeContract('memory, behind a faulty store without faults', async () => {
  const store = faultyStore(memoryStore(), () => undefined)
  return { store, close: () => store.close() }
})

test('a prefix scopes every operation', async () => {
  const whole = memoryStore()
  const store = prefixed(whole, 'a/b')
  expect(store.description).toBe('memory:/a/b')
  await store.put('x', new Uint8Array(1))
  expect(await whole.head('a/b/x')).toMatchObject({ key: 'a/b/x' })
  expect(await store.get('x')).toMatchObject({ key: 'x' })
  await store.delete(['x'])
  expect(await whole.head('a/b/x')).toBeNull()
  expect(prefixed(whole, '/')).toBe(whole)
  expect(() => prefixed(whole, 'a/../b')).toThrow(StoreConfigError)
})

test('a store with a clock refuses what is signed too far from it', async () => {
  const store = memoryStore({ now: () => 1_000_000_000, maxSkewMs: 900_000 })
  const put = (signedAt: number) => store.put('x', new Uint8Array(1), { signedAt })
  const refused = { code: 'STORE_CLOCK_SKEW', answered: 403, unknown: false }
  await expect(put(1_000_900_001)).rejects.toMatchObject(refused)
  await expect(put(999_099_999)).rejects.toMatchObject(refused)
  expect(await store.head('x')).toBeNull()
  await put(999_100_000)
  expect(await store.head('x')).toMatchObject({ modifiedAt: 1_000_000_000 })
})
