import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { HttpFront } from '@thaw/app'
import { type LambdaContext, serve } from '@thaw/lambda'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sendRaw } from '../support.ts'
import { type FakeFront, type FakeOptions, fakeFront } from './support.ts'

// What a plain Node server receives for the bytes of a request is what an application must receive for them through a
// front and `serve`. The event in between was made by one of the two and read by the other, who share no code.

interface Sent {
  readonly method: string
  readonly target: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array
  readonly chunked: boolean
}

interface Received {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const context: LambdaContext = {
  awsRequestId: 'b1946ac9-2492-4d23-8d1e-fe1c6f4f7a10',
  functionName: 'one',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:one',
  memoryLimitInMB: '1024',
  logGroupName: '/aws/lambda/one',
  logStreamName: 'stream',
  getRemainingTimeInMillis: () => 30_000,
}

let node: Server
let nodeUrl: string
let seen: Received | null = null

beforeAll(async () => {
  node = createServer(async (request, response) => {
    const body = await buffer(request)
    seen = {
      method: request.method ?? '',
      target: request.url ?? '',
      headers: comparable(headersOf(request)),
      body: body.toString('hex'),
    }
    response.end()
  })
  await once(node.listen(0, '127.0.0.1'), 'listening')
  nodeUrl = `http://127.0.0.1:${(node.address() as AddressInfo).port}`
})

afterAll(async () => {
  await once(node.close(), 'close')
})

function headersOf(request: IncomingMessage): [string, string][] {
  return Object.entries(request.headersDistinct).map(([name, values = []]) => [
    name,
    values.join(name === 'cookie' ? '; ' : ', '),
  ])
}

// Fronts add the address of the client and their own headers, take away those of the connection, know the length of a
// body in chunks, and join repeated headers with or without a space.
const added = ['x-forwarded-port', 'x-forwarded-proto', 'x-amzn-trace-id', 'connection', 'transfer-encoding']

function comparable(headers: Iterable<readonly [string, string]>): Record<string, string> {
  const parts = [...headers]
    .filter(([name]) => !added.includes(name) && name !== 'content-length')
    .map(([name, value]) => [name, value.split(/, */).filter((part) => part !== '127.0.0.1')] as const)
  return Object.fromEntries(
    parts
      .map(([name, values]) => [name, values.join(', ')] as const)
      .filter(([name, value]) => name !== 'x-forwarded-for' || value !== ''),
  )
}

async function via(url: string, sent: Sent): Promise<Received> {
  seen = null
  const lines = [...sent.headers.map(([name, value]) => `${name}: ${value}`), 'Connection: close']
  const { body } = sent
  if (sent.chunked) lines.push('Transfer-Encoding: chunked')
  else if (body.length > 0) lines.push(`Content-Length: ${body.length}`)
  const head = Buffer.from(`${sent.method} ${sent.target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  const chunks = [`${body.length.toString(16)}\r\n`, body, body.length > 0 ? '\r\n0\r\n\r\n' : '\r\n']
  const bytes = sent.chunked ? chunks.map((chunk) => Buffer.from(chunk as string)) : [body]
  const response = await sendRaw(url, Buffer.concat([head, ...bytes]))
  expect(response.status).toBe(200)
  if (seen === null) throw new Error('nothing was received')
  return seen
}

async function startServing(front: HttpFront, options: FakeOptions = {}): Promise<FakeFront> {
  const handler = serve(async (request) => {
    const { pathname, search } = splitUrl(request.url)
    seen = {
      method: request.method,
      target: pathname + search,
      headers: comparable(request.headers),
      body: Buffer.from(await request.arrayBuffer()).toString('hex'),
    }
    return new Response()
  })
  return fakeFront(
    front,
    async (event) => ({ payload: JSON.stringify(await handler(event, context)) }),
    options,
  )
}

/** Not by `URL`, which would tidy up what was sent. */
function splitUrl(url: string): { pathname: string; search: string } {
  const target = url.replace(/^https?:\/\/[^/]*/, '')
  const mark = target.indexOf('?')
  return mark < 0
    ? { pathname: target, search: '' }
    : { pathname: target.slice(0, mark), search: target.slice(mark) }
}

const words = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 4 })
  .map((text) => encodeURIComponent(text.toWellFormed()))
const pathPieces = fc.oneof(
  fc.constantFrom(...'/ / // . .. /./ /../ + , ; : @ & = $ ! ( *'.split(' '), "'"),
  fc.constantFrom(...'%25 %3F %23 %20 %2B %5C %22 %3C %25zz %2e%2e %2F a B-c_d~e 0'.split(' ')),
  words,
)
const queryPieces = fc.oneof(
  fc.constantFrom(...`& & = + %2B , %2C ? / .. ' " < | \\ ^ % %zz []`.split(' ')),
  fc.constantFrom('key', 'key=1', 'key=2', 'a', '%20', '%23'),
  words,
)
const target = fc
  .tuple(fc.array(pathPieces, { maxLength: 8 }), fc.array(queryPieces, { maxLength: 8 }))
  .map(([path, query]) => `/${path.join('')}${query.length > 0 ? `?${query.join('')}` : ''}`)
const headerValue = fc
  .oneof(
    fc.string({ unit: 'grapheme-ascii', maxLength: 12 }),
    fc.constantFrom('a, b', 'a,b', 'é', '日本', '€, "x"', ''),
  )
  .map((value) => value.trim())
const fields = fc.array(
  fc.tuple(
    fc.constantFrom('Accept', 'X-One', 'x-one', 'X-Two', 'X-Forwarded-For', '__proto__', 'constructor'),
    headerValue,
  ),
  { maxLength: 6 },
)
const types = fc.constantFrom(
  'text/plain',
  'application/json; charset=utf-8',
  'application/x-www-form-urlencoded',
  'image/png',
  'Application/XML',
  null,
)
const cookies = fc.array(fc.stringMatching(/^[a-c]=[\w=,%-]{0,6}$/), { maxLength: 3 })
const requests: fc.Arbitrary<Sent> = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
    target,
    fields,
    type: types,
    cookies,
    body: fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => new Uint8Array(Buffer.from(text))),
    ),
    chunked: fc.boolean(),
  })
  .map(({ fields, type, cookies, ...rest }) => {
    const headers: [string, string][] = [['Host', 'example.com'], ...fields]
    if (type !== null) headers.push(['Content-Type', type])
    if (cookies.length > 0) headers.push(['Cookie', cookies.join('; ')])
    // A `Request` of GET has no body, whatever the client sends.
    return rest.method === 'GET'
      ? { ...rest, headers, body: new Uint8Array(), chunked: false }
      : { ...rest, headers }
  })

