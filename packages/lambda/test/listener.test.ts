import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type LogRecord, nodeListener, type Participant, type RequestListener, serve } from '../src/index.ts'
import { functionUrlEvent, lambdaContext, restApiEvent, type SentRequest } from './events.ts'
import { invokeStreaming, stubRuntime } from './streaming.ts'

// What a listener does behind a server of Node is what it must do behind a front.

let listener: RequestListener
const server = createServer((request, response) => listener(request, response))
beforeAll(() => once(server.listen(0, '127.0.0.1'), 'listening'))
afterAll(() => once(server.close(), 'close'))
afterEach(() => {
  vi.unstubAllGlobals()
})

const sent = (changes: Partial<SentRequest> = {}): SentRequest => ({
  method: 'GET',
  target: '/a?b=c',
  headers: [['Host', 'example.com']],
  body: new Uint8Array(),
  ...changes,
})

interface Answered {
  status: number
  headers: Record<string, string[]>
  body: string
}

const ofTheFront = ['connection', 'keep-alive', 'date', 'transfer-encoding', 'content-length', 'trailer']
function comparable(status: number, pairs: [string, string][], body: Buffer): Answered {
  const headers = Object.groupBy(
    pairs.filter(([name]) => !ofTheFront.includes(name)),
    ([name]) => name,
  )
  return {
    status,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, list = []]) => [
        name,
        name === 'set-cookie' ? list.map(([, value]) => value) : [list.map(([, value]) => value).join(', ')],
      ]),
    ),
    body: body.toString('hex'),
  }
}

async function viaNode(
  run: RequestListener,
  { method, target, headers, body }: SentRequest,
): Promise<Answered> {
  listener = run
  const { port } = server.address() as AddressInfo
  const outgoing = request({ port, method, path: target, headers: headers.flat(), agent: false })
  outgoing.end(body)
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  const pairs: [string, string][] = []
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    pairs.push([incoming.rawHeaders[at]?.toLowerCase() ?? '', incoming.rawHeaders[at + 1] ?? ''])
  }
  return comparable(incoming.statusCode ?? 0, pairs, await buffer(incoming))
}

async function viaServe(run: RequestListener, request: SentRequest): Promise<Answered> {
  const answer = (await serve(nodeListener(run), { log: () => {} })(
    restApiEvent(request),
    lambdaContext(),
  )) as {
    statusCode: number
    headers: Record<string, string>
    multiValueHeaders?: Record<string, string[]>
    body?: string
    isBase64Encoded: boolean
  }
  const latin1 = (value: string) => Buffer.from(value).toString('latin1')
  const pairs = [
    ...Object.entries(answer.headers),
    ...Object.entries(answer.multiValueHeaders ?? {}).flatMap(([name, values]) =>
      values.map((value): [string, string] => [name, value]),
    ),
  ].map(([name, value]): [string, string] => [name, latin1(value)])
  const body = Buffer.from(answer.body ?? '', answer.isBase64Encoded ? 'base64' : 'utf8')
  return comparable(answer.statusCode, pairs, body)
}

type Step = (response: ServerResponse) => unknown
const head: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step>(
    (response) => response.setHeader('Set-Cookie', ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2']),
    (response) => response.appendHeader('set-cookie', 'c=3'),
    (response) => response.appendHeader('Vary', 'Accept').appendHeader('vary', 'Origin'),
    (response) => response.setHeader('X-Number', 7),
    // With an answer that may have no body, Node's own server breaks the protocol at this.
    (response) => {
      if (response.req.method !== 'HEAD') response.setHeader('Transfer-Encoding', 'chunked').statusCode = 200
    },
    (response) => response.setHeader('Content-Type', 'text/plain; charset=utf-8'),
    (response) => response.setHeader('Content-Type', 'image/png'),
    (response) => response.writeContinue(),
    (response) => response.writeEarlyHints({ link: '</style.css>; rel=preload' }),
  ),
  fc.constantFrom(200, 201, 204, 301, 304, 404, 503).map(
    (status): Step =>
      (response) => {
        response.statusCode = status
      },
  ),
)
const written: fc.Arbitrary<Step> = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1 }).map(
    (text): Step =>
      (response) =>
        response.write(text.toWellFormed()),
  ),
  fc.uint8Array({ minLength: 1 }).map(
    (bytes): Step =>
      (response) =>
        response.write(bytes),
  ),
  fc.constantFrom<Step>(
    (response) => response.write('ff00', 'hex'),
    (response) => response.write('caf\xe9', 'latin1'),
    (response) => response.flushHeaders(),
    (response) => {
      response.cork()
      response.write('corked')
      response.write('as well')
      response.uncork()
    },
    () => setImmediate(),
  ),
)

