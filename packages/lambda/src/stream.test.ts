import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  albEvent,
  event,
  functionUrlEvent,
  httpApiEvent,
  lambdaContext,
  restApiEvent,
} from '../test/events.ts'
import { invokeStreaming, stubRuntime } from '../test/streaming.ts'
import { type FetchApp, getInvocation, type LogRecord, type Participant, serve } from './index.ts'

beforeEach(stubRuntime)
afterEach(() => {
  vi.unstubAllGlobals()
  vi.unstubAllEnvs()
})

const sent = (method = 'GET') => ({ method, target: '/x', headers: [], body: new Uint8Array() })
const httpIntegration = 'application/vnd.awslambda.http-integration-response'
const bytesOf = (text: string) => new TextEncoder().encode(text)

function streamOf(parts: (string | Error)[], seen: string[] = []): ReadableStream<Uint8Array> {
  const rest = [...parts]
  return new ReadableStream(
    {
      async pull(controller) {
        await setImmediate()
        const part = rest.shift()
        seen.push(part instanceof Error ? 'threw' : (part ?? 'end'))
        if (part === undefined) controller.close()
        else if (part instanceof Error) controller.error(part)
        else controller.enqueue(bytesOf(part))
      },
      cancel() {
        seen.push('cancelled')
      },
    },
    { highWaterMark: 0 },
  )
}

const streaming = (app: FetchApp, options: object = {}) =>
  serve(app, { stream: true, log: () => {}, ...options })

test.each([
  ['a Function URL', functionUrlEvent(sent()), { cookies: ['a=1', 'b=2'] }],
  ['a REST API', restApiEvent(sent()), { multiValueHeaders: { 'set-cookie': ['a=1', 'b=2'] } }],
])('%s gets head, eight NUL bytes, and the bytes of the body', async (_name, event, cookies) => {
  const body = new Uint8Array([0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 1])
  const app = () => {
    const headers = new Headers({ 'content-type': 'image/png', 'content-length': '99', connection: 'close' })
    headers.append('set-cookie', 'a=1')
    headers.append('set-cookie', 'b=2')
    return new Response(body, { status: 201, headers })
  }
  expect(await invokeStreaming(streaming(app), event)).toEqual({
    contentType: httpIntegration,
    head: { statusCode: 201, headers: { 'content-type': 'image/png' }, ...cookies },
    body: Buffer.from(body),
    error: undefined,
  })
})

test.each([
  ['an HTTP API', httpApiEvent(sent())],
  ['a load balancer', albEvent(sent(), false)],
  ['an event written by hand', { httpMethod: 'GET', path: '/' }],
])('%s, which cannot stream, gets a whole answer', async (_name, event) => {
  const app = () => new Response(streamOf(['a', 'b']), { headers: { 'content-type': 'text/plain' } })
  const { contentType, body } = await invokeStreaming(streaming(app), event)
  expect(contentType).toBe('application/json')
  expect(JSON.parse(body.toString())).toMatchObject({ statusCode: 200, body: 'ab', isBase64Encoded: false })
})

test('without the streaming side of the runtime the handler answers as any other', async () => {
  vi.unstubAllGlobals()
  const answer = await streaming(() => new Response('x'))(functionUrlEvent(sent()), lambdaContext())
  expect(answer).toMatchObject({ statusCode: 200 })
})

test.each([
  ['HEAD', 200],
  ['GET', 204],
  ['GET', 304],
  ['GET', 200],
])('%s with %i: a head without a body arrives', async (method, status) => {
  const seen: string[] = []
  const body = method === 'HEAD' ? streamOf(['x'], seen) : null
  const app = () => new Response(body, { status, headers: { 'x-a': 'b' } })
  const streamed = await invokeStreaming(streaming(app), functionUrlEvent(sent(method)))
  expect(streamed.head).toEqual({ statusCode: status, headers: { 'x-a': 'b' } })
  expect(streamed.body).toHaveLength(0)
  expect(seen).toEqual(method === 'HEAD' ? ['cancelled'] : [])
})

