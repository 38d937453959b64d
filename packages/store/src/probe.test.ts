import { faultsOfPuts, faultyStore, startS3Server } from '@thaw/testing'
import { expect, test } from 'vitest'
import { memoryStore, type ObjectStore, openStore, probeConditionalPut } from './index.ts'

async function names(store: ObjectStore): Promise<string[]> {
  const found: string[] = []
  for await (const { key } of store.list('')) found.push(key)
  return found
}

test('refuses a store that ignores conditions', async () => {
  const store = faultyStore(memoryStore(), () => undefined, { ignoreConditions: true })
  await expect(probeConditionalPut(store, 'probe/1')).rejects.toMatchObject({
    code: 'STORE_IGNORES_CONDITIONS',
    operation: 'probe',
    key: 'probe/1',
  })
})

test('refuses an S3 server that ignores conditions', async () => {
  const server = await startS3Server({ ignoreConditions: true })
  const store = openStore(server.url, server.env)
  try {
    await expect(probeConditionalPut(store, 'probe/1')).rejects.toMatchObject({
      code: 'STORE_IGNORES_CONDITIONS',
    })
  } finally {
    await store.close()
    await server.close()
  }
})

test('passes over conflicts and one answer that is lost, and says when it cannot know', async () => {
  const busy = faultyStore(memoryStore(), faultsOfPuts('busy', undefined, 'busy', 'busy'))
  await probeConditionalPut(busy, 'probe/1')
  for (const fault of ['lose-answer', 'lose-request'] as const) {
    for (const faults of [[fault], [undefined, fault]]) {
      const lossy = faultyStore(memoryStore(), faultsOfPuts(...faults))
      await probeConditionalPut(lossy, 'probe/1')
      const ignoring = faultyStore(memoryStore(), faultsOfPuts(...faults), { ignoreConditions: true })
      await expect(probeConditionalPut(ignoring, 'probe/1')).rejects.toMatchObject({
        code: 'STORE_IGNORES_CONDITIONS',
      })
    }
    const silent = faultyStore(memoryStore(), faultsOfPuts(fault, fault))
    await expect(probeConditionalPut(silent, 'probe/1')).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      unknown: false,
      retryable: true,
    })
  }
})

test('leaves one empty object, and may use its name again', async () => {
  const store = memoryStore()
  await probeConditionalPut(store, 'probe/1')
  await probeConditionalPut(store, 'probe/1')
  expect(await names(store)).toEqual(['probe/1'])
  expect(await store.head('probe/1')).toMatchObject({ size: 0 })
})

test('leaves a name alone that was there before', async () => {
  const store = memoryStore()
  await store.put('probe/1', new Uint8Array(7))
  await probeConditionalPut(store, 'probe/1')
  expect(await store.head('probe/1')).toMatchObject({ size: 7 })
})
