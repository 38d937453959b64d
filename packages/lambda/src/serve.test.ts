import { createServer } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { event, lambdaContext, requestContext } from '../test/events.ts'
import {
  getInvocation,
  type Invocation,
  type LambdaEnv,
  type LogRecord,
  nodeListener,
  type Participant,
  serve,
} from './index.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

function problemOf(answer: { body?: string }): Record<string, unknown> {
  return JSON.parse(answer.body ?? '')
}

/** A participant that writes down when it is entered and left, and how. */
function witness(name: string, seen: string[]): Participant {
  return {
    async around(_invocation, next) {
      seen.push(`${name} in`)
      try {
        const result = await next()
        seen.push(`${name} out`)
        return result
      } catch (error) {
        seen.push(`${name} threw`)
        throw error
      }
    },
  }
}

test('a bare function and an object with fetch are served; this stays the application', async () => {
  const app = {
    greeting: 'hello',
    fetch() {
      return Response.json({ greeting: this.greeting })
    },
  }
  const expected = {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: '{"greeting":"hello"}',
    isBase64Encoded: false,
  }
  expect(await serve(app)(event('/'), lambdaContext())).toEqual(expected)
  expect(await serve(() => app.fetch())(event('/'), lambdaContext())).toEqual(expected)
})

test('event, request context and Lambda context reach the application', async () => {
  let seen: LambdaEnv | undefined
  const sent = event('/x')
  const context = lambdaContext()
  await serve((_request, env) => {
    seen = env
    return new Response()
  })(sent, context)
  expect(seen?.event).toBe(sent)
  expect(seen?.requestContext).toBe(sent.requestContext)
  expect(seen?.lambdaContext).toBe(context)
})

test('getInvocation tells each of several concurrent requests its own, and null outside', async () => {
  const handler = serve(async (request) => {
    const path = new URL(request.url).pathname
    await setTimeout(path === '/slow' ? 5 : 1)
    return Response.json([path, getInvocation()?.requestId, getInvocation()?.clientAddress])
  })
  const answers = await Promise.all(
    ['/slow', '/quick'].map((path) => handler(event(path), lambdaContext({ awsRequestId: `id of ${path}` }))),
  )
  expect(answers.map((answer) => JSON.parse(answer.body ?? ''))).toEqual([
    ['/slow', 'id of /slow', '192.0.2.7'],
    ['/quick', 'id of /quick', '192.0.2.7'],
  ])
  expect(getInvocation()).toBeNull()
})

test('an invocation says its deadline, its client, and whether it is the first', async () => {
  const invocations: Invocation[] = []
  const participant: Participant = {
    around(invocation, next) {
      invocations.push(invocation)
      return next()
    },
  }
  const handler = serve(() => new Response(), { with: [participant] })
  const earliest = Date.now() + 12_000
  await handler(event('/'), lambdaContext({ getRemainingTimeInMillis: () => 12_000 }))
  const latest = Date.now() + 12_000
  await handler(event('/', { requestContext: { http: { method: 'GET' } } }), lambdaContext())
  expect(invocations.map(({ coldStart }) => coldStart)).toEqual([true, false])
  expect(invocations.map(({ clientAddress }) => clientAddress)).toEqual(['192.0.2.7', null])
  expect(invocations[0]?.deadline).toBeGreaterThanOrEqual(earliest)
  expect(invocations[0]?.deadline).toBeLessThanOrEqual(latest)
})

test('participants nest in order, and the body is read to its end inside them', async () => {
  const seen: string[] = []
  const app = () =>
    new Response(
      new ReadableStream({
        async pull(controller) {
          await setTimeout(1)
          seen.push('body')
          controller.close()
        },
      }),
    )
  await serve(app, { with: [witness('a', seen), { async shutdown() {} }, witness('b', seen)] })(
    event('/'),
    lambdaContext(),
  )
  expect(seen).toEqual(['a in', 'b in', 'body', 'b out', 'a out'])
})

test('participants see a throw of the application, and of its body, before it is answered', async () => {
  const broken = () =>
    new Response(
      new ReadableStream({
        pull() {
          throw new Error('the body broke')
        },
      }),
    )
  const thrown = () => {
    throw new Error('the handler broke')
  }
  for (const app of [broken, thrown]) {
    const seen: string[] = []
    const answer = await serve(app, { with: [witness('a', seen)], log: () => {} })(
      event('/'),
      lambdaContext(),
    )
    expect(answer.statusCode).toBe(500)
    expect(seen).toEqual(['a in', 'a threw'])
  }
})

