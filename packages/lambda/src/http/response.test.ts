import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { readResponse } from '../apps/fetch.ts'
import { InvalidResponseError } from '../errors.ts'
import { readAnswer } from './response.ts'

const answerOf = async (response: Response, method: string) => readAnswer(readResponse(response), method)

test.each([
  'text/plain; charset=utf-8',
  'TEXT/HTML',
  'application/json',
  'application/vnd.api+json; charset=utf-8',
  'image/svg+xml',
  'application/x-www-form-urlencoded',
])('%s travels as text', async (type) => {
  const answer = await answerOf(new Response('grüß\0', { headers: { 'content-type': type } }), 'GET')
  expect(answer).toMatchObject({ body: 'grüß\0', base64: false })
})

test.each([
  'image/png',
  'application/octet-stream',
  'multipart/form-data; boundary=x',
  'application/jsonp',
  '',
])('content type %j travels as base64', async (type) => {
  const answer = await answerOf(new Response('abc', { headers: { 'content-type': type } }), 'GET')
  expect(answer).toMatchObject({ body: 'YWJj', base64: true })
})

test('compressed text travels as base64', async () => {
  const headers = { 'content-type': 'text/plain', 'content-encoding': 'gzip' }
  expect(await answerOf(new Response('abc', { headers }), 'GET')).toMatchObject({
    body: 'YWJj',
    base64: true,
  })
})

test('text that is not UTF-8 travels as base64', async () => {
  const headers = { 'content-type': 'text/plain; charset=iso-8859-1' }
  const answer = await answerOf(new Response(new Uint8Array([0x67, 0xfc]), { headers }), 'GET')
  expect(answer).toMatchObject({ body: 'Z/w=', base64: true })
})

test('each Set-Cookie stays its own, commas and order kept; other repeated headers are joined', async () => {
  const response = new Response(null)
  response.headers.append('Set-Cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT')
  response.headers.append('Vary', 'Origin')
  response.headers.append('set-cookie', 'b=2,3')
  response.headers.append('vary', 'Accept')
  const answer = await answerOf(response, 'GET')
  expect(answer.cookies).toEqual(['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2,3'])
  expect(answer.headers).toEqual({ vary: 'Origin, Accept' })
})

test.each([204, 304])('status %i has no body', async (status) => {
  expect(await answerOf(new Response(null, { status }), 'GET')).toMatchObject({ status, body: null })
})

test('HEAD has no body, keeps the length, and what would have made the body is told to stop', async () => {
  let cancelled = false
  const stream = new ReadableStream({
    cancel() {
      cancelled = true
    },
  })
  const response = new Response(stream, { headers: { 'content-length': '1234' } })
  expect(await answerOf(response, 'HEAD')).toMatchObject({
    body: null,
    headers: { 'content-length': '1234' },
  })
  expect(cancelled).toBe(true)
})

test.each<[string, () => Response]>([
  ['has failed', () => new Response(new ReadableStream({ start: (to) => to.error(new Error('failed')) }))],
  [
    'fails to stop',
    () => new Response(new ReadableStream({ cancel: () => Promise.reject(new Error('no')) })),
  ],
  [
    'is being read',
    () => {
      const response = new Response(new ReadableStream())
      response.body?.getReader()
      return response
    },
  ],
])('a body that nobody needs and that %s is no error', async (_what, make) => {
  expect(await answerOf(make(), 'HEAD')).toMatchObject({ status: 200, body: null })
})

test('a body that was read already is an error, not an empty body', async () => {
  const response = new Response(new Response('text').body)
  await response.text()
  await expect(answerOf(response, 'GET')).rejects.toThrow(TypeError)
})

test('a wrong content-length is put right; headers of a connection go', async () => {
  const headers = {
    'content-length': '99',
    'transfer-encoding': 'chunked',
    connection: 'close',
    'x-kept': '1',
  }
  const answer = await answerOf(
    new Response('größe', { headers: { ...headers, 'content-type': 'text/a' } }),
    'GET',
  )
  expect(answer.headers).toEqual({ 'content-length': '7', 'content-type': 'text/a', 'x-kept': '1' })
})

test('a header may have the name of what every object has', async () => {
  const headers = { constructor: 'a' }
  expect((await answerOf(new Response(null, { headers }), 'GET')).headers).toEqual(headers)
})

test('header bytes that are UTF-8 become the characters they stand for', async () => {
  const utf8 = Buffer.from('日本 é').toString('latin1')
  const answer = await answerOf(new Response(null, { headers: { 'x-utf8': utf8, 'x-latin1': 'é' } }), 'GET')
  expect(answer.headers).toEqual({ 'x-utf8': '日本 é', 'x-latin1': 'é' })
})

test('a control character in a header or cookie is refused by name', async () => {
  const header = new Response(null, { headers: { 'x-bad': 'a\x01b' } })
  await expect(answerOf(header, 'GET')).rejects.toThrow(/x-bad holds a control character/)
  const cookie = new Response(null, { headers: { 'set-cookie': 'a=\x7f' } })
  await expect(answerOf(cookie, 'GET')).rejects.toThrow(/set-cookie holds a control character/)
})

test.each([undefined, null, 'text', { status: 200 }, new Request('https://example.com')])(
  '%o is no response',
  async (value) => {
    await expect(answerOf(value as unknown as Response, 'GET')).rejects.toThrow(InvalidResponseError)
  },
)

test('a network error response cannot be sent', async () => {
  await expect(answerOf(Response.error(), 'GET')).rejects.toThrow(/status 0\./)
})

test.each([
  ['no stream', {}],
  ['a stream of Node', { body: Readable.from(['x']) }],
])('a response of another class, with %s, is taken', async (_what, body) => {
  const response = {
    status: 200,
    headers: new Headers({ a: 'b' }),
    arrayBuffer: async () => new ArrayBuffer(2),
    ...body,
  }
  expect(await answerOf(response as unknown as Response, 'GET')).toMatchObject({
    body: 'AAA=',
    headers: { a: 'b' },
  })
})
