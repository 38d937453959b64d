import { expect, test } from 'vitest'
import { createRequest } from '../../apps/fetch.ts'
import { openEvent } from '../open.ts'

const requestOf = (event: unknown, basePath = ''): Request =>
  createRequest(openEvent(event).readRequest(basePath))
const get = (path: string, changes: object = {}) => ({ httpMethod: 'GET', path, ...changes })

test('method and path are a whole event', () => {
  const request = requestOf({ httpMethod: 'GET', path: '/api/stats' })
  expect(`${request.method} ${request.url}`).toBe('GET https://localhost/api/stats')
  expect([...request.headers]).toEqual([['host', 'localhost']])
})

test.each([
  ['/100%25/%C3%BC/a%2Fb', '/100%25/%C3%BC/a%2Fb'],
  ['/a b', '/a%20b'],
  ['/a?b#c', '/a%3Fb%23c'],
  ['//evil.com/../x', '//evil.com/../x'],
  ['/ü', '/%C3%BC'],
  ['', '/'],
])('the path %j becomes %s', (path, expected) => {
  expect(requestOf(get(path)).url).toBe(`https://localhost${expected}`)
})

test('the query was decoded once, and is encoded once: plus, ampersand, repeated keys in order', () => {
  const event = get('/', {
    queryStringParameters: { a: '3', q: 'x' },
    multiValueQueryStringParameters: { a: ['1 2', '1+2', '3'], q: ['a&b=c', '100%', 'ü#?'], '': ['e'] },
  })
  expect(requestOf(event).url).toBe(
    'https://localhost/?a=1%202&a=1%2B2&a=3&q=a%26b%3Dc&q=100%25&q=%C3%BC%23%3F&=e',
  )
  expect(new URL(requestOf(event).url).searchParams.getAll('a')).toEqual(['1 2', '1+2', '3'])
})

test('a map of single values counts where there are no lists, and for what they do not name', () => {
  expect(requestOf(get('/', { queryStringParameters: { a: '1', b: null } })).url).toBe(
    'https://localhost/?a=1',
  )
  const both = {
    queryStringParameters: { a: '1', b: '2' },
    multiValueQueryStringParameters: { a: ['0', '1'] },
    headers: { 'X-A': 'last', 'x-b': 'b' },
    multiValueHeaders: { 'x-a': ['first', 'last'] },
  }
  const request = requestOf(get('/', both))
  expect(request.url).toBe('https://localhost/?a=0&a=1&b=2')
  expect(request.headers.get('x-a')).toBe('first, last')
  expect(request.headers.get('x-b')).toBe('b')
})

test('cookies sent in several headers are one header, as a server reads them', () => {
  const request = requestOf(get('/', { multiValueHeaders: { Cookie: ['a=1; b=2', 'c=3,4'] } }))
  expect(request.headers.get('cookie')).toBe('a=1; b=2; c=3,4')
})

test.each([undefined, null, {}])('maps may be %o', (empty) => {
  const maps = {
    headers: empty,
    multiValueHeaders: empty,
    queryStringParameters: empty,
    multiValueQueryStringParameters: empty,
  }
  expect(requestOf(get('/', { ...maps, requestContext: empty })).url).toBe('https://localhost/')
})

test('the path has no stage, unless an HTTP API wrote the event; the base path goes in both', () => {
  const inStage = { requestContext: { stage: 'prod', domainName: 'a.example' } }
  expect(requestOf(get('/prod/x', inStage)).url).toBe('https://a.example/prod/x')
  expect(requestOf(get('/v1/x', inStage), '/v1').url).toBe('https://a.example/x')
  expect(requestOf(get('/prod/v1/x', { ...inStage, version: '1.0' }), '/v1').url).toBe('https://a.example/x')
})

test('a body with GET is no error; a base64 body of a POST is bytes', async () => {
  expect(await requestOf(get('/', { body: 'ignored' })).text()).toBe('')
  const event = { httpMethod: 'POST', path: '/', body: 'AP8=', isBase64Encoded: true }
  expect(new Uint8Array(await requestOf(event).arrayBuffer())).toEqual(new Uint8Array([0, 255]))
})

test.each([
  [get('/', { multiValueHeaders: { a: 'x', b: [1] } }), 'multiValueHeaders.b[0] must be a string'],
  [get('/', { headers: ['x'] }), 'headers must be an object, not an array'],
  [get('/', { queryStringParameters: { a: 1 } }), 'queryStringParameters.a must be a string'],
  [{ httpMethod: 'G T', path: '/' }, 'httpMethod is no HTTP method'],
  [get('/', { version: '1.0', requestContext: { stage: 1 } }), 'requestContext.stage must be a string'],
])('%j is malformed, and the message says where', (event, message) => {
  expect(() => requestOf(event)).toThrow(
    expect.objectContaining({ code: 'EVENT_MALFORMED', message: expect.stringContaining(message) }),
  )
})