test('a participant may run the rest again: each run gets a fresh request', async () => {
  const bodies: string[] = []
  const again: Participant = {
    async around(_invocation, next) {
      await next()
      return next()
    },
  }
  const sent = event('/', { body: 'once', requestContext: requestContext('a.example', 'POST') })
  const app = async (request: Request) => new Response(String(bodies.push(await request.text())))
  const answer = await serve(app, { with: [again] })(sent, lambdaContext())
  expect(bodies).toEqual(['once', 'once'])
  expect(answer.body).toBe('2')
})

test('a participant that fails after the application has answered makes the answer an error', async () => {
  const failing: Participant = {
    async around(_invocation, next) {
      await next()
      throw Object.assign(new Error('lost the race'), { code: 'CONFLICT', retryable: true })
    },
  }
  const answer = await serve(() => new Response('done'), { with: [failing], log: () => {} })(
    event('/'),
    lambdaContext(),
  )
  expect(answer).toMatchObject({ statusCode: 503, headers: { 'retry-after': '1' } })
})

test('a throw is a problem with the request id and no detail, and one log line with the stack', async () => {
  vi.stubEnv('ENVIRONMENT', 'production')
  const records: LogRecord[] = []
  const app = () => {
    throw new TypeError('password is hunter2', { cause: new Error('the root') })
  }
  const sent = event('/users/é', { rawQueryString: 'token=secret' })
  const answer = await serve(app, { log: (record) => records.push(record) })(sent, lambdaContext())
  expect(answer.statusCode).toBe(500)
  expect(answer.headers).toEqual({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
  expect(problemOf(answer)).toEqual({
    type: 'about:blank',
    title: 'Internal Server Error',
    status: 500,
    requestId: lambdaContext().awsRequestId,
  })
  expect(records).toEqual([
    {
      level: 'ERROR',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      message: 'GET /users/é was answered with 500',
      requestId: lambdaContext().awsRequestId,
      coldStart: true,
      method: 'GET',
      path: '/users/é',
      status: 500,
      durationMs: expect.any(Number),
      error: {
        name: 'TypeError',
        message: 'password is hunter2',
        stack: expect.stringContaining('serve.test.ts'),
        cause: { name: 'Error', message: 'the root', stack: expect.any(String) },
      },
    },
  ])
})

test.each([Object.create(null), Symbol('no'), undefined, { message: 1n }])(
  'whatever is thrown is answered',
  async (thrown) => {
    const records: LogRecord[] = []
    const app = () => {
      throw thrown
    }
    const answer = await serve(app, { log: (record) => records.push(record) })(event('/'), lambdaContext())
    expect(answer.statusCode).toBe(500)
    expect(records).toMatchObject([{ status: 500, error: { message: expect.any(String) } }])
  },
)

test('what is thrown without a message shows nothing of itself', async () => {
  const app = () => {
    throw { status: 404, secret: 'x' }
  }
  const answer = await serve(app, { log() {} })(event('/'), lambdaContext())
  expect(problemOf(answer)).toEqual({
    type: 'about:blank',
    title: 'Not Found',
    status: 404,
    requestId: lambdaContext().awsRequestId,
  })
})

test.each([undefined, null, 5])(
  'a participant that gives %o on in place of the result is told so',
  async (result) => {
    const records: LogRecord[] = []
    const wrong = {
      async around(_invocation: Invocation, next: () => Promise<unknown>) {
        await next()
        return result
      },
    } as unknown as Participant
    const options = { with: [wrong], log: (record: LogRecord) => void records.push(record) }
    const answer = await serve(() => new Response(), options)(event('/'), lambdaContext())
    expect(answer.statusCode).toBe(500)
    expect(records).toMatchObject([{ error: { message: expect.stringContaining('must return') } }])
  },
)

test('without a log of its own, it is one line of JSON on standard error', async () => {
  const lines: unknown[][] = []
  vi.spyOn(console, 'error').mockImplementation((...line) => void lines.push(line))
  await serve(() => Promise.reject(new Error('two\nlines')))(event('/'), lambdaContext())
  expect(lines).toHaveLength(1)
  expect(lines[0]).toHaveLength(1)
  expect(lines[0]?.[0]).not.toContain('\n')
  expect(JSON.parse(String(lines[0]?.[0]))).toMatchObject({
    level: 'ERROR',
    error: { message: 'two\nlines' },
  })
})

test('an error whose message is no text is answered and logged as well', async () => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  const message = { big: 1n }
  const app = () => {
    throw Object.assign(new Error(), { message, name: message })
  }
  const answer = await serve(app, { exposeErrors: true })(event('/'), lambdaContext())
  expect(problemOf(answer)).toMatchObject({ status: 500, error: { message: '[object Object]' } })
  expect(JSON.parse(print.mock.calls[0]?.[0])).toMatchObject({ error: { name: '[object Object]' } })
})

test('with logRequests every answer has a line, on standard output unless it is an error', async () => {
  const lines: unknown[] = []
  vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(JSON.parse(line)))
  const handler = serve(() => new Response('x'), { logRequests: true })
  await handler(event('/a'), lambdaContext())
  await handler(event('/b'), lambdaContext())
  expect(lines).toMatchObject([
    { level: 'INFO', message: 'GET /a was answered with 200', coldStart: true, status: 200 },
    { level: 'INFO', path: '/b', coldStart: false, durationMs: expect.any(Number) },
  ])
  expect(lines[0]).not.toHaveProperty('error')
})