test('participants are done before the first byte of the body is made', async () => {
  const seen: string[] = []
  const participant: Participant = {
    async around(_invocation, next) {
      seen.push('in')
      const result = await next()
      await setImmediate()
      seen.push('out')
      return result
    },
  }
  const app = () => new Response(streamOf(['a'], seen))
  await invokeStreaming(streaming(app, { with: [participant] }), functionUrlEvent(sent()))
  expect(seen).toEqual(['in', 'out', 'a', 'end'])
})

test('a participant that fails, or runs again, leaves no body behind', async () => {
  const seen: string[] = []
  const app = () => new Response(streamOf(['a'], seen))
  const failing: Participant = {
    async around(_invocation, next) {
      await next()
      throw Object.assign(new Error('lost the race'), { retryable: true })
    },
  }
  const failed = await invokeStreaming(streaming(app, { with: [failing] }), functionUrlEvent(sent()))
  expect(failed.head).toMatchObject({ statusCode: 503, headers: { 'retry-after': '1' } })
  expect(seen).toEqual(['cancelled'])
  const again: Participant = {
    async around(_invocation, next) {
      await next()
      return next()
    },
  }
  await invokeStreaming(streaming(app, { with: [again] }), functionUrlEvent(sent()))
  expect(seen).toEqual(['cancelled', 'cancelled', 'a', 'end'])
})

test('a throw before the answer is an ordinary problem', async () => {
  const app = () => Promise.reject(new Error('no'))
  const { head, body, error } = await invokeStreaming(streaming(app), functionUrlEvent(sent()))
  expect(head).toMatchObject({ statusCode: 500, headers: { 'content-type': 'application/problem+json' } })
  expect(JSON.parse(body.toString())).toMatchObject({ status: 500, requestId: lambdaContext().awsRequestId })
  expect(error).toBeUndefined()
})

test('a body that breaks off ends in an error of the transport; no text of it is in the body', async () => {
  const records: LogRecord[] = []
  const app = () => new Response(streamOf(['begun', new TypeError('secret')]))
  const log = (record: LogRecord) => records.push(record)
  const streamed = await invokeStreaming(streaming(app, { log }), functionUrlEvent(sent()))
  expect(streamed.head).toMatchObject({ statusCode: 200 })
  expect(streamed.body.toString()).toBe('begun')
  expect(streamed.error).toBe('TypeError')
  expect(records).toMatchObject([
    {
      level: 'ERROR',
      message: 'GET /x was answered with 200, which broke off',
      error: { message: 'secret' },
    },
  ])
})

test('a body of what are no bytes breaks off too', async () => {
  const text = new ReadableStream({
    start(controller) {
      controller.enqueue('text')
      controller.close()
    },
  })
  const streamed = await invokeStreaming(
    streaming(() => new Response(text)),
    functionUrlEvent(sent()),
  )
  expect(streamed.error).toBe('InvalidResponseError')
})

test('the body knows its invocation', async () => {
  let seen: string | undefined
  const body = new ReadableStream(
    {
      pull(controller) {
        seen = getInvocation()?.requestId
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  await invokeStreaming(
    streaming(() => new Response(body)),
    functionUrlEvent(sent()),
  )
  expect(seen).toBe(lambdaContext().awsRequestId)
})

/** A stream for the answer that takes nothing until it is told to. */
function stuckStream() {
  const waiting: (() => void)[] = []
  const taken: Buffer[] = []
  let isOpen = false
  const stream = new Writable({
    highWaterMark: 1000,
    write(chunk, _encoding, done) {
      taken.push(chunk)
      if (isOpen) done()
      else waiting.push(done)
    },
  })
  const open = () => {
    isOpen = true
    for (const done of waiting) done()
  }
  return { stream: Object.assign(stream, { setContentType: () => {} }), taken, open }
}

type StreamHandler = (event: unknown, stream: unknown, context: unknown) => Promise<void>

test('a stream that takes nothing more is waited for', async () => {
  const { stream, taken, open } = stuckStream()
  let made = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (++made > 100) controller.close()
        else controller.enqueue(new Uint8Array(400))
      },
    },
    { highWaterMark: 0 },
  )
  const handler = streaming(() => new Response(body)) as unknown as StreamHandler
  const done = handler(functionUrlEvent(sent()), stream, lambdaContext())
  await vi.waitUntil(() => stream.writableNeedDrain)
  for (let turn = 0; turn < 50; turn++) await setImmediate()
  expect(made).toBeLessThanOrEqual(3)
  open()
  await done
  expect(made).toBe(101)
  expect(Buffer.concat(taken).length).toBeGreaterThan(40_000)
})

