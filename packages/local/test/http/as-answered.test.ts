import { PassThrough } from 'node:stream'
import type { HttpFront } from '@thaw/app'
import { type LambdaContext, serve } from '@thaw/lambda'
import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { type RawResponse, sendRaw } from '../support.ts'
import { type FakeOptions, fakeFront } from './support.ts'

// What an application answers is what the client must get, through `serve` and a front, which share no code.

interface Answered {
  readonly status: number
  readonly body: Uint8Array
  readonly type: string | null
  readonly encoding: string | null
  readonly value: string
  readonly cookies: readonly string[]
}

const context = { awsRequestId: 'id', getRemainingTimeInMillis: () => 30_000 } as LambdaContext

const answers: fc.Arbitrary<Answered> = fc.record({
  status: fc.constantFrom(200, 201, 301, 404, 418, 500, 599),
  body: fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc
      .string({ unit: 'binary', maxLength: 40 })
      .map((text) => new Uint8Array(Buffer.from(text.toWellFormed()))),
    fc.constant(new Uint8Array(8)),
    fc.constant(new Uint8Array([0xed, 0xa0, 0x80])),
  ),
  type: fc.constantFrom(
    'text/html; charset=utf-8',
    'application/json',
    'image/svg+xml',
    'image/png',
    'TEXT/CSV',
    null,
  ),
  encoding: fc.constantFrom(null, 'gzip', 'identity'),
  // One character for each byte, as `Headers` wants it.
  value: fc
    .string({ unit: 'grapheme', maxLength: 10 })
    .map((text) => Buffer.from(text.replace(/\p{C}/gu, '').trim()).toString('latin1')),
  cookies: fc.array(fc.stringMatching(/^\w=[\w, ]{0,6}\w$/), { maxLength: 3 }),
})

function headersOf({ type, encoding, value, cookies }: Answered): Headers {
  const headers = new Headers({ 'x-value': value })
  if (type !== null) headers.set('content-type', type)
  if (encoding !== null) headers.set('content-encoding', encoding)
  for (const cookie of cookies)
    headers.append('set-cookie', `${cookie}; Expires=Wed, 21 Oct 2026 07:28:00 GMT`)
  return headers
}

async function agree(front: HttpFront, { stream = false, ...options }: FakeOptions) {
  let answer: Answered | null = null
  const handler = serve(
    () => {
      const { body, status } = answer as Answered
      return new Response(new Uint8Array(body), { status, headers: headersOf(answer as Answered) })
    },
    { stream },
  )
  await using started = await fakeFront(
    front,
    stream
      ? async (event) => ({ stream: await streamed(handler, event) })
      : async (event) => ({ payload: JSON.stringify(await handler(event, context)) }),
    { stream, ...options },
  )
  await fc.assert(
    fc.asyncProperty(answers, async (given) => {
      answer = given
      const response = await sendRaw(started.url, 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
      const sent = headersOf(given)
      const named = (name: string) =>
        response.headers.filter(([key]) => key === name).map(([, value]) => value)
      expect(response.status).toBe(given.status)
      expect(bodyOf(response)).toEqual(Buffer.from(given.body))
      expect(named('set-cookie')).toEqual(sent.getSetCookie())
      for (const name of ['x-value', 'content-encoding', ...(given.type === null ? [] : ['content-type'])]) {
        expect(named(name)).toEqual(sent.has(name) ? [sent.get(name)] : [])
      }
    }),
    { numRuns: 150 },
  )
}

/** Runs a streaming handler as the runtime does, up to the head of its answer. */
function streamed(handler: unknown, event: unknown) {
  return new Promise<{ contentType: string; body: PassThrough }>((resolve, reject) => {
    const body = new PassThrough()
    const setContentType = (contentType: string) => resolve({ contentType, body })
    const run = handler as (event: unknown, stream: unknown, context: LambdaContext) => Promise<void>
    run(event, Object.assign(body, { setContentType }), context).catch(reject)
  })
}

function bodyOf({ headers, body }: RawResponse): Buffer {
  if (!headers.some(([name]) => name === 'transfer-encoding')) return body
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.toString('latin1', at, end), 16)
    if (size === 0) return Buffer.concat(chunks)
    chunks.push(body.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
}

afterEach(() => vi.unstubAllGlobals())

test.each<[HttpFront, FakeOptions]>([
  ['http-api', {}],
  ['rest-api', {}],
  ['function-url', {}],
  ['alb', {}],
  ['alb', { albMultiValue: true }],
])('%s %j: the client gets what the application answered, byte for byte', async (front, options) => {
  await agree(front, options)
})

test.each<HttpFront>(['function-url', 'rest-api'])('%s: and so when it is streamed', async (front) => {
  vi.stubGlobal('awslambda', { streamifyResponse: (handler: unknown) => handler })
  await agree(front, { stream: true })
})

test.each<HttpFront>(['http-api', 'alb'])(
  '%s: and so when a front waits for what is streamed',
  async (front) => {
    vi.stubGlobal('awslambda', { streamifyResponse: (handler: unknown) => handler })
    await agree(front, { stream: true })
  },
)