test('an error below 500 has a line only with logRequests, and then says what it was', async () => {
  const app = () => Promise.reject(Object.assign(new Error('no such user'), { status: 404 }))
  for (const logRequests of [false, true]) {
    const records: LogRecord[] = []
    await serve(app, { logRequests, log: (record) => records.push(record) })(event('/'), lambdaContext())
    expect(records.map(({ level, error }) => [level, error?.message])).toEqual(
      logRequests ? [['INFO', 'no such user']] : [],
    )
  }
})

test('who the caller is reaches the application', async () => {
  const jwt = { claims: { sub: 'u1' }, scopes: ['read'] }
  const sent = event('/', { requestContext: { http: { method: 'GET' }, authorizer: { jwt } } })
  const handler = serve(() => Response.json(getInvocation()?.identity))
  const { body } = await handler(sent, lambdaContext())
  expect(JSON.parse(body ?? '')).toMatchObject({ ...jwt, iam: null })
})

test.each([
  ['development', undefined, true],
  ['Local', undefined, true],
  ['', undefined, false],
  ['staging', undefined, false],
  ['production', undefined, false],
  ['production', true, true],
  ['development', false, false],
])(
  'ENVIRONMENT %j with exposeErrors %o: message and stack shown is %o',
  async (environment, exposeErrors, shown) => {
    vi.stubEnv('ENVIRONMENT', environment)
    const app = () => Promise.reject(new Error('inner workings'))
    const options = exposeErrors === undefined ? {} : { exposeErrors }
    const answer = await serve(app, { ...options, log: () => {} })(event('/'), lambdaContext())
    expect(answer.body?.includes('inner workings')).toBe(shown)
    expect(answer.body?.includes('serve.test.ts')).toBe(shown)
  },
)

test.each([
  [{ message: 'no such user', status: 404, code: 'NO_USER' }, 404, 'no such user', 'NO_USER', null, 0],
  [{ message: 'secret', status: 403, expose: false }, 403, undefined, undefined, null, 0],
  [{ message: 'upstream said', status: 504 }, 504, undefined, undefined, null, 1],
  [{ message: 'come back later', status: 503, expose: true }, 503, 'come back later', undefined, null, 1],
  [{ message: 'lost', retryable: true, code: 'CONFLICT' }, 503, undefined, 'CONFLICT', '1', 1],
  [{ message: 'slow down', retryable: true, status: 429 }, 429, 'slow down', undefined, '1', 0],
  [{ message: 'odd', status: 200 }, 500, undefined, undefined, null, 1],
  [{ message: 'odd', status: '404' }, 500, undefined, undefined, null, 1],
])('the error %j is answered with %i', async (error, status, detail, code, retryAfter, lines) => {
  const records: LogRecord[] = []
  const app = () => Promise.reject(Object.assign(new Error(), error))
  const answer = await serve(app, { log: (record) => records.push(record) })(event('/'), lambdaContext())
  expect(answer.statusCode).toBe(status)
  expect(problemOf(answer)).toMatchObject({ status })
  expect(problemOf(answer).detail).toBe(detail)
  expect(problemOf(answer).code).toBe(code)
  expect(answer.headers?.['retry-after'] ?? null).toBe(retryAfter)
  expect(records).toHaveLength(lines)
})

test.each(['text', undefined, null, 7, { a: 1n }])('%o can be thrown', async (value) => {
  const records: LogRecord[] = []
  const app = () => Promise.reject(value)
  const answer = await serve(app, { log: (record) => records.push(record) })(event('/'), lambdaContext())
  expect(problemOf(answer)).toMatchObject({ status: 500 })
  expect(records[0]?.error?.name).toBe(typeof value)
})

