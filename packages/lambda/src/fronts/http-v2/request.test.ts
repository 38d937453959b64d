import { Buffer } from 'node:buffer'
import { expect, test } from 'vitest'
import { event, requestContext } from '../../../test/events.ts'
import { createRequest } from '../../apps/fetch.ts'
import { MalformedEventError, RequestRefusedError } from '../../errors.ts'
import { openEvent } from '../open.ts'

function requestOf(rawEvent: unknown, basePath = ''): Request {
  return createRequest(openEvent(rawEvent).readRequest(basePath))
}
const functionUrl = requestContext('id.lambda-url.eu-west-1.on.aws', 'GET')
const post = requestContext('id.execute-api.eu-west-1.amazonaws.com', 'POST')

test.each([
  ['/100%', '/100%25'],
  ['/what?', '/what%3F'],
  ['/c#', '/c%23'],
  ['/a b', '/a%20b'],
  ['/ü', '/%C3%BC'],
  ['//evil.com/x', '//evil.com/x'],
  ['/\\evil.com', '/%5Cevil.com'],
  ['/public/../admin', '/public/../admin'],
  ['/%2e%2e/x', '/%252e%252e/x'],
  ['/./', '/./'],
  ['', '/'],
  ['no-slash', '/no-slash'],
  ['/1+1', '/1+1'],
])('the decoded path %j of an HTTP API becomes %s, the query stays', (rawPath, path) => {
  const request = requestOf(event(rawPath, { rawQueryString: 'a=1' }))
  expect(request.url).toBe(`https://example.com${path}?a=1`)
  expect(new URL(request.url).host).toBe('example.com')
})

test.each([
  ['/100%25/%C3%BC/a%2Fb', '/100%25/%C3%BC/a%2Fb'],
  ['/100%', '/100%'],
  ['//evil.com', '//evil.com'],
  ['/../x', '/../x'],
  ['/a b', '/a%20b'],
])('the encoded path %j of a Function URL becomes %s', (rawPath, path) => {
  expect(requestOf(event(rawPath, { requestContext: functionUrl })).url).toBe(`https://example.com${path}`)
})

test('a copy made by clone has the same exact URL', () => {
  const request = requestOf(event('/a/../b', { rawQueryString: "q='" }))
  expect(request.clone().clone().url).toBe("https://example.com/a/../b?q='")
})

test('the query is as sent: order, repeated keys, plus, commas', () => {
  const rawQueryString = 'b=2&a=1&b=1,5&c=+%2B&empty&=&a=1'
  expect(requestOf(event('/', { rawQueryString })).url).toBe(`https://example.com/?${rawQueryString}`)
})

test('without a raw query, the map that was written by hand is used', () => {
  const changes = { rawQueryString: undefined, queryStringParameters: { a: '1 2', b: '&', c: null } }
  expect(requestOf(event('/', changes)).url).toBe('https://example.com/?a=1%202&b=%26')
})

test('the stage is taken off, then the base path; both only as whole segments', () => {
  const inStage = { requestContext: requestContext('api.example.com', 'GET', '/', 'prod') }
  expect(requestOf(event('/prod/v1/users', inStage), '/v1').url).toBe('https://example.com/users')
  expect(requestOf(event('/prod', inStage), '/v1').url).toBe('https://example.com/')
  expect(requestOf(event('/production/x', inStage)).url).toBe('https://example.com/production/x')
  expect(requestOf(event('/v10/users'), '/v1').url).toBe('https://example.com/v10/users')
  expect(requestOf(event('/$default/x')).url).toBe('https://example.com/$default/x')
})

test('pathParameters.proxy is not the path', () => {
  const changes = { routeKey: 'ANY /api/{proxy+}', pathParameters: { proxy: 'users' } }
  expect(requestOf(event('/api/users', changes)).url).toBe('https://example.com/api/users')
})

test('the host comes from its header, else from the domain name, else it is localhost', () => {
  expect(requestOf(event('/', { headers: { Host: 'a.example:8080' } })).url).toBe('https://a.example:8080/')
  const request = requestOf(event('/', { headers: {} }))
  expect(request.url).toBe('https://api-id.execute-api.eu-west-1.amazonaws.com/')
  expect(request.headers.get('host')).toBe('api-id.execute-api.eu-west-1.amazonaws.com')
  const bare = { rawPath: '/', requestContext: { http: { method: 'GET' } } }
  expect(requestOf(bare).url).toBe('https://localhost/')
})

test.each([
  ['http', 'http:'],
  ['https', 'https:'],
  ['HTTP, https', 'http:'],
  ['javascript', 'https:'],
])('x-forwarded-proto %s gives %s', (proto, protocol) => {
  const headers = { host: 'example.com', 'x-forwarded-proto': proto }
  expect(new URL(requestOf(event('/', { headers })).url).protocol).toBe(protocol)
})

test.each([undefined, null, {}])('headers and cookies may be %o', (empty) => {
  const request = requestOf(
    event('/', { headers: empty, cookies: empty && [], queryStringParameters: empty }),
  )
  expect([...request.headers.keys()]).toEqual(['host'])
})