test.each(['while it takes nothing', 'while nothing is made'])(
  'when the client goes away %s, the body is told to stop',
  async (when) => {
    const { stream, open } = stuckStream()
    if (when === 'while nothing is made') open()
    const seen: string[] = []
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          seen.push('pulled')
          if (when === 'while it takes nothing') controller.enqueue(new Uint8Array(2000))
          else return new Promise(() => {})
        },
        cancel: () => void seen.push('cancelled'),
      },
      { highWaterMark: 0 },
    )
    const records: LogRecord[] = []
    const log = (record: LogRecord) => records.push(record)
    const handler = streaming(() => new Response(body), { log }) as unknown as StreamHandler
    const done = handler(functionUrlEvent(sent()), stream, lambdaContext())
    const failed = expect(done).rejects.toMatchObject({ code: 'STREAM_CLOSED' })
    await vi.waitUntil(() => seen.length > 0)
    stream.destroy()
    await failed
    expect(seen).toEqual(['pulled', 'cancelled'])
    expect(records).toMatchObject([{ level: 'WARN', error: { code: 'STREAM_CLOSED' } }])
  },
)

test('when the client has gone before there is an answer, the body is told to stop', async () => {
  const { stream } = stuckStream()
  const cancel = vi.fn()
  const app = async () => {
    stream.destroy()
    await once(stream, 'close')
    return new Response(new ReadableStream({ pull: () => new Promise(() => {}), cancel }))
  }
  const records: LogRecord[] = []
  const log = (record: LogRecord) => records.push(record)
  const handler = streaming(app, { log }) as unknown as StreamHandler
  await expect(handler(functionUrlEvent(sent()), stream, lambdaContext())).rejects.toMatchObject({
    code: 'STREAM_CLOSED',
  })
  expect(cancel).toHaveBeenCalledOnce()
  expect(records).toMatchObject([{ level: 'WARN', error: { code: 'STREAM_CLOSED' } }])
})

test('more than Lambda streams ends in an error that says so', async () => {
  const taken = { bytes: 0 }
  const sink = new Writable({
    write(chunk, _encoding, done) {
      taken.bytes += chunk.length
      done()
    },
  })
  const stream = Object.assign(sink, { setContentType: () => {} })
  const chunk = new Uint8Array(8 << 20)
  const cancel = vi.fn()
  const body = new ReadableStream(
    { pull: (controller) => controller.enqueue(chunk), cancel },
    { highWaterMark: 0 },
  )
  const handler = streaming(() => new Response(body)) as unknown as StreamHandler
  await expect(handler(functionUrlEvent(sent()), stream, lambdaContext())).rejects.toThrow(
    /218103808 bytes once encoded for a stream, over its limit of 209715200/,
  )
  expect(cancel).toHaveBeenCalledOnce()
})

test('an event of nothing known rejects before anything is written', async () => {
  const { stream } = stuckStream()
  const handler = streaming(() => new Response()) as unknown as StreamHandler
  await expect(handler({ Records: [] }, stream, lambdaContext())).rejects.toMatchObject({
    code: 'EVENT_NOT_HTTP',
  })
  expect(stream.writableLength).toBe(0)
  await expect(handler(event('/'), stream, {})).rejects.toMatchObject({ code: 'CONTEXT_INVALID' })
})

test.each([
  ['true', false, true],
  ['true', undefined, true],
  ['false', true, false],
  [undefined, true, true],
  [undefined, undefined, false],
])('THAW_STREAM=%s decides over stream: %s', async (variable, stream, streams) => {
  vi.stubEnv('THAW_STREAM', variable)
  const handler = serve(() => new Response('x'), stream === undefined ? {} : { stream })
  const answer = streams
    ? await invokeStreaming(handler, functionUrlEvent(sent()))
    : await handler(functionUrlEvent(sent()), lambdaContext())
  expect(answer).toMatchObject(streams ? { head: { statusCode: 200 } } : { statusCode: 200, body: 'x' })
})