test('an error may bring its own response; one that cannot be sent does not hide the error', async () => {
  const records: LogRecord[] = []
  const throwing = (response: Response) => () =>
    Promise.reject(Object.assign(new Error('brings a response'), { getResponse: () => response }))
  const log = (record: LogRecord) => void records.push(record)
  const good = new Response('tea', { status: 418, headers: { 'content-type': 'text/plain' } })
  expect(await serve(throwing(good), { log })(event('/'), lambdaContext())).toMatchObject({
    statusCode: 418,
    body: 'tea',
  })
  expect(records).toEqual([])
  const bad = await serve(throwing(Response.error()), { log })(event('/'), lambdaContext())
  expect(problemOf(bad)).toMatchObject({ status: 500 })
  expect(records[0]?.error?.errors?.map(({ message }) => message)).toEqual([
    'brings a response',
    expect.stringContaining('status 0'),
  ])
})

test('an answer over the limit is a problem that names it, also in production, and participants see it', async () => {
  const seen: string[] = []
  const records: LogRecord[] = []
  const app = () => new Response(new Uint8Array(4_800_000))
  const handler = serve(app, { with: [witness('a', seen)], log: (record) => records.push(record) })
  const answer = await handler(event('/'), lambdaContext())
  expect(problemOf(answer)).toMatchObject({
    status: 502,
    code: 'RESPONSE_TOO_LARGE',
    detail: expect.stringMatching(/is 64000\d\d bytes .* its limit of 6291556 bytes/),
  })
  expect(records[0]?.error?.name).toBe('ResponseTooLargeError')
  expect(seen).toEqual(['a in', 'a threw'])
})

test('a failed HEAD has no body', async () => {
  const app = () => Promise.reject(new Error('x'))
  const sent = event('/', { requestContext: requestContext('a.example', 'HEAD') })
  const answer = await serve(app, { log: () => {} })(sent, lambdaContext())
  expect(answer.statusCode).toBe(500)
  expect(answer).not.toHaveProperty('body')
})

test('a host that is none is answered with 400, and nobody is called', async () => {
  const seen: string[] = []
  const app = () => {
    seen.push('app')
    return new Response()
  }
  const sent = event('/', { headers: { host: 'good.example/@evil.example' } })
  const answer = await serve(app, { with: [witness('a', seen)] })(sent, lambdaContext())
  expect(problemOf(answer)).toMatchObject({ status: 400, code: 'REQUEST_REFUSED' })
  expect(seen).toEqual([])
})

test('an invocation that no front makes rejects', async () => {
  const handler = serve(() => new Response())
  await expect(handler({ Records: [] }, lambdaContext())).rejects.toMatchObject({ code: 'EVENT_NOT_HTTP' })
  const noContext = undefined as unknown as ReturnType<typeof lambdaContext>
  await expect(handler(event('/'), noContext)).rejects.toMatchObject({ code: 'CONTEXT_INVALID' })
  const noClock = { awsRequestId: 'x' } as ReturnType<typeof lambdaContext>
  await expect(handler(event('/'), noClock)).rejects.toMatchObject({ code: 'CONTEXT_INVALID' })
})

test('an event that is not sound is a problem that names the field, and a log line', async () => {
  const records: LogRecord[] = []
  const handler = serve(() => new Response(), { log: (record) => records.push(record) })
  const answer = await handler(event('/', { body: 'no base64!', isBase64Encoded: true }), lambdaContext())
  expect(answer.statusCode).toBe(500)
  expect(problemOf(answer)).toMatchObject({
    code: 'EVENT_MALFORMED',
    detail: expect.stringContaining('body is marked as base64'),
  })
  expect(records).toMatchObject([{ level: 'ERROR', error: { name: 'MalformedEventError' } }])
})

test('what cannot work is refused at once', () => {
  const app = () => new Response()
  const refused = expect.objectContaining({ code: 'SERVE_CONFIG' })
  expect(() => serve({} as never)).toThrow(refused)
  expect(() => serve(undefined as never)).toThrow(refused)
  expect(() => serve(createServer() as never)).toThrow(/nodeListener\(app\)/)
  expect(() => nodeListener({} as never)).toThrow(refused)
  expect(() => serve(app, { basePath: 'v1' })).toThrow(refused)
  expect(() => serve(app, { basePath: '/v1/' })).toThrow(refused)
  expect(() => serve(app, { with: [{}] })).toThrow(/with\[0\]/)
  expect(() => serve(app, { with: {} as never })).toThrow(refused)
})