async function agree(front: FakeFront, sent: fc.Arbitrary<Sent>, view: (received: Received) => unknown) {
  await fc.assert(
    fc.asyncProperty(sent, async (request) => {
      expect(view(await via(front.url, request))).toEqual(view(await via(nodeUrl, request)))
    }),
    { numRuns: 200 },
  )
}

const whole = (received: Received) => received

test('through a Function URL an application receives what a Node server receives', async () => {
  await using front = await startServing('function-url')
  await agree(front, requests, whole)
})

test('through an HTTP API the same, its path escaped in one way', async () => {
  await using front = await startServing('http-api')
  await agree(front, requests, ({ target, ...rest }) => {
    const [path = '', ...query] = target.split('?')
    // A malformed escape stands for itself, segment by segment.
    return { ...rest, path: path.split('/').map(decode).join('/'), query: query.join('?') }
  })
})

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

// The maps of the other fronts say which values a key has, in which order, but not in which order different keys came,
// nor whether there was a `=` after a key without a value.
const grouped = (read: (query: string) => Iterable<readonly [string, string]>) => (received: Received) => {
  const { pathname, search } = splitUrl(received.target)
  const lists = new Map<string, string[]>()
  for (const [name, value] of read(search.slice(1))) lists.set(name, [...(lists.get(name) ?? []), value])
  const { target: _, ...rest } = received
  return { ...rest, path: pathname, query: lists }
}

function rawPairs(query: string): [string, string][] {
  const parts = query.split('&').filter((part) => part !== '')
  return parts.map((part) => {
    const [name = '', ...value] = part.split('=')
    return [name, value.join('=')]
  })
}

test('through a load balancer with multi-value headers the same', async () => {
  await using front = await startServing('alb', { albMultiValue: true })
  await agree(front, requests, grouped(rawPairs))
})

test('through a load balancer without them, what was sent once', async () => {
  await using front = await startServing('alb')
  const once = requests.map((sent) => {
    const { pathname, search } = splitUrl(sent.target)
    const pairs = new Map(rawPairs(search.slice(1)).map((pair) => [pair[0], pair.join('=')]))
    const query = [...pairs.values()].join('&')
    const headers = new Map(sent.headers.map(([name, value]) => [name.toLowerCase(), [name, value] as const]))
    return {
      ...sent,
      target: query === '' ? pathname : `${pathname}?${query}`,
      headers: [...headers.values()],
    }
  })
  await agree(front, once, grouped(rawPairs))
})

test('through a REST API the same, its query decoded', async () => {
  await using front = await startServing('rest-api')
  await agree(
    front,
    requests,
    grouped((query) => new URLSearchParams(query)),
  )
})
