import type { HttpFront } from '@thaw/app'
import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../src/environment/outcome.ts'
import { LocalError } from '../../src/index.ts'
import { sendRaw } from '../support.ts'
import { answering, type FakeOptions, fakeFront } from './support.ts'

const get = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'

/** What the client gets when the function returns this, and what the log says. */
async function clientGets(front: HttpFront, answer: unknown, options: FakeOptions = {}, request = get) {
  await using started = await fakeFront(front, answering(answer), options)
  const { status, headers, body } = await sendRaw(started.url, request)
  const named = (name: string) => headers.filter(([key]) => key === name).map(([, value]) => value)
  return { status, named, body, line: started.lines[0] ?? '' }
}

describe('a REST API', () => {
  const restError = { message: 'Internal server error' }

  test('merges both maps of headers, and sends some under another name', async () => {
    const { status, named, body } = await clientGets('rest-api', {
      statusCode: '201',
      headers: { 'X-Single': 1, 'x-both': 'a', 'WWW-Authenticate': 'Basic' },
      multiValueHeaders: {
        'X-Both': ['a', 'b'],
        'set-cookie': ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2'],
      },
      body: '"ü"',
      isBase64Encoded: false,
    })
    expect([status, body.toString()]).toEqual([201, '"ü"'])
    expect(named('x-single')).toEqual(['1'])
    expect(named('x-both')).toEqual(['a', 'b'])
    expect(named('set-cookie')).toEqual(['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2'])
    expect(named('x-amzn-remapped-www-authenticate')).toEqual(['Basic'])
    expect(named('www-authenticate')).toEqual([])
    expect(named('content-type')).toEqual(['application/json'])
    for (const id of ['x-amzn-requestid', 'x-amz-apigw-id', 'x-amzn-trace-id'])
      expect(named(id)).toHaveLength(1)
  })

  test.each([
    ['cookies', { statusCode: 200, cookies: ['a=1'] }, /takes no cookies in an answer/],
    ['no status', { body: 'x' }, /statusCode is undefined/],
    ['text', 'text', /no object/],
    ['nothing', null, /no object/],
    ['a body that is no text', { statusCode: 200, body: {} }, /body is object/],
    ['a list in headers', { statusCode: 200, headers: { a: ['1'] } }, /header 'a'/],
    [
      'no list in multiValueHeaders',
      { statusCode: 200, multiValueHeaders: { a: '1' } },
      /header 'a' of multiV/,
    ],
  ])('answers 502 for %s', async (_name, answer, reason) => {
    const { status, named, body, line } = await clientGets('rest-api', answer)
    expect([status, JSON.parse(body.toString())]).toEqual([502, restError])
    expect(named('x-amzn-errortype')).toEqual(['InternalServerErrorException'])
    expect(line).toMatch(reason)
  })
})

describe('a load balancer', () => {
  const page = (title: string) =>
    `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`

  test('sends the headers of its mode alone, and the reason that the function gives', async () => {
    const answer = {
      statusCode: 404,
      statusDescription: '404 Gone Fishing',
      headers: { 'x-one': '1', 'set-cookie': 'a=1', 'Set-Cookie': 'b=2' },
      multiValueHeaders: {
        'x-many': ['1', '2'],
        'set-cookie': ['c=3', 'd=4'],
        'content-type': ['text/html'],
      },
      body: Buffer.from([0, 255]).toString('base64'),
      isBase64Encoded: true,
    }
    const single = await clientGets('alb', answer)
    expect([single.status, single.body]).toEqual([404, Buffer.from([0, 255])])
    expect([single.named('x-one'), single.named('x-many')]).toEqual([['1'], []])
    expect(single.named('set-cookie')).toEqual(['a=1', 'b=2'])
    expect(single.named('content-type')).toEqual(['application/octet-stream'])
    const multi = await clientGets('alb', answer, { albMultiValue: true })
    expect([multi.named('x-one'), multi.named('x-many')]).toEqual([[], ['1', '2']])
    expect(multi.named('set-cookie')).toEqual(['c=3', 'd=4'])
    expect(multi.named('content-type')).toEqual(['text/html'])
    await using started = await fakeFront('alb', answering(answer))
    expect((await fetch(started.url)).statusText).toBe('Gone Fishing')
  })

  test.each([
    ['a status in a text', { statusCode: '200' }, /statusCode is "200"/],
    ['no object', [1], /no object/],
    ['a number in headers', { statusCode: 200, headers: { a: 1 } }, /header 'a' is 1/],
    [
      'more than 1 MB',
      { statusCode: 200, body: 'x'.repeat(1024 * 1024) },
      /bytes, and a load balancer takes 1048576/,
    ],
  ])('answers 502 for %s', async (_name, answer, reason) => {
    const { status, named, body, line } = await clientGets('alb', answer)
    expect([status, body.toString()]).toEqual([502, page('502 Bad Gateway')])
    expect([named('server'), named('content-type')]).toEqual([['awselb/2.0'], ['text/html']])
    expect(line).toMatch(reason)
  })

  test('takes 1 MB of a body and no more', async () => {
    const post = (bytes: number) =>
      `POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`
    const limit = 1024 * 1024
    expect((await clientGets('alb', { statusCode: 200 }, {}, post(limit))).status).toBe(200)
    expect((await clientGets('alb', { statusCode: 200 }, {}, post(limit + 1))).status).toBe(413)
  })
})

