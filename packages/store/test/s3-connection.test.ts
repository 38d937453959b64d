import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { expect, test } from 'vitest'
import { type ObjectStore, type S3StoreOptions, s3Store } from '../src/index.ts'

const body = new Uint8Array(3)

/** A server that says exactly what a test wants it to say. */
async function scripted(listener: RequestListener): Promise<AsyncDisposable & { port: number }> {
  const server = createServer({ keepAliveTimeout: 60_000 }, listener)
  return listening(server, () => server.closeAllConnections())
}

async function listening(server: Server, end: () => void): Promise<AsyncDisposable & { port: number }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      end()
      await closed
    },
  }
}

function open(endpoint: string, options: Partial<S3StoreOptions> = {}): ObjectStore {
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
  const sleep = async () => {}
  return s3Store({ bucket: 'bucket', region: 'us-east-1', endpoint, credentials, sleep, ...options })
}

const found = { etag: '"1"', 'last-modified': 'Fri, 20 Nov 2026 19:00:00 GMT' }

test('a server that is not there: bounded, clear, and nothing was sent', async () => {
  const gone = await scripted(() => {})
  await gone[Symbol.asyncDispose]()
  let pauses = 0
  const store = open(`http://127.0.0.1:${gone.port}`, { sleep: async () => void pauses++ })
  const refused = { code: 'STORE_UNREACHABLE', unknown: false, store: 's3://bucket', key: 'a' }
  await expect(store.put('a', body)).rejects.toMatchObject({ ...refused, operation: 'put' })
  expect(pauses).toBe(0)
  await expect(store.get('a')).rejects.toMatchObject({ ...refused, operation: 'get' })
  expect(pauses).toBe(3)
  await expect(store.get('a')).rejects.toThrow(
    `get 'a' in s3://bucket: cannot connect to http://127.0.0.1:${gone.port}`,
  )
})