test('cookies become one header, also when the front sends them both ways', () => {
  const cookies = ['a=1', 'b=x,y', 'c="d e"']
  expect(requestOf(event('/', { cookies })).headers.get('cookie')).toBe('a=1; b=x,y; c="d e"')
  const both = { cookies, headers: { cookie: cookies.join('; ') } }
  expect(requestOf(event('/', both)).headers.get('cookie')).toBe('a=1; b=x,y; c="d e"')
  expect(requestOf(event('/', { cookies: [], headers: { cookie: 'e=5' } })).headers.get('cookie')).toBe('e=5')
})

test('header values beyond ASCII arrive as the bytes the client sent, as Node shows them', () => {
  const value =
    requestOf(event('/', { headers: { 'cf-ipcity': 'Torrejón 日' } })).headers.get('cf-ipcity') ?? ''
  expect(Buffer.from(value, 'latin1').toString('utf8')).toBe('Torrejón 日')
})

test('a base64 body is bytes, any other is UTF-8', async () => {
  const bytes = new Uint8Array([0, 255, 0xed, 0xa0, 0x80, 10])
  const base64 = Buffer.from(bytes).toString('base64')
  const binary = requestOf(event('/', { requestContext: post, body: base64, isBase64Encoded: true }))
  expect(new Uint8Array(await binary.arrayBuffer())).toEqual(bytes)
  expect(await requestOf(event('/', { requestContext: post, body: 'é' })).text()).toBe('é')
})

test('the length of a body is its true one; a body brings no content type of its own', () => {
  const request = requestOf(
    event('/', { requestContext: post, body: 'é', headers: { 'content-length': '77' } }),
  )
  expect(request.headers.get('content-length')).toBe('2')
  expect(request.headers.get('content-type')).toBeNull()
})

test.each([undefined, null, ''])('a POST with body %o is empty', async (body) => {
  expect(await requestOf(event('/', { requestContext: post, body })).text()).toBe('')
})

test.each(['GET', 'HEAD'])('%s with a body does not throw', async (method) => {
  const request = requestOf(
    event('/', { requestContext: requestContext('a.example', method), body: 'ignored' }),
  )
  expect(request.method).toBe(method)
  expect(await request.text()).toBe('')
})

test('a method keeps its letters', () => {
  const request = requestOf(event('/', { requestContext: requestContext('a.example', 'PROPFIND') }))
  expect(request.method).toBe('PROPFIND')
})

test.each(['TRACE', 'connect'])('the method %s is refused: no Request can have it', (method) => {
  const refused = () => requestOf(event('/', { requestContext: requestContext('a.example', method) }))
  expect(refused).toThrow(RequestRefusedError)
})

test.each([
  [{ headers: { host: 5 } }, 'headers.host must be a string, not number'],
  [{ headers: 'x' }, 'headers must be an object, not a string'],
  [{ headers: { a: ['x', 1] } }, 'headers.a[1] must be a string'],
  [{ headers: { 'a b': 'x' } }, 'headers.a b is no HTTP header name'],
  [{ headers: { a: 'x\r\ny: z' } }, 'headers.a holds a line break'],
  [{ cookies: ['a=1\nb'] }, 'headers.cookie holds a line break'],
  [{ cookies: 'a=1' }, 'cookies must be an array, not string'],
  [{ cookies: [1] }, 'cookies[0] must be a string'],
  [{ rawQueryString: {} }, 'rawQueryString must be a string, not object'],
  [{ body: { a: 1 } }, 'body must be a string, not object'],
  [{ body: 'no base64!', isBase64Encoded: true }, 'body is marked as base64'],
  [{ body: 'YWJ\njZA==', isBase64Encoded: true }, 'body is marked as base64'],
  [{ requestContext: requestContext('a.example', 'G T') }, 'requestContext.http.method is no HTTP method'],
])('%j is malformed, and the message says where', (changes, message) => {
  expect(() => requestOf(event('/', changes))).toThrow(MalformedEventError)
  expect(() => requestOf(event('/', changes))).toThrow(message)
})

test.each([
  [undefined, 'undefined'],
  [null, 'null'],
  ['text', 'a string'],
  [[1], 'an array'],
  [{}, 'an empty object'],
  [{ Records: [], other: 1 }, 'the keys Records, other'],
  [{ httpMethod: 'GET' }, 'the keys httpMethod'],
  [{ httpMethod: 'GET', path: '/', requestContext: { connectionId: 'x' } }, 'the keys httpMethod, path'],
  [{ version: '2.0', rawPath: '/' }, 'the keys version, rawPath'],
  [{ requestContext: { connectionId: 'x' } }, 'the keys requestContext'],
])('%j is no HTTP event, and the error says what was seen', (value, seen) => {
  expect(() => openEvent(value)).toThrow(
    expect.objectContaining({ code: 'EVENT_NOT_HTTP', message: expect.stringContaining(seen) }),
  )
})
