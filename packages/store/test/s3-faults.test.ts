import { type S3Server, startS3Server } from '@thaw/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type ObjectStore, type S3StoreOptions, StoreError } from '../src/index.ts'
import { s3StoreAt } from './s3-at.ts'

const body = new TextEncoder().encode('x'.repeat(1000))

let server: S3Server
let pauses: number[]
let scope = 0

beforeAll(async () => {
  server = await startS3Server()
})
afterAll(() => server?.close())
beforeEach(() => {
  pauses = []
})

function open(options: Partial<S3StoreOptions> = {}): ObjectStore {
  return s3StoreAt(server, {
    idleTimeoutMs: 300,
    sleep: async (ms) => void pauses.push(ms),
    prefix: `t${++scope}`,
    ...options,
  })
}

async function failure(work: Promise<unknown>): Promise<StoreError> {
  const error = await work.then(
    (value) => expect.fail(`expected an error, got ${JSON.stringify(value)}`),
    (thrown) => thrown,
  )
  expect(error).toBeInstanceOf(StoreError)
  return error
}

async function drain(store: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list('')) keys.push(key)
  return keys
}

describe('a put is one attempt', () => {
  test.each([500, 502, 503, 504, 429, 408])('HTTP %d: unknown', async (status) => {
    const store = open()
    await server.fault({ method: 'PUT', kind: status })
    const error = await failure(store.put('a', body, { ifAbsent: true }))
    expect(error).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      answered: status,
      unknown: true,
      operation: 'put',
    })
    expect(await store.head('a')).toBeNull()
    expect(pauses).toEqual([])
  })

  test.each(['reset', 'hang'] as const)('%s before it takes effect: unknown', async (kind) => {
    const store = open()
    await server.fault({ method: 'PUT', kind })
    const error = await failure(store.put('a', body, { ifAbsent: true }))
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', answered: undefined, unknown: true })
    expect(await store.head('a')).toBeNull()
  })

  test('the answer is lost: unknown, and it is there', async () => {
    const store = open()
    await server.fault({ method: 'PUT', kind: 'lose-answer' })
    const error = await failure(store.put('a', body, { ifAbsent: true }))
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', unknown: true })
    expect(await store.put('a', body, { ifAbsent: true })).toEqual({ outcome: 'exists' })
  })

  test('HTTP 409: busy', async () => {
    const store = open()
    await server.fault({ method: 'PUT', kind: 409 })
    expect(await store.put('a', body, { ifAbsent: true })).toEqual({ outcome: 'busy' })
  })

  test.each([
    [400, 'STORE_REFUSED'],
    [403, 'STORE_ACCESS_DENIED'],
    [401, 'STORE_ACCESS_DENIED'],
    [404, 'STORE_REFUSED'],
    [301, 'STORE_WRONG_REGION'],
    [501, 'STORE_REFUSED'],
  ])('HTTP %d: known to have failed', async (status, code) => {
    const store = open()
    await server.fault({ method: 'PUT', kind: status })
    const error = await failure(store.put('a', body, { ifAbsent: true }))
    expect(error).toMatchObject({ code, answered: status, unknown: false })
  })

  test('HTTP 412 without a condition is no outcome', async () => {
    await server.fault({ method: 'PUT', kind: 412 })
    expect(await failure(open().put('a', body))).toMatchObject({ code: 'STORE_REFUSED', answered: 412 })
  })

  test('the caller gives up while it is under way: unknown', async () => {
    const store = open({ idleTimeoutMs: 60_000 })
    await server.fault({ method: 'PUT', kind: 'hang' })
    const controller = new AbortController()
    const put = failure(store.put('a', body, { ifAbsent: true, signal: controller.signal }))
    setTimeout(() => controller.abort(new Error('enough')), 100)
    expect(await put).toMatchObject({ code: 'STORE_ABORTED', unknown: true })
  })

  test('more than 10,000 parts of 5 MiB are refused before anything is sent', async () => {
    const gibibyte = new Uint8Array(1024 ** 3)
    const error = await failure(open().put('a', Array(49).fill(gibibyte)))
    expect(error).toMatchObject({ code: 'STORE_REFUSED', unknown: false })
  })
})