test('a server that accepts and then says nothing: no TLS, no connection', async () => {
  const sockets = new Set<{ destroy(): void }>()
  const silent = createTcpServer((socket) => sockets.add(socket.on('error', () => {})))
  await using server = await listening(silent, () => {
    for (const socket of sockets) socket.destroy()
  })
  const store = open(`https://127.0.0.1:${server.port}`, { connectTimeoutMs: 50, attempts: 2 })
  await expect(store.put('a', body)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE', unknown: false })
  await expect(store.get('a')).rejects.toThrow('no connection within 50 ms')
  expect(sockets.size).toBe(3)
})

/** Answers the first request of every connection, and breaks the connection at the second. */
function breaksWhenReused(log: string[]): RequestListener {
  const used = new WeakSet<object>()
  return (request, response) => {
    log.push(`${request.method}${used.has(request.socket) ? ' on a kept connection' : ''}`)
    if (used.has(request.socket)) return void request.socket.destroy()
    used.add(request.socket)
    request.resume().on('end', () => response.writeHead(200, found).end('abc'))
  }
}

test('a kept connection that is dead: reading tries again at once, once', async () => {
  const log: string[] = []
  await using server = await scripted(breaksWhenReused(log))
  const sleep = () => expect.fail('it must not pause')
  const store = open(`http://127.0.0.1:${server.port}`, { sleep, attempts: 1 })
  await store.get('a')
  await store.get('a')
  await store.get('a')
  expect(log).toEqual(['GET', 'GET on a kept connection', 'GET', 'GET on a kept connection', 'GET'])
  await store.close()
})

test('a kept connection that is dead: a put is one attempt, and unknown', async () => {
  const log: string[] = []
  await using server = await scripted(breaksWhenReused(log))
  const store = open(`http://127.0.0.1:${server.port}`)
  await store.get('a')
  const unknown = { code: 'STORE_UNAVAILABLE', unknown: true }
  await expect(store.put('a', body)).rejects.toMatchObject(unknown)
  expect(log).toEqual(['GET', 'PUT on a kept connection'])
  await store.close()
})

test('after a pause of the wall clock, as a freeze is, connections are made anew', async () => {
  const log: string[] = []
  await using server = await scripted(breaksWhenReused(log))
  let now = Date.now()
  const store = open(`http://127.0.0.1:${server.port}`, { now: () => now })
  await store.put('a', body)
  now += 3_600_000
  await store.put('a', body)
  now -= 60_000
  await store.put('a', body)
  expect(log).toEqual(['PUT', 'PUT', 'PUT'])
  await store.close()
})

test('many requests at once each get their own answer', async () => {
  await using server = await scripted((request, response) => {
    response.writeHead(200, found).end(request.url?.slice('/bucket/'.length))
  })
  const store = open(`http://127.0.0.1:${server.port}`)
  const keys = Array.from({ length: 300 }, (_, i) => `key${i}`)
  const objects = await Promise.all(keys.map((key) => store.get(key)))
  expect(objects.map((object) => Buffer.from(object?.body ?? []).toString())).toEqual(keys)
  await store.close()
})

async function requestOf(work: (store: ObjectStore) => Promise<unknown>): Promise<IncomingMessage> {
  let seen: IncomingMessage | undefined
  await using server = await scripted((request, response) => {
    seen = request
    request.resume().on('end', () => response.writeHead(200, found).end())
  })
  const store = open(`http://127.0.0.1:${server.port}`)
  await work(store)
  await store.close()
  return seen ?? expect.fail('nothing was asked')
}

test('a put says what S3 and Litestream need to hear', async () => {
  const timestamp = Date.UTC(2026, 10, 20, 10, 0, 0, 7)
  const signedAt = Date.UTC(2026, 10, 20, 10, 0, 1)
  const { headers, url, method } = await requestOf((store) =>
    store.put('a b/ü.ltx', [body, body], { ifAbsent: true, timestamp, signedAt }),
  )
  expect(`${method} ${url}`).toBe('PUT /bucket/a%20b/%C3%BC.ltx')
  expect(headers).toMatchObject({
    'content-length': '6',
    'if-none-match': '*',
    'x-amz-date': '20261120T100001Z',
    'x-amz-meta-litestream-timestamp': '2026-11-20T10:00:00.007Z',
    'x-amz-content-sha256': 'b0f66adc83641586656866813fd9dd0b8ebb63796075661ba45d1aa8089e1d44',
  })
})

/** What a store makes of one answer. */
async function answered(
  answer: { status: number; headers?: Record<string, string>; body?: string },
  work: (store: ObjectStore) => Promise<unknown>,
): Promise<unknown> {
  await using server = await scripted((request, response) => {
    request.resume().on('end', () => response.writeHead(answer.status, answer.headers ?? {}).end(answer.body))
  })
  const store = open(`http://127.0.0.1:${server.port}`, { attempts: 1 })
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

const get = (store: ObjectStore) => store.get('a')
const xml = (code: string, more = '') => `<?xml version="1.0"?>\n<Error><Code>${code}</Code>${more}</Error>`

test('names the region that the bucket is in', async () => {
  const redirect = {
    status: 301,
    headers: { 'x-amz-bucket-region': 'eu-west-1' },
    body: xml('PermanentRedirect'),
  }
  await expect(answered(redirect, get)).rejects.toThrow('the bucket is in eu-west-1: set its region')
  const malformed = { status: 400, body: xml('AuthorizationHeaderMalformed', '<Region>eu-west-2</Region>') }
  const wrong = { code: 'STORE_WRONG_REGION', message: expect.stringContaining('eu-west-2') }
  await expect(answered(malformed, get)).rejects.toMatchObject(wrong)
})

test.each([
  [400, 'ExpiredToken', { code: 'STORE_ACCESS_DENIED', unknown: false }],
  [400, 'RequestTimeout', { code: 'STORE_UNAVAILABLE', unknown: true }],
  [503, 'SlowDown', { code: 'STORE_UNAVAILABLE', unknown: true }],
  [404, 'NoSuchBucket', { code: 'STORE_NO_BUCKET', unknown: false }],
])('a put that is answered with HTTP %d %s', async (status, code, expected) => {
  await expect(answered({ status, body: xml(code) }, (store) => store.put('a', body))).rejects.toMatchObject(
    expected,
  )
})

test('a 404 that does not say NoSuchKey is no absence', async () => {
  await expect(answered({ status: 404 }, get)).rejects.toMatchObject({ code: 'STORE_REFUSED', answered: 404 })
  expect(await answered({ status: 404, body: xml('NoSuchKey') }, get)).toBeNull()
})

test.each([
  ['no ETag', { status: 200, headers: { 'last-modified': found['last-modified'] } }],
  ['no time', { status: 200, headers: { etag: '"1"' } }],
  [
    'a range nobody asked for',
    { status: 206, headers: { ...found, 'content-range': 'bytes 0-2/9' }, body: 'abc' },
  ],
])('an answer with %s is an error', async (_name, answer) => {
  await expect(answered(answer, get)).rejects.toMatchObject({ code: 'STORE_BAD_ANSWER' })
})

test('takes the range out of an answer that has the whole object', async () => {
  const whole = { status: 200, headers: found, body: 'abcdef' }
  const object = await answered(whole, (store) => store.get('a', { range: { start: 2, end: 4 } }))
  expect(object).toMatchObject({ size: 6, body: new TextEncoder().encode('cd') })
})

test.each([
  ['another range', 'bytes 1-3/9', 'abc'],
  ['too few bytes', 'bytes 0-2/9', 'ab'],
  ['an unknown size', 'bytes 0-2/*', 'abc'],
])('refuses %s', async (_name, range, text) => {
  const part = { status: 206, headers: { ...found, 'content-range': range }, body: text }
  const asked = (store: ObjectStore) => store.get('a', { range: { start: 0, end: 3 } })
  await expect(answered(part, asked)).rejects.toMatchObject({ code: 'STORE_BAD_ANSWER' })
})

test('a put that is accepted without an ETag is unknown', async () => {
  const put = (store: ObjectStore) => store.put('a', body)
  await expect(answered({ status: 200 }, put)).rejects.toMatchObject({
    code: 'STORE_BAD_ANSWER',
    unknown: true,
  })
})

test('a name of a batch that was not deleted is an error', async () => {
  const failed = '<Error><Key>a&amp;b</Key><Code>AccessDenied</Code><Message>no</Message></Error>'
  const report = { status: 200, body: `<DeleteResult xmlns="x">${failed}</DeleteResult>` }
  const remove = (store: ObjectStore) => store.delete(['a&b', 'c'])
  await expect(answered(report, remove)).rejects.toMatchObject({ code: 'STORE_ACCESS_DENIED', key: 'a&b' })
  await expect(answered({ status: 200, body: 'hello' }, remove)).rejects.toMatchObject({
    code: 'STORE_BAD_ANSWER',
  })
})

test.each([
  ['something else', '<html></html>'],
  [
    'a page that neither ends nor goes on',
    '<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>',
  ],
  [
    'an object without a size',
    '<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents></ListBucketResult>',
  ],
])('%s instead of a list is an error', async (_name, text) => {
  const list = async (store: ObjectStore) => {
    for await (const _ of store.list(''));
  }
  await expect(answered({ status: 200, body: text }, list)).rejects.toMatchObject({
    code: 'STORE_BAD_ANSWER',
  })
})
