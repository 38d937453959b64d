import { afterEach, expect, test, vi } from 'vitest'
import { event, functionUrlEvent, lambdaContext, type SentRequest } from '../test/events.ts'
import { invokeStreaming, stubRuntime } from '../test/streaming.ts'
import {
  DeadlineError,
  getInvocation,
  type LogRecord,
  nodeListener,
  type Participant,
  serve,
} from './index.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

const never = () => new Promise<never>(() => {})
const sent: SentRequest = {
  method: 'GET',
  target: '/',
  headers: [['Host', 'a.example']],
  body: Buffer.of(),
}
const soon = { getRemainingTimeInMillis: () => 100 }

test('what outlives the invocation is answered with 504, and its signal aborts', async () => {
  const records: LogRecord[] = []
  let signal: AbortSignal | undefined
  const app = () => {
    signal = getInvocation()?.signal
    return never()
  }
  const handler = serve(app, { log: (record) => void records.push(record) })
  const answer = await handler(event('/slow'), lambdaContext(soon))
  expect(answer.statusCode).toBe(504)
  expect(JSON.parse(answer.body ?? '')).toMatchObject({
    status: 504,
    code: 'DEADLINE_EXCEEDED',
    detail: expect.stringContaining('time limit (100 ms)'),
  })
  expect(signal?.reason).toBeInstanceOf(DeadlineError)
  expect(records).toMatchObject([{ level: 'ERROR', status: 504, error: { code: 'DEADLINE_EXCEEDED' } }])
})

test('a participant that stands still is no different', async () => {
  const stuck: Participant = { around: never }
  const answer = await serve(() => new Response(), { with: [stuck], log() {} })(
    event('/'),
    lambdaContext(soon),
  )
  expect(answer.statusCode).toBe(504)
})

test('after the deadline a participant cannot run the application any more, and a late response is cancelled', async () => {
  let runs = 0
  const cancelled = Promise.withResolvers<unknown>()
  const late = Promise.withResolvers<void>()
  const again = Promise.withResolvers<unknown>()
  const retrying: Participant = {
    async around(_invocation, next) {
      const first = await next().catch(() => null)
      again.resolve(await next().catch((error) => error))
      return first as never
    },
  }
  const app = async () => {
    runs++
    await late.promise
    return new Response(new ReadableStream({ cancel: cancelled.resolve }))
  }
  const answer = await serve(app, { with: [retrying], log() {} })(event('/'), lambdaContext(soon))
  expect(answer.statusCode).toBe(504)
  late.resolve()
  await cancelled.promise
  expect(await again.promise).toBeInstanceOf(DeadlineError)
  expect(runs).toBe(1)
})

test('a body that is streamed past the deadline breaks off', async () => {
  stubRuntime()
  const cancelled = Promise.withResolvers<unknown>()
  const body = () =>
    new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from('first')),
      cancel: cancelled.resolve,
    })
  const handler = serve(() => new Response(body()), { stream: true, log() {} })
  const streamed = await invokeStreaming(handler, functionUrlEvent(sent), lambdaContext(soon))
  expect(streamed).toMatchObject({ head: { statusCode: 200 }, error: 'DeadlineError' })
  expect(streamed.body.toString()).toBe('first')
  await cancelled.promise
})

test('a body that is read past the deadline is read no further', async () => {
  const cancelled = Promise.withResolvers<unknown>()
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.from('first')),
    cancel: cancelled.resolve,
  })
  const seen = Promise.withResolvers<unknown>()
  const participant: Participant = {
    async around(_invocation, next) {
      const result = next()
      result.then(() => seen.resolve('an answer'), seen.resolve)
      return result
    },
  }
  const options = { with: [participant], log() {} }
  const answer = await serve(() => new Response(body), options)(event('/'), lambdaContext(soon))
  expect(answer.statusCode).toBe(504)
  await cancelled.promise
  expect(await seen.promise).toBeInstanceOf(DeadlineError)

  const closed = Promise.withResolvers<void>()
  const listener = nodeListener((_request, response) => {
    response.on('close', closed.resolve).write('first')
  })
  const other = await serve(listener, { log() {} })(event('/'), lambdaContext(soon))
  expect(other.statusCode).toBe(504)
  await closed.promise
})

test('of a listener, too, the error says that the time was up', async () => {
  stubRuntime()
  const records: LogRecord[] = []
  const listener = nodeListener((_request, response) => void response.write('first'))
  const handler = serve(listener, { stream: true, log: (record) => void records.push(record) })
  const streamed = await invokeStreaming(handler, functionUrlEvent(sent), lambdaContext(soon))
  expect(streamed).toMatchObject({ head: { statusCode: 200 }, error: 'DeadlineError' })
  expect(records).toMatchObject([{ error: { code: 'DEADLINE_EXCEEDED' } }])
})

test.each([Number.POSITIVE_INFINITY, 2 ** 40, Number.NaN])(
  'a context with %s ms left has no deadline that a timer could keep',
  async (left) => {
    const context = lambdaContext({ getRemainingTimeInMillis: () => left })
    expect((await serve(() => new Response())(event('/'), context)).statusCode).toBe(200)
  },
)

test('of invocations at once only those whose time is up are ended', async () => {
  const signals = new Map<string, AbortSignal>()
  const release = Promise.withResolvers<void>()
  const app = async () => {
    const { requestId, signal } = getInvocation()!
    signals.set(requestId, signal)
    await (requestId === 'short' ? never() : release.promise)
    return new Response(requestId)
  }
  const handler = serve(app, { log() {} })
  const long = handler(event('/'), lambdaContext({ awsRequestId: 'long' }))
  const short = await handler(event('/'), lambdaContext({ ...soon, awsRequestId: 'short' }))
  expect(short.statusCode).toBe(504)
  expect(signals.get('short')?.reason).toBeInstanceOf(DeadlineError)
  expect(signals.get('long')?.aborted).toBe(false)
  release.resolve()
  expect(await long).toMatchObject({ statusCode: 200, body: 'long' })
})

test('a signal that is asked for when the time is up has aborted already', async () => {
  let late: Promise<boolean> | undefined
  const app = () => {
    const invocation = getInvocation()
    const over = Promise.withResolvers<void>()
    setTimeout(over.resolve, 100)
    late = over.promise.then(() => invocation!.signal.aborted)
    return never()
  }
  await serve(app, { log() {} })(event('/'), lambdaContext(soon))
  expect(await late).toBe(true)
})
