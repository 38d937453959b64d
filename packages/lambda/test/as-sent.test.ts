import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serve } from '../src/index.ts'
import {
  albEvent,
  functionUrlEvent,
  httpApiEvent,
  lambdaContext,
  latticeEvent,
  restApiEvent,
  type SentRequest,
} from './events.ts'

// What a plain Node server receives for the bytes of a request is what the application must receive for the event
// that a front makes of the same request.

interface Received {
  method: string
  target: string
  headers: Record<string, string>
  body: string
}

let server: Server
let receive: (request: IncomingMessage, body: Buffer) => void

beforeAll(async () => {
  server = createServer(async (request, response) => {
    // An answer before the end of the body would close the connection under it.
    receive(request, await buffer(request))
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterAll(async () => {
  await once(server.close(), 'close')
})

async function viaNode(sent: SentRequest): Promise<Received> {
  const received = new Promise<Received>((resolve) => {
    receive = (request, body) => {
      const headers = Object.entries(request.headersDistinct).map(([name, values = []]) => [
        name,
        values.join(name === 'cookie' ? '; ' : ', '),
      ])
      resolve({
        method: request.method ?? '',
        target: request.url ?? '',
        headers: comparable(Object.fromEntries(headers)),
        body: body.toString('hex'),
      })
    }
  })
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const lines = [['Connection', 'close'], ...sent.headers].map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`${sent.method} ${sent.target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'utf8')
  socket.write(sent.body)
  const answer = await buffer(socket)
  expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 200 /)
  return received
}

async function viaServe(event: unknown): Promise<Received> {
  let received: Received | undefined
  const handler = serve(async (request) => {
    received = {
      method: request.method,
      target: request.url.slice('https://example.com'.length),
      headers: comparable(Object.fromEntries(request.headers)),
      body: Buffer.from(await request.arrayBuffer()).toString('hex'),
    }
    expect(request.url).toMatch(/^https:\/\/example\.com\//)
    return new Response()
  })
  const { statusCode, body } = await handler(JSON.parse(JSON.stringify(event)), lambdaContext())
  expect({ statusCode, body }).toEqual({ statusCode: 200, body: '' })
  if (!received) throw new Error('the application was not called')
  return received
}

// Fronts add the client's address, and join repeated headers with or without a space.
function comparable(headers: Record<string, string>): Record<string, string> {
  const { connection, ...rest } = headers
  return Object.fromEntries(
    Object.entries(rest)
      .map(([name, value]) => [name, value.split(/, */).filter((part) => part !== '192.0.2.7')])
      .map(([name, parts]) => [name, (parts as string[]).join(', ')])
      .filter(([name, value]) => name !== 'x-forwarded-for' || value !== ''),
  )
}

const pathPieces = fc.oneof(
  fc.constantFrom(
    '/',
    '/',
    '//',
    '.',
    '..',
    '/./',
    '/../',
    '+',
    ',',
    ';',
    ':',
    '@',
    '&',
    '=',
    '$',
    '!',
    "'",
    '(',
    '*',
  ),
  fc.constantFrom(
    '%25',
    '%3F',
    '%23',
    '%20',
    '%2B',
    '%5C',
    '%22',
    '%3C',
    '%25zz',
    '%2e%2e',
    'a',
    'B-c_d~e',
    '0',
  ),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 4 })
    .map((text) => encodeURIComponent(text.toWellFormed())),
)
const queryPieces = fc.oneof(
  fc.constantFrom(
    '&',
    '&',
    '=',
    '+',
    '%2B',
    ',',
    '%2C',
    '?',
    '/',
    '..',
    "'",
    '"',
    '<',
    '|',
    '\\',
    '^',
    '%',
    '%zz',
    '[]',
  ),
  fc.constantFrom('key', 'key=1', 'key=2', 'a', '%20', '%23'),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 4 })
    .map((text) => encodeURIComponent(text.toWellFormed())),
)
const target = fc
  .tuple(fc.array(pathPieces, { maxLength: 8 }), fc.option(fc.array(queryPieces, { maxLength: 8 })))
  // A bare `?` says the same as none, and no front reports it.
  .map(([path, query]) => `/${path.join('')}${query && query.length > 0 ? `?${query.join('')}` : ''}`)
const headerValue = fc
  .oneof(
    fc.string({ unit: 'grapheme-ascii', maxLength: 12 }),
    fc.constantFrom('a, b', 'a,b', 'é', '日本', '€, "x"'),
  )
  .map((value) => value.trim())
const headers = fc.array(
  fc.tuple(
    fc.constantFrom('Accept', 'X-One', 'x-one', 'X-Two', 'Content-Type', 'X-Forwarded-For'),
    headerValue,
  ),
  { maxLength: 6 },
)
const cookies = fc.array(fc.stringMatching(/^[a-c]=[\w=,%-]{0,6}$/), { maxLength: 3 })
const sentRequest: fc.Arbitrary<SentRequest> = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
    target,
    headers,
    cookies,
    body: fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => new Uint8Array(Buffer.from(text))),
    ),
  })
  .map(({ cookies, ...request }) => {
    const body = request.method === 'GET' ? new Uint8Array() : request.body
    const headers: [string, string][] = [['Host', 'example.com'], ...request.headers]
    if (cookies.length > 0) headers.push(['Cookie', cookies.join('; ')])
    if (body.length > 0) headers.push(['Content-Length', String(body.length)])
    return { ...request, headers, body }
  })

test('through a Function URL an application receives what a Node server receives', async () => {
  await fc.assert(
    fc.asyncProperty(sentRequest, async (sent) => {
      expect(await viaServe(functionUrlEvent(sent))).toEqual(await viaNode(sent))
    }),
    { numRuns: 300 },
  )
})

test('through an HTTP API an application receives the same, its path escaped in one way', async () => {
  const stage = fc.constantFrom('$default', 'prod', 'a')
  await fc.assert(
    fc.asyncProperty(sentRequest, stage, async (sent, stage) => {
      // The front has decoded the path, so that only what it means can come back, not how it was escaped.
      const meaning = ({ target, ...rest }: Received) => {
        const [path = '', ...query] = target.split('?')
        return { ...rest, path: decodeURIComponent(path), query: query.join('?') }
      }
      expect(meaning(await viaServe(httpApiEvent(sent, stage)))).toEqual(meaning(await viaNode(sent)))
    }),
    { numRuns: 300 },
  )
})

test('through VPC Lattice an application receives what a Node server receives', async () => {
  await fc.assert(
    fc.asyncProperty(sentRequest, async (sent) => {
      expect(await viaServe(latticeEvent(sent))).toEqual(await viaNode(sent))
    }),
    { numRuns: 300 },
  )
})

// The maps of these fronts say which values a key has, in which order, but not in which order different keys came, nor
// whether there was a `=` after a key without a value.
function grouped({ target, ...rest }: Received, decode: (text: string) => string) {
  const mark = target.indexOf('?')
  const query = mark < 0 ? '' : target.slice(mark + 1)
  const lists: Record<string, string[]> = {}
  for (const part of query.split('&').filter((part) => part !== '')) {
    const [name = '', ...value] = part.split('=')
    lists[decode(name)] ??= []
    lists[decode(name)]?.push(decode(value.join('=')))
  }
  return { ...rest, path: mark < 0 ? target : target.slice(0, mark), query: lists }
}

const asSent = (text: string) => text

test('through a load balancer with multi-value headers an application receives the same', async () => {
  await fc.assert(
    fc.asyncProperty(sentRequest, async (sent) => {
      const received = await viaServe(albEvent(sent, true))
      expect(grouped(received, asSent)).toEqual(grouped(await viaNode(sent), asSent))
    }),
    { numRuns: 300 },
  )
})

test('through a load balancer without them, what was sent once', async () => {
  // Of headers and keys that are sent twice, such a load balancer tells only the last.
  const once = sentRequest.map((sent) => {
    const [path = '', query = ''] = sent.target.split('?')
    const pairs = new Map(query.split('&').map((part) => [part.split('=')[0], part]))
    const headers = new Map(sent.headers.map(([name, value]) => [name.toLowerCase(), value]))
    return { ...sent, target: `${path}?${[...pairs.values()].join('&')}`, headers: [...headers] }
  })
  await fc.assert(
    fc.asyncProperty(once, async (sent) => {
      const received = await viaServe(albEvent(sent, false))
      expect(grouped(received, asSent)).toEqual(grouped(await viaNode(sent), asSent))
    }),
    { numRuns: 300 },
  )
})

/** Whether what is escaped is UTF-8: what a REST API makes of anything else is not known. */
function isDecodable(target: string): boolean {
  try {
    decodeURIComponent(target)
    return true
  } catch {
    return false
  }
}

test('through a REST API an application receives the same, its query escaped in one way', async () => {
  const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '))
  const decodable = sentRequest.filter(({ target }) => isDecodable(target))
  await fc.assert(
    fc.asyncProperty(decodable, async (sent) => {
      expect(grouped(await viaServe(restApiEvent(sent)), decode)).toEqual(
        grouped(await viaNode(sent), decode),
      )
    }),
    { numRuns: 300 },
  )
})
