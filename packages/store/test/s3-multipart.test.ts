import { createHash } from 'node:crypto'
import { type S3Server, startS3Server } from '@thaw/testing'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ObjectStore, S3StoreOptions } from '../src/index.ts'
import { PART_BYTES, streamOf } from './contract-streams.ts'
import { s3StoreAt } from './s3-at.ts'

const LARGE = 3 * PART_BYTES + 1_000

let server: S3Server
let store: ObjectStore
let scope = 0

beforeAll(async () => {
  server = await startS3Server()
})
afterAll(() => server?.close())

beforeEach(() => {
  scope++
  store = open()
})

function open(options: Partial<S3StoreOptions> = {}): ObjectStore {
  return s3StoreAt(server, {
    idleTimeoutMs: 1_000,
    sleep: async () => {},
    prefix: `t${scope}`,
    ...options,
  })
}

type Fault = Parameters<S3Server['fault']>[0]

/** Puts a large stream; the faults befall what is asked after its last byte. */
async function put(faultsAtEnd: readonly Fault[] = [], options: Parameters<ObjectStore['put']>[2] = {}) {
  const last = async () => {
    for (const fault of faultsAtEnd) await server.fault(fault)
  }
  return store.put('a', streamOf(LARGE, { last }).body, { ifAbsent: true, ...options })
}

async function expectWhole(): Promise<void> {
  const expected = createHash('md5')
  for await (const piece of streamOf(LARGE).body) expected.update(piece)
  const found = await store.get('a')
  expect(
    createHash('md5')
      .update(found?.body ?? '')
      .digest('hex'),
  ).toBe(expected.digest('hex'))
}

test.each([503, 500, 'reset', 'lose-answer', 'hang'] as const)(
  'parts are tried again after %s, and so is the beginning',
  async (kind) => {
    for (let i = 0; i < 3; i++) await server.fault({ method: 'PUT', kind })
    await server.fault({ method: 'POST', kind })
    expect(await put()).toMatchObject({ outcome: 'stored' })
    await expectWhole()
  },
)

test.each([
  ['PUT', 503, 'STORE_UNAVAILABLE'],
  ['POST', 503, 'STORE_UNAVAILABLE'],
  ['PUT', 403, 'STORE_ACCESS_DENIED'],
  ['POST', 403, 'STORE_ACCESS_DENIED'],
] as const)('%s that keeps answering %d before the end: known to have failed', async (method, kind, code) => {
  const before = await server.openUploads()
  // Every part at every attempt; what is left of the faults is cleared below.
  const attempts = kind === 403 ? 1 : 4
  const body = streamOf(LARGE)
  if (method === 'POST') await server.fault({ method, kind, times: attempts })
  else await server.fault({ method, kind, times: attempts * 4 })
  const failure = store.put('a', body.body, { ifAbsent: true })
  await expect(failure).rejects.toMatchObject({ code, unknown: false, operation: 'put' })
  expect(body.state.ended).toBe(true)
  expect(await server.openUploads()).toBe(before)
  await server.clearFaults()
  expect(await store.head('a')).toBeNull()
})

test.each([503, 500, 'error-in-200', 'reset', 'hang'] as const)(
  'joining is tried again after %s',
  async (kind) => {
    expect(await put([{ method: 'POST', kind, times: 2 }])).toMatchObject({ outcome: 'stored' })
    await expectWhole()
  },
)

test.each([503, 'error-in-200', 'reset'] as const)(
  'joining that keeps ending in %s: unknown, and nothing stays behind',
  async (kind) => {
    const before = await server.openUploads()
    const failure = put([{ method: 'POST', kind, times: kind === 'reset' ? 5 : 4 }])
    await expect(failure).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', unknown: true })
    await server.clearFaults()
    expect(await store.head('a')).toBeNull()
    expect(await server.openUploads()).toBe(before)
  },
)

test('joined, and the answer is lost: unknown, and it is there', async () => {
  const failure = put([{ method: 'POST', kind: 'lose-answer' }])
  await expect(failure).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', unknown: true })
  await expectWhole()
})