describe('a Function URL', () => {
  test('answers as an HTTP API does, with ids of its own', async () => {
    const { status, named, body } = await clientGets('function-url', {
      statusCode: 201,
      cookies: ['a=1', 'b=2'],
      body: 'x',
    })
    expect([status, body.toString()]).toEqual([201, 'x'])
    expect(named('set-cookie')).toEqual(['a=1', 'b=2'])
    expect([named('x-amzn-requestid'), named('x-amzn-trace-id'), named('apigw-requestid')]).toEqual([
      [expect.stringMatching(/^[\da-f-]{36}$/)],
      [expect.stringMatching(/^Root=1-/)],
      [],
    ])
    const bare = await clientGets('function-url', { hello: 'world' })
    expect([bare.status, bare.body.toString(), bare.named('content-type')]).toEqual([
      200,
      '{"hello":"world"}',
      ['application/json'],
    ])
  })
})

describe('each front has its own words', () => {
  const failed: Partial<Outcome> = { functionError: 'Unhandled', payload: '{"errorMessage":"secret"}' }
  const throttled = () => Promise.reject(new LocalError('TOO_MANY_REQUESTS', 'no more'))
  const tooLarge = () => Promise.reject(new LocalError('EVENT_TOO_LARGE', 'too much'))

  test.each<[HttpFront, string, () => Promise<Partial<Outcome>>, number, RegExp]>([
    ['http-api', 'failed', async () => failed, 500, /^\{"message":"Internal Server Error"\}$/],
    ['rest-api', 'failed', async () => failed, 502, /^\{"message":"Internal server error"\}$/],
    ['function-url', 'failed', async () => failed, 502, /^Internal Server Error$/],
    ['alb', 'failed', async () => failed, 502, /<h1>502 Bad Gateway<\/h1>/],
    ['http-api', 'throttled', throttled, 429, /^\{"message":"Too Many Requests"\}$/],
    ['rest-api', 'throttled', throttled, 500, /^\{"message":"Internal server error"\}$/],
    ['function-url', 'throttled', throttled, 429, /Rate Exceeded/],
    ['alb', 'throttled', throttled, 502, /<h1>502 Bad Gateway<\/h1>/],
    ['http-api', 'too large', tooLarge, 413, /^\{"message":"Request Entity Too Large"\}$/],
    ['rest-api', 'too large', tooLarge, 413, /^\{"message":"Request Too Long"\}$/],
    ['function-url', 'too large', tooLarge, 413, /smaller than 6291556 bytes/],
    ['alb', 'too large', tooLarge, 413, /<h1>413 Payload Too Large<\/h1>/],
  ])('%s: %s', async (front, _what, invoke, status, body) => {
    await using started = await fakeFront(front, invoke)
    const response = await sendRaw(started.url, get)
    expect([response.status, response.body.toString()]).toEqual([status, expect.stringMatching(body)])
    expect(response.body.toString()).not.toContain('secret')
  })

  test.each<[HttpFront, number, string]>([
    ['http-api', 503, '{"message":"Service Unavailable"}'],
    ['rest-api', 504, '{"message":"Endpoint request timed out"}'],
  ])('%s does not wait for ever', async (front, status, body) => {
    await using started = await fakeFront(front, () => new Promise(() => {}), { timeoutMs: 20 })
    const response = await sendRaw(started.url, get)
    expect([response.status, response.body.toString()]).toEqual([status, body])
  })

  test.each<[HttpFront, number, number]>([
    ['http-api', 10_240, 431],
    ['rest-api', 10_240, 431],
    ['alb', 64 * 1024, 400],
  ])('%s takes headers of %i bytes together', async (front, limit, status) => {
    await using started = await fakeFront(front, answering({ statusCode: 200 }))
    const send = async (bytes: number) => {
      const fields = Array.from(
        { length: Math.ceil(bytes / 1000) },
        (_, index) => `x-${index}: ${'x'.repeat(1000)}`,
      )
      return await sendRaw(
        started.url,
        `GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${fields.join('\r\n')}\r\n\r\n`,
      )
    }
    expect((await send(limit - 2500)).status).toBe(200)
    expect((await send(limit + 1000)).status).toBe(status)
  })
})