test('any way to answer gives the answer that a server gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'HEAD', 'POST'),
      fc.array(head, { maxLength: 5 }),
      fc.option(
        fc.constantFrom<Step>(
          (response) => response.writeHead(202, 'Yes', { 'X-Head': 'a', 'set-cookie': ['d=4', 'e=5'] }),
          (response) => response.writeHead(206, ['X-Head', 'b', 'X-Head', 'c']),
        ),
      ),
      fc.array(written, { maxLength: 5 }),
      fc.option(fc.string({ unit: 'grapheme' })),
      async (method, before, writeHead, body, end) => {
        const run: RequestListener = async (_request, response) => {
          for (const step of before) step(response)
          writeHead?.(response)
          for (const step of body) await step(response)
          if (end === null) response.end()
          else response.end(end)
        }
        const request = sent({ method })
        expect(await viaServe(run, request)).toEqual(await viaNode(run, request))
      },
    ),
    { numRuns: 300 },
  )
})

test('fields behind the body are lost, and no reason to fail', async () => {
  const run: RequestListener = (_request, response) => {
    response.setHeader('Trailer', 'X-Sum').write('text')
    response.addTrailers({ 'X-Sum': '1' })
    response.end()
  }
  expect(await viaServe(run, sent())).toEqual(await viaNode(run, sent()))
})

test('the bytes of a header are what they are, whatever the body is written as', async () => {
  // The last of these bytes, 0xA0, is a space to some.
  const bytes = 'voil\xc3\xa0'
  for (const body of ['text', Buffer.from('bytes')]) {
    const { headers } = await viaServe(
      (_request, response) => response.setHeader('X-Utf8', bytes).setHeader('X-Padded', ' \ta ').end(body),
      sent(),
    )
    expect(headers).toEqual({ 'x-utf8': [bytes], 'x-padded': ['a'] })
  }
})

test.each(['GET', 'POST', 'DELETE'])(
  'a %s is had as from a server, with its body and the client',
  async (method) => {
    const run: RequestListener = async (request, response) => {
      const body = await buffer(request)
      const { url, headers, headersDistinct, rawHeaders, httpVersion, complete, aborted } = request
      const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
      const seen = { url, method: request.method, headers, headersDistinct, names: names.sort(), httpVersion }
      response.end(JSON.stringify({ ...seen, complete, aborted, body: body.toString('hex') }))
    }
    const body = new Uint8Array([0, 255, 10])
    const headers: [string, string][] = [
      ['Host', 'example.com'],
      ['Content-Length', '3'],
      ['Cookie', 'a=1; b=2'],
      ['Set-Cookie', 'c=3'],
      ['X-A', 'caf\xe9'],
    ]
    const request = sent({ method, body, headers })
    const parse = ({ body }: Answered) => {
      const { headers, headersDistinct, names, ...seen } = JSON.parse(Buffer.from(body, 'hex').toString())
      delete headers.connection
      delete headersDistinct.connection
      return {
        ...seen,
        headers,
        headersDistinct,
        names: names.filter((name: string) => name !== 'connection'),
      }
    }
    const wire = {
      ...request,
      headers: headers.map(([name, value]): [string, string] => [
        name,
        Buffer.from(value).toString('latin1'),
      ]),
    }
    expect(parse(await viaServe(run, request))).toEqual(parse(await viaNode(run, wire)))
    await viaServe(({ socket }, response) => {
      expect(socket.remoteAddress).toBe('192.0.2.7')
      expect(socket).toHaveProperty('encrypted', true)
      response.end()
    }, request)
  },
)

test('finish and close come once, in this order, and the response knows that it is done', async () => {
  const events: string[] = []
  await viaServe((_request, response) => {
    for (const name of ['finish', 'close', 'error']) response.on(name, () => events.push(name))
    response.end('x', () => events.push(`ended ${response.writableFinished}`))
  }, sent())
  await setImmediate()
  expect(events).toEqual(['ended true', 'finish', 'close'])
})

function mebibytes(count: number): Readable {
  let left = count * 16
  return new Readable({
    read() {
      this.push(left-- > 0 ? Buffer.alloc(65_536, 'x') : null)
    },
  })
}

test('streams can be piped, one after the other', async () => {
  const run: RequestListener = async (_request, response) => {
    await pipeline(mebibytes(1), response, { end: false })
    await pipeline(mebibytes(1), response)
  }
  const { body } = await viaServe(run, sent())
  expect(body.length / 2).toBe(2 * 1_048_576)
})

test('a streamed answer is made as fast as it is taken, and ends', async () => {
  stubRuntime()
  let made = 0
  const source = mebibytes(30).on('data', (chunk) => {
    made += chunk.length
  })
  source.pause()
  const app = nodeListener((_request, response) => void pipeline(source, response))
  const streamed = await invokeStreaming(serve(app, { stream: true }), functionUrlEvent(sent()))
  expect(streamed.head).toEqual({ statusCode: 200, headers: {} })
  expect(streamed.body.length).toBe(30 * 1_048_576)
  expect(made).toBe(30 * 1_048_576)
})

