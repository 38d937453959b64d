import { once } from 'node:events'
import { connect } from 'node:net'
import type { HttpFront } from '@thaw/app'
import { expect, test } from 'vitest'
import { sendRaw } from '../support.ts'
import { fakeFront, prelude, preludeType, streamOf } from './support.ts'

const request = (line: string) => `${line}\r\nhost: x\r\nconnection: close\r\n\r\n`
const get = request('GET / HTTP/1.1')
const streaming: readonly HttpFront[] = ['function-url', 'rest-api']

/** What the client gets of a stream of these chunks: all of its bytes, as they came. */
async function clientGets(
  front: HttpFront,
  type: string,
  chunks: readonly (string | Buffer | Error)[],
  sent = get,
) {
  await using started = await fakeFront(front, async () => ({ stream: streamOf(type, chunks) }), {
    stream: true,
  })
  const response = await sendRaw(started.url, sent)
  const named = (name: string) => response.headers.filter(([key]) => key === name).map(([, value]) => value)
  return { ...response, named, line: started.lines[0] ?? '' }
}

test.each(streaming)('%s: what stands before the body is status, headers and cookies', async (front) => {
  const head = prelude({
    statusCode: 201,
    headers: { 'content-type': 'text/event-stream', 'content-length': '7', 'x-text': 'ü' },
    cookies: ['a=1', 'b=2'],
  })
  const { status, named, body, line } = await clientGets(front, preludeType, [
    head.subarray(0, 5),
    head.subarray(5, head.length - 3),
    Buffer.concat([head.subarray(head.length - 3), Buffer.from('one')]),
    Buffer.from('\0\0\0\0\0\0\0\0two'),
  ])
  expect(status).toBe(201)
  expect(named('content-type')).toEqual(['text/event-stream'])
  expect(named('set-cookie')).toEqual(['a=1', 'b=2'])
  expect(named('transfer-encoding')).toEqual(['chunked'])
  expect(named('content-length')).toEqual([])
  expect(body.toString()).toBe('3\r\none\r\nb\r\n\0\0\0\0\0\0\0\0two\r\n0\r\n\r\n')
  expect(line).toMatch(/^GET \/ 201 [\d.]+ ms one#1$/)
})

test('rest-api: and headers of several values', async () => {
  const head = prelude({ statusCode: 200, multiValueHeaders: { 'set-cookie': ['a=1', 'b=2'] } })
  expect((await clientGets('rest-api', preludeType, [head])).named('set-cookie')).toEqual(['a=1', 'b=2'])
})

test('without it a Function URL has the type of the stream, and a REST API no answer', async () => {
  const { status, named, body } = await clientGets('function-url', 'text/html', ['<p>', 'x'])
  expect([status, named('content-type')]).toEqual([200, ['text/html']])
  expect(body.toString()).toBe('3\r\n<p>\r\n1\r\nx\r\n0\r\n\r\n')
  const refused = await clientGets('rest-api', 'text/html', ['<p>'])
  expect([refused.status, refused.line]).toEqual([
    502,
    expect.stringMatching(/must begin with a JSON object/),
  ])
})

test.each(streaming)('%s: the head goes out before there is a body', async (front) => {
  const rest = Promise.withResolvers<void>()
  const body = (async function* () {
    yield prelude({ statusCode: 202, headers: { 'x-text': 'ü' } })
    await rest.promise
    yield Buffer.from('late')
  })()
  const stream = { contentType: preludeType, body }
  await using started = await fakeFront(front, async () => ({ stream }), { stream: true })
  const response = await fetch(started.url)
  const text = Buffer.from(response.headers.get('x-text') ?? '', 'latin1').toString()
  expect([response.status, text]).toEqual([202, 'ü'])
  rest.resolve()
  expect(await response.text()).toBe('late')
})

test.each(streaming)('%s: a body may be empty', async (front) => {
  const { status, body } = await clientGets(front, preludeType, [prelude({ statusCode: 404 })])
  expect([status, body.toString()]).toEqual([404, '0\r\n\r\n'])
})

test.each([
  ['HEAD / HTTP/1.1', 200],
  ['GET / HTTP/1.1', 204],
  ['GET / HTTP/1.1', 304],
])('%s with status %i has none', async (line, statusCode) => {
  const chunks = [prelude({ statusCode }), 'not sent']
  const { status, body } = await clientGets('function-url', preludeType, chunks, request(line))
  expect([status, body.length]).toEqual([statusCode, 0])
})

test.each(streaming)(
  '%s: a stream that breaks off ends the connection, and says nothing in the body',
  async (front) => {
    const chunks = [prelude({ statusCode: 200 }), 'so far', new Error('the environment died')]
    const { status, body, line } = await clientGets(front, preludeType, chunks)
    expect([status, body.toString()]).toEqual([200, '6\r\nso far\r\n'])
    expect(line).toMatch(/^GET \/ 200 [\d.]+ ms one#1, which broke off: the environment died$/)
  },
)

test('a client of HTTP/1.0, whose answers end by their connection, sees it too', async () => {
  const chunks = [prelude({ statusCode: 200 }), 'so far', new Error('the environment died')]
  const sent = request('GET / HTTP/1.0')
  await expect(clientGets('function-url', preludeType, chunks, sent)).rejects.toMatchObject({
    code: 'ECONNRESET',
  })
})

test.each<[string, readonly (string | Buffer | Error)[], RegExp]>([
  ['that breaks off before its body', [new Error('died early')], /died early/],
  ['whose beginning has no end', ['{"statusCode":200}'], /ended before its body began/],
  ['whose beginning is too long', [Buffer.alloc(70_000, 'x'), prelude({})], /more than (16384|65536) bytes/],
  ['whose beginning is no JSON', [Buffer.concat([Buffer.from('{'), Buffer.alloc(8)]), 'x'], /JSON object/],
  ['of a status that is none', [prelude({ statusCode: 'ok' }), 'x'], /statusCode is "ok"/],
])('a stream %s is a 502', async (_name, chunks, reason) => {
  for (const front of streaming) {
    const { status, body, line } = await clientGets(front, preludeType, chunks)
    expect([status, body.toString()]).toEqual([502, expect.stringMatching(/Internal [Ss]erver [Ee]rror/)])
    expect(line).toMatch(reason)
  }
})

test('what a function returns whole is the body of a front that streams', async () => {
  const answer = JSON.stringify({ statusCode: 404, body: 'x' })
  await using started = await fakeFront('function-url', async () => ({ payload: answer }), { stream: true })
  const response = await fetch(started.url)
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
  expect(await response.text()).toBe(answer)
})

test.each<HttpFront>(['http-api', 'alb', 'function-url'])(
  '%s without streaming waits for the whole',
  async (front) => {
    const payload = JSON.stringify({ statusCode: 201, body: 'whole' })
    const stream = () => streamOf('application/json', [payload.slice(0, 9), payload.slice(9)])
    await using started = await fakeFront(front, async () => ({ stream: stream() }))
    const response = await fetch(started.url)
    expect([response.status, await response.text()]).toEqual([201, 'whole'])
  },
)

test('the function is held up by a client that does not read, and runs on when that goes away', async () => {
  const chunk = Buffer.alloc(64 * 1024)
  const total = 2000
  let made = 0
  let isDone = () => {}
  const done = new Promise<void>((resolve) => {
    isDone = resolve
  })
  const body = (async function* () {
    for (; made < total; made++) yield chunk
    isDone()
  })()
  await using started = await fakeFront(
    'function-url',
    async () => ({ stream: { contentType: 'application/octet-stream', body } }),
    { stream: true },
  )
  const { hostname, port } = new URL(started.url)
  const socket = connect(Number(port), hostname)
  socket.write(get)
  await once(socket, 'readable')
  // Buffers between here and there fill up, and then nothing moves any more.
  let before = -1
  while (made !== before) {
    before = made
    for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate)
  }
  expect(made).toBeGreaterThan(0)
  expect(made).toBeLessThan(total)
  socket.destroy()
  await done
  await expect
    .poll(() => started.lines[0])
    .toMatch(/^GET \/ 200 [\d.]+ ms one#1, but the client has gone away$/)
})