describe('reading and deleting try again', () => {
  const operations: [string, 'GET' | 'POST' | 'DELETE', (store: ObjectStore) => Promise<unknown>][] = [
    ['get', 'GET', async (store) => (await store.get('a'))?.size],
    ['head', 'GET', async (store) => (await store.head('a'))?.size],
    ['list', 'GET', async (store) => (await drain(store)).length],
    ['delete', 'DELETE', (store) => store.delete(['a'])],
    ['delete of many', 'POST', (store) => store.delete(['a', 'b'])],
  ]

  test.each(operations)('%s, three times', async (_name, method, operation) => {
    const store = open()
    await store.put('a', body)
    const expected = await operation(open({ prefix: `t${scope}` }))
    await store.put('a', body)
    for (const kind of [503, 'reset', 500] as const) await server.fault({ method, kind })
    expect(await operation(store)).toEqual(expected)
    // The reset may have hit a kept connection, and then costs no pause.
    expect(pauses.length).toBeGreaterThanOrEqual(2)
    expect(pauses[0]).toBeGreaterThanOrEqual(25)
    expect(pauses.at(-1)).toBeLessThanOrEqual(200)
  })

  test.each(operations)('%s, but not for ever', async (_name, method, operation) => {
    const store = open()
    await server.fault({ method, kind: 503, times: 4 })
    const error = await failure(operation(store))
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', answered: 503 })
    expect(error.unknown).toBe(method !== 'GET')
    expect(pauses).toHaveLength(3)
  })

  test.each(operations)('%s, not after a refusal', async (_name, method, operation) => {
    const store = open()
    await server.fault({ method, kind: 403 })
    expect(await failure(operation(store))).toMatchObject({ code: 'STORE_ACCESS_DENIED', answered: 403 })
    expect(pauses).toEqual([])
  })

  test('an answer that is cut short is never taken for the whole', async () => {
    const store = open()
    await store.put('a', body)
    await server.fault({ method: 'GET', kind: 'truncate', times: 2 })
    expect((await store.get('a'))?.body).toEqual(body)
    await server.fault({ method: 'GET', kind: 'truncate', times: 4 })
    expect(await failure(store.get('a'))).toMatchObject({ code: 'STORE_UNAVAILABLE', unknown: false })
  })

  test('not for a caller who gives up meanwhile', async () => {
    const controller = new AbortController()
    const sleep = async (_ms: number, signal?: AbortSignal) => {
      controller.abort(new Error('enough'))
      signal?.throwIfAborted()
    }
    await server.fault({ method: 'GET', kind: 503 })
    const error = await failure(open({ sleep }).get('a', { signal: controller.signal }))
    expect(error).toMatchObject({ code: 'STORE_ABORTED', unknown: false })
  })

  test('a connection that stands still', async () => {
    const store = open()
    await store.put('a', body)
    await server.fault({ method: 'GET', kind: 'hang' })
    expect((await store.get('a'))?.body).toEqual(body)
  })
})

test('wrong credentials are a refusal, never an absence', async () => {
  const credentials = { accessKeyId: server.env.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: 'wrong' }
  const store = open({ credentials })
  const denied = { code: 'STORE_ACCESS_DENIED', answered: 403, unknown: false }
  const work = [
    () => store.get('a'),
    () => store.head('a'),
    () => store.put('a', body),
    () => drain(store),
    () => store.delete(['a']),
  ]
  for (const one of work) expect(await failure(one())).toMatchObject(denied)
  expect((await failure(store.get('a'))).message).toMatch(/SignatureDoesNotMatch.*check the credentials/)
})

test('credentials are asked for anew at every request, and a session token is signed', async () => {
  let asked = 0
  const accessKeyId = server.env.AWS_ACCESS_KEY_ID ?? ''
  const secretAccessKey = server.env.AWS_SECRET_ACCESS_KEY ?? ''
  const store = open({
    credentials: async () => ({ accessKeyId, secretAccessKey, sessionToken: `t/${++asked}` }),
  })
  await store.put('a', body)
  expect(await store.get('a')).not.toBeNull()
  expect(asked).toBe(2)
})

test('the server refuses what was signed 16 minutes ago, and nothing corrects the clock', async () => {
  const store = open()
  const minutesAgo = (n: number) => ({ ifAbsent: true, signedAt: Date.now() - n * 60_000 })
  const refused = { code: 'STORE_CLOCK_SKEW', answered: 403, unknown: false }
  expect(await failure(store.put('a', body, minutesAgo(16)))).toMatchObject(refused)
  expect(await failure(store.put('a', body, minutesAgo(-16)))).toMatchObject(refused)
  expect(await store.head('a')).toBeNull()
  expect(await store.put('a', body, minutesAgo(14))).toMatchObject({ outcome: 'stored' })
  const late = open({ now: () => Date.now() - 16 * 60_000 })
  expect(await failure(late.get('a'))).toMatchObject({ ...refused, retryable: true })
  const again = await failure(late.get('a'))
  expect(again).toMatchObject(refused)
  // Whoever answers a request with an error's `status` would tell its client that it is forbidden.
  expect(again).not.toHaveProperty('status')
})

test('a missing bucket is an error, never an absence', async () => {
  const store = open({ bucket: 'missing' })
  const missing = { code: 'STORE_NO_BUCKET', answered: 404, unknown: false }
  const range = { start: 2, end: 2 }
  const work = [
    () => store.get('a'),
    () => store.get('a', { range }),
    () => store.head('a'),
    () => store.put('a', body),
    () => store.put('a', body, { ifMatch: '"1"' }),
    () => drain(store),
    () => store.delete(['a']),
    () => store.delete(['a', 'b']),
  ]
  for (const one of work) expect(await failure(one())).toMatchObject(missing)
})