test('a listener whose client takes nothing is asked to wait, and told when the client goes', async () => {
  stubRuntime()
  const seen: string[] = []
  let response: ServerResponse | undefined
  const app = nodeListener((_request, own) => {
    response = own
    own.on('close', () => seen.push('close'))
    while (own.write(Buffer.alloc(65_536)));
    seen.push('full')
  })
  const written: Buffer[] = []
  const stuck = new Writable({ highWaterMark: 1, write: (chunk) => void written.push(chunk) })
  const stream = Object.assign(stuck, { setContentType: () => {} })
  const handler = serve(app, { stream: true, log: () => {} }) as unknown as (
    ...args: unknown[]
  ) => Promise<void>
  const done = handler(functionUrlEvent(sent()), stream, lambdaContext())
  const failed = expect(done).rejects.toMatchObject({ code: 'STREAM_CLOSED' })
  await vi.waitUntil(() => written.length > 0)
  expect(seen).toEqual(['full'])
  expect(response?.writableNeedDrain).toBe(true)
  stuck.destroy()
  await failed
  await vi.waitUntil(() => seen.length === 2)
  expect(seen).toEqual(['full', 'close'])
})

test('a client that goes away while a listener has nothing to say is no mistake of the listener', async () => {
  stubRuntime()
  const records: LogRecord[] = []
  const written: Buffer[] = []
  const sink = new Writable({
    write(chunk, _encoding, done) {
      written.push(chunk)
      done()
    },
  })
  const stream = Object.assign(sink, { setContentType: () => {} })
  const app = nodeListener((_request, response) => void response.write('begun'))
  const handler = serve(app, { stream: true, log: (record) => records.push(record) }) as unknown as (
    ...args: unknown[]
  ) => Promise<void>
  const done = handler(functionUrlEvent(sent()), stream, lambdaContext())
  const failed = expect(done).rejects.toMatchObject({ code: 'STREAM_CLOSED' })
  await vi.waitUntil(() => Buffer.concat(written).toString().endsWith('begun'))
  sink.destroy()
  await failed
  expect(records).toMatchObject([{ level: 'WARN', error: { code: 'STREAM_CLOSED' } }])
})

test.each<[string, RequestListener, string]>([
  [
    'throws',
    () => {
      throw new TypeError('no')
    },
    'TypeError',
  ],
  ['rejects', () => Promise.reject(new TypeError('no')), 'TypeError'],
  [
    'rejects half-way',
    async (_request, response) => {
      response.write('begun')
      await setImmediate()
      throw new TypeError('no')
    },
    'TypeError',
  ],
  [
    'switches protocols',
    (_request, response) => void response.writeHead(101, { upgrade: 'x' }).end(),
    'InvalidResponseError',
  ],
  ['hangs up', (_request, response) => void response.destroy(), 'InvalidResponseError'],
  [
    'hangs up half-way',
    (_request, response) => {
      response.write('begun')
      response.destroy()
    },
    'InvalidResponseError',
  ],
])('a listener that %s is answered with 500', async (_what, run, name) => {
  const records: LogRecord[] = []
  const handler = serve(nodeListener(run), { log: (record) => records.push(record) })
  const answer = await handler(restApiEvent(sent()), lambdaContext())
  expect(answer.statusCode).toBe(500)
  expect(answer.headers).toMatchObject({ 'content-type': 'application/problem+json' })
  expect(records).toMatchObject([{ error: { name } }])
})

test('what a listener throws after its answer was whole has a line in the log', async () => {
  const written = vi.spyOn(console, 'error').mockImplementation(() => {})
  const run: RequestListener = async (_request, response) => {
    response.end('whole')
    await setImmediate()
    throw new TypeError('too late')
  }
  try {
    expect(await viaServe(run, sent())).toMatchObject({ status: 200 })
    await vi.waitUntil(() => written.mock.calls.length > 0)
    expect(JSON.parse(written.mock.calls[0]?.[0])).toMatchObject({
      level: 'ERROR',
      message: 'GET /a failed after it was answered',
      requestId: lambdaContext().awsRequestId,
      error: { name: 'TypeError', message: 'too late' },
    })
  } finally {
    written.mockRestore()
  }
})

test('a listener that is run again gets the body as it was sent, whatever it did to it', async () => {
  const bodies: string[] = []
  const app = nodeListener(async (request, response) => {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bodies.push(chunk.toString())
      chunk.fill(0)
    }
    response.end()
  })
  const twice: Participant = {
    async around(_invocation, next) {
      await next()
      return next()
    },
  }
  const request = sent({ method: 'POST', body: Buffer.from('as sent') })
  await serve(app, { with: [twice] })(restApiEvent(request), lambdaContext())
  expect(bodies).toEqual(['as sent', 'as sent'])
})

test('a server stands for its listeners', async () => {
  const app = createServer((_request, response) => response.end('from a server'))
  expect(await serve(nodeListener(app))(restApiEvent(sent()), lambdaContext())).toMatchObject({
    statusCode: 200,
    body: Buffer.from('from a server').toString('base64'),
  })
})