test.each([409, 412, 403, 404])('a refusal of %d after an unknown fate settles nothing', async (kind) => {
  const failure = put([
    { method: 'POST', kind: 503 },
    { method: 'POST', kind },
  ])
  await expect(failure).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', answered: 503, unknown: true })
})

test('HTTP 409: busy, and the parts are freed', async () => {
  const before = await server.openUploads()
  expect(await put([{ method: 'POST', kind: 409 }])).toEqual({ outcome: 'busy' })
  expect(await store.head('a')).toBeNull()
  expect(await server.openUploads()).toBe(before)
})

test.each([
  [400, 'STORE_REFUSED'],
  [403, 'STORE_ACCESS_DENIED'],
] as const)('HTTP %d to the joining: known to have failed', async (kind, code) => {
  const before = await server.openUploads()
  await expect(put([{ method: 'POST', kind }])).rejects.toMatchObject({ code, unknown: false })
  expect(await store.head('a')).toBeNull()
  expect(await server.openUploads()).toBe(before)
})

test('joining is signed anew at every attempt, and refused when that is too long ago', async () => {
  let asked = 0
  const signedAt = () => {
    asked++
    return Date.now()
  }
  await put([{ method: 'POST', kind: 503, times: 2 }], { signedAt })
  expect(asked).toBe(3)
  await store.delete(['a'])
  const late = put([], { signedAt: () => Date.now() - 16 * 60_000 })
  await expect(late).rejects.toMatchObject({ code: 'STORE_CLOCK_SKEW', unknown: false })
  expect(await store.head('a')).toBeNull()
})

test('what was uploaded in vain is freed: a lost race, a source that breaks, a caller who gives up', async () => {
  const before = await server.openUploads()
  const lost = streamOf(LARGE, { last: () => store.put('b', new Uint8Array(1)) })
  expect(await store.put('b', lost.body, { ifAbsent: true })).toEqual({ outcome: 'exists' })
  const broken = () => {
    throw new Error('broken')
  }
  await expect(store.put('c', streamOf(LARGE, { last: broken }).body)).rejects.toThrow('broken')
  const controller = new AbortController()
  const last = () => controller.abort()
  const { signal } = controller
  await expect(store.put('c', streamOf(LARGE, { last }).body, { signal })).rejects.toMatchObject({
    code: 'STORE_ABORTED',
  })
  expect(await server.openUploads()).toBe(before)
})

test('a name that is taken costs one look, and no upload', async () => {
  await store.put('a', new Uint8Array(1))
  const { body, state } = streamOf(10 * PART_BYTES)
  expect(await store.put('a', body, { ifAbsent: true })).toEqual({ outcome: 'exists' })
  expect(state.ended).toBe(true)
  expect(state.read).toBeLessThan(3 * PART_BYTES)
})

test('a slow server holds back the source: four parts are in memory at most', async () => {
  await server.fault({ method: 'PUT', kind: 'hang', times: 3 })
  const controller = new AbortController()
  const { body, state } = streamOf(20 * PART_BYTES, { pieceBytes: 1024 ** 2 })
  const done = open({ idleTimeoutMs: 60_000 }).put('a', body, { signal: controller.signal })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  while (state.read < 4 * PART_BYTES) await turn() // the test's own limit ends this
  for (let i = 0; i < 100; i++) await turn()
  expect(state.read).toBe(4 * PART_BYTES)
  controller.abort()
  await expect(done).rejects.toMatchObject({ code: 'STORE_ABORTED', unknown: false })
  expect(state.ended).toBe(true)
})

test('what is in memory and larger than 64 MiB goes up in parts as well', async () => {
  const body = Array.from({ length: 13 }, (_, i) => new Uint8Array(PART_BYTES).fill(i))
  expect(await store.put('a', body, { ifAbsent: true })).toMatchObject({
    outcome: 'stored',
    etag: expect.stringMatching(/-13"?$/),
  })
  const range = { start: 5 * PART_BYTES - 1, end: 5 * PART_BYTES + 1 }
  expect((await store.get('a', { range }))?.body).toEqual(new Uint8Array([4, 5]))
  expect(await store.put('a', body, { ifAbsent: true })).toEqual({ outcome: 'exists' })
})
