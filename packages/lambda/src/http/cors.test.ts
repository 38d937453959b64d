import { afterEach, expect, test, vi } from 'vitest'
import { event, lambdaContext, requestContext } from '../../test/events.ts'
import { type CorsOptions, serve } from '../index.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

const origin = 'https://app.example.com'
const origins = [origin, 'http://localhost:5173']

interface Answer {
  statusCode: number
  headers: Record<string, string>
  body?: string
}

async function ask(
  method: string,
  headers: Record<string, string>,
  cors?: CorsOptions | false,
  app = () => new Response('x', { headers: { vary: 'Accept' } }),
): Promise<Answer> {
  const handler = serve(app, { ...(cors !== undefined && { cors }), log: () => {} })
  const sent = event('/', {
    headers: { host: 'api.example.com', ...headers },
    requestContext: requestContext('api.example.com', method),
  })
  return (await handler(sent, lambdaContext())) as Answer
}

const preflight = {
  origin,
  'access-control-request-method': 'PUT',
  'access-control-request-headers': 'content-type, x-a',
}

test('a preflight request is answered without the application', async () => {
  const app = vi.fn(() => new Response())
  const options = { origins, credentials: true, maxAgeSeconds: 600, methods: ['GET', 'PUT'] }
  const { statusCode, headers, body } = await ask('OPTIONS', preflight, options, app)
  expect(app).not.toHaveBeenCalled()
  expect([statusCode, body]).toEqual([204, undefined])
  expect(headers).toEqual({
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, PUT',
    'access-control-allow-headers': 'content-type, x-a',
    'access-control-max-age': '600',
    vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
  })
  const listed = await ask('OPTIONS', preflight, { origins, headers: ['x-b'] })
  expect(listed.headers['access-control-allow-headers']).toBe('x-b')
})

test('a preflight request of another origin is allowed nothing', async () => {
  const { statusCode, headers } = await ask(
    'OPTIONS',
    { ...preflight, origin: 'https://evil.example' },
    { origins },
  )
  expect(statusCode).toBe(204)
  expect(Object.keys(headers)).toEqual(['vary'])
})

test('an OPTIONS request that is no preflight is the application’s', async () => {
  expect((await ask('OPTIONS', { origin }, { origins })).body).toBe('x')
  expect((await ask('OPTIONS', { 'access-control-request-method': 'PUT' }, { origins })).body).toBe('x')
})

test('an answer names the origin that asked, and nobody else’s page may read it', async () => {
  const options = { origins, exposedHeaders: ['x-total'] }
  expect((await ask('GET', { origin }, options)).headers).toMatchObject({
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'x-total',
    vary: 'Accept, Origin',
  })
  for (const headers of [{}, { origin: 'https://evil.example' }, { origin: `${origin}.evil.example` }]) {
    const answer = await ask('GET', headers, options)
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access'))).toEqual([])
    expect(answer.headers.vary).toBe('Accept, Origin')
  }
})

test('an error can be read by the page too', async () => {
  const { statusCode, headers } = await ask('GET', { origin }, { origins }, () => {
    throw new Error('no')
  })
  expect(statusCode).toBe(500)
  expect(headers['access-control-allow-origin']).toBe(origin)
})

test('what the application says itself stays', async () => {
  const app = () => new Response('x', { headers: { 'access-control-allow-origin': 'https://other.example' } })
  const { headers } = await ask('GET', { origin }, { origins }, app)
  expect(headers['access-control-allow-origin']).toBe('https://other.example')
  expect(headers.vary).toBeUndefined()
})

test.each([
  ['*', 'https://anyone.example', '*'],
  [`${origin}, http://localhost:5173`, 'http://localhost:5173', 'http://localhost:5173'],
  [`["${origin}"]`, origin, origin],
  [`${origin},`, 'https://anyone.example', undefined],
  ['', origin, undefined],
])('CORS_ORIGINS=%s: %s is allowed %s', async (variable, from, allowed) => {
  vi.stubEnv('CORS_ORIGINS', variable)
  expect((await ask('GET', { origin: from })).headers['access-control-allow-origin']).toBe(allowed)
})

test('false leaves CORS to the application, whatever CORS_ORIGINS says', async () => {
  vi.stubEnv('CORS_ORIGINS', '*')
  expect((await ask('GET', { origin }, false)).headers).not.toHaveProperty('access-control-allow-origin')
  expect((await ask('OPTIONS', preflight, false)).body).toBe('x')
})

test.each([
  ['https://app.example.com/', /is no origin/],
  ['app.example.com', /is no origin/],
  ['*, https://app.example.com', /is no origin/],
  ['[https://app.example.com', /begins like a JSON array/],
])('CORS_ORIGINS=%s is refused at once', (variable, message) => {
  vi.stubEnv('CORS_ORIGINS', variable)
  expect(() => serve(() => new Response())).toThrow(
    expect.objectContaining({ code: 'SERVE_CONFIG', message: expect.stringMatching(message) }),
  )
})

test.each([
  { origins: '*', credentials: true },
  { origins: origin },
  { origins, maxAgeSeconds: -1 },
  { origins: [`${origin}/path`] },
])('%j is refused at once', (cors) => {
  expect(() => serve(() => new Response(), { cors: cors as CorsOptions })).toThrow(
    expect.objectContaining({ code: 'SERVE_CONFIG' }),
  )
})
