import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startFront } from '../src/http/front.ts'
import { fixture, sendRaw, start, type Watched } from './support.ts'

let watched: Watched

beforeAll(async () => {
  watched = await start(fixture)
})

afterAll(async () => {
  await watched.simulator.close()
})

/** The event that the function got for these bytes. */
async function eventOf(head: readonly string[], body: string | Uint8Array = '') {
  const lines = head.some((line) => /^host:/i.test(line)) ? head : [...head, 'host: api.example.test:8080']
  const bytes = Buffer.concat([
    Buffer.from(`${lines.join('\r\n')}\r\nconnection: close\r\n\r\n`, 'latin1'),
    Buffer.from(body),
  ])
  const response = await sendRaw(watched.simulator.url, bytes)
  expect(response.status).toBe(200)
  return JSON.parse(response.body.toString())
}

/** What the client gets when the function answers this. */
async function answerTo(answer: unknown, method = 'POST') {
  const body = JSON.stringify(answer)
  const head = [
    `${method} /echo?answer HTTP/1.1`,
    'host: x',
    'content-type: application/json',
    'connection: close',
  ]
  return await sendRaw(
    watched.simulator.url,
    `${head.join('\r\n')}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

const corpora = new URL('../../../../shared/corpora/lambda-events/http/', import.meta.url)

describe('the event', () => {
  test('has everything', async () => {
    const { port } = new URL(watched.simulator.url)
    const event = await eventOf([
      'GET /users/a%20b%2Fc?x=1&y=2%2C3&x=%2B+&&z HTTP/1.1',
      'User-Agent: raw',
      'X-Twice: one',
      'x-twice: two,three',
      'Cookie: a=1; b="2,;3"',
      'cookie: c=4',
      'X-Forwarded-For: 203.0.113.7',
      'X-Forwarded-Proto: https',
      'Connection: x-hop, keep-alive',
      'X-Hop: gone',
      'X-Amzn-Trace-Id: Root=1-5eb33c07-de25b420912dee103a5db434',
    ])
    expect(event).toEqual({
      version: '2.0',
      routeKey: 'GET /users/{id}',
      rawPath: '/users/a b/c',
      rawQueryString: 'x=1&y=2%2C3&x=%2B+&&z',
      cookies: ['a=1', 'b="2,', '3"', 'c=4'],
      headers: {
        'content-length': '0',
        host: 'api.example.test:8080',
        'user-agent': 'raw',
        'x-amzn-trace-id': 'Root=1-5eb33c07-de25b420912dee103a5db434',
        'x-forwarded-for': '203.0.113.7, 127.0.0.1',
        'x-forwarded-port': port,
        'x-forwarded-proto': 'http',
        'x-twice': 'one,two,three',
      },
      queryStringParameters: { x: '1,+ ', y: '2,3', z: '' },
      pathParameters: { id: 'a b/c' },
      requestContext: {
        accountId: '123456789012',
        apiId: 'local',
        domainName: 'api.example.test',
        domainPrefix: 'api',
        http: {
          method: 'GET',
          path: '/users/a b/c',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: 'raw',
        },
        requestId: expect.stringMatching(/^[\w-]{15}=$/),
        routeKey: 'GET /users/{id}',
        stage: '$default',
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        timeEpoch: expect.any(Number),
      },
      isBase64Encoded: false,
    })
    const [, day, month, year, time] = /^(\d+)\/(\w+)\/(\d+):(\S+)/.exec(event.requestContext.time) ?? []
    const stamp = Date.parse(`${day} ${month} ${year} ${time} GMT`)
    expect(stamp).toBe(Math.floor(event.requestContext.timeEpoch / 1000) * 1000)
  })

  test.skipIf(!existsSync(corpora))(
    'of a plain request has the very keys of one recorded on AWS',
    async () => {
      const recorded = JSON.parse(
        readFileSync(new URL('apigw_v2_proxy_request_minimal.json', corpora), 'utf8'),
      )
      const event = await eventOf(['GET /echo HTTP/1.1', 'accept: */*', 'user-agent: curl/7.64.1'])
      expect(shape(event)).toEqual(shape(recorded))
    },
  )

  test.skipIf(!existsSync(corpora))('of a rich request has the types of the documented one', async () => {
    const documented = JSON.parse(readFileSync(new URL('apigw_v2_proxy_request.json', corpora), 'utf8'))
    const { parameter1, parameter2 } = documented.queryStringParameters
    const event = await eventOf(
      [
        `POST /echo/my/path?${documented.rawQueryString} HTTP/1.1`,
        `cookie: ${documented.cookies.join('; ')}`,
        'content-type: text/plain',
        `content-length: ${documented.body.length}`,
      ],
      documented.body,
    )
    expect(event.cookies).toEqual(documented.cookies)
    expect(event.rawQueryString).toBe(documented.rawQueryString)
    expect(event.queryStringParameters).toEqual({ parameter1, parameter2 })
    expect(event.body).toBe(documented.body)
    expect(event.pathParameters).toEqual({ proxy: 'my/path' })
    // Neither authorizers nor stage variables are in what Thaw deploys.
    const { authorizer: _, ...context } = documented.requestContext
    expect(Object.keys(event.requestContext).sort()).toEqual(Object.keys(context).sort())
  })

  test.each([
    ['/echo/100%25', '/echo/100%'],
    ['/echo/what%3F', '/echo/what?'],
    ['/echo/a%23b', '/echo/a#b'],
    ['/echo/a+b', '/echo/a+b'],
    ['/echo/%C3%BC/%E2%82%AC', '/echo/ü/€'],
    ['/echo/bad%zz%20', '/echo/bad%zz%20'],
    ['/echo//twice/', '/echo//twice/'],
    ['/echo/../up', '/echo/../up'],
  ])('%s has the rawPath %s', async (sent, rawPath) => {
    const event = await eventOf([`GET ${sent} HTTP/1.1`])
    expect(event.rawPath).toBe(rawPath)
    expect(event.requestContext.http.path).toBe(rawPath)
  })

  test('of a request with a whole address has its path', async () => {
    const event = await eventOf(['GET http://elsewhere.test:1/echo/x?q=1 HTTP/1.1'])
    expect([event.rawPath, event.rawQueryString]).toEqual(['/echo/x', 'q=1'])
  })

  test.each([
    ['text/plain; charset=utf-8', 'grüße', false],
    ['application/json', '{"a":"ü"}', false],
    ['Application/XML;charset=utf-8', '<a/>', false],
    ['application/x-www-form-urlencoded', 'a=1&b=2', true],
    ['application/problem+json', '{}', true],
    ['multipart/form-data; boundary=x', '--x--', true],
    [null, 'no type', true],
  ])('carries a body of type %s', async (type, body, base64) => {
    const bytes = Buffer.from(body)
    const event = await eventOf(
      [
        'POST /echo HTTP/1.1',
        `content-length: ${bytes.length}`,
        ...(type === null ? [] : [`content-type: ${type}`]),
      ],
      bytes,
    )
    expect(event.isBase64Encoded).toBe(base64)
    expect(Buffer.from(event.body, base64 ? 'base64' : 'utf8')).toEqual(bytes)
  })

  test('carries bytes that are no text whole, whatever their type says', async () => {
    const bytes = Buffer.from([0, 0xff, 0xfe, 0x80, 10, 13])
    for (const type of ['image/png', 'text/plain']) {
      const head = ['PUT /echo HTTP/1.1', `content-type: ${type}`, `content-length: ${bytes.length}`]
      const event = await eventOf(head, bytes)
      expect([event.isBase64Encoded, event.body]).toEqual([true, bytes.toString('base64')])
    }
  })

  test('has the text of header values in UTF-8, and Latin-1 where they are not that', async () => {
    const utf8 = Buffer.from('grüße €').toString('latin1')
    const event = await eventOf(['GET /echo HTTP/1.1', `x-utf8: ${utf8}`, 'x-latin1: gr\xfc\xdfe'])
    expect(event.headers).toMatchObject({ 'x-utf8': 'grüße €', 'x-latin1': 'grüße' })
  })

  test('carries a chunked body with its length', async () => {
    const head = ['PATCH /echo HTTP/1.1', 'transfer-encoding: chunked', 'content-type: text/plain']
    const event = await eventOf(head, '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n')
    expect(event.body).toBe('hello world')
    expect(event.headers).toMatchObject({ 'content-length': '11' })
    expect(event.headers).not.toHaveProperty('transfer-encoding')
  })
})

describe('the answer', () => {
  test('goes back as the function gave it', async () => {
    const response = await answerTo({
      statusCode: 201,
      headers: { 'Content-Type': 'text/x', 'X-Number': 7, 'content-length': '999' },
      cookies: ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2'],
      multiValueHeaders: { 'x-lost': ['1'] },
      body: 'grüße',
    })
    expect(response.status).toBe(201)
    expect(response.body.toString()).toBe('grüße')
    const named = (name: string) => response.headers.filter(([key]) => key === name).map(([, value]) => value)
    expect(named('content-type')).toEqual(['text/x'])
    expect(named('content-length')).toEqual(['7'])
    expect(named('x-number')).toEqual(['7'])
    expect(named('set-cookie')).toEqual(['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2'])
    expect(named('x-lost')).toEqual([])
    expect(named('apigw-requestid')).toHaveLength(1)
  })

  test('carries header values in UTF-8', async () => {
    const { headers } = await answerTo({
      statusCode: 200,
      headers: { 'x-text': 'grüße €' },
      cookies: ['a=€'],
    })
    const text = (name: string) => {
      const value = headers.find(([key]) => key === name)?.[1]
      return value && Buffer.from(value, 'latin1').toString()
    }
    expect([text('x-text'), text('set-cookie')]).toEqual(['grüße €', 'a=€'])
  })

  test('in base64 goes back as bytes', async () => {
    const bytes = Buffer.from([0, 255, 254, 13, 10])
    const answer = { statusCode: 200, isBase64Encoded: true, body: bytes.toString('base64') }
    expect((await answerTo(answer)).body).toEqual(bytes)
  })

  test.each([
    [{ hello: 'world' }, '{"hello":"world"}'],
    [[1, 2], '[1,2]'],
    ['text', '"text"'],
    [null, 'null'],
  ])('without statusCode is the JSON body of a 200: %j', async (answer, body) => {
    const response = await answerTo(answer)
    expect([response.status, response.body.toString()]).toEqual([200, body])
    expect(response.headers).toContainEqual(['content-type', 'application/json'])
  })

  test('of no type is plain text', async () => {
    const response = await answerTo({ statusCode: '200', body: 'x' })
    expect(response.headers).toContainEqual(['content-type', 'text/plain; charset=utf-8'])
  })

  test.each([204, 304])('with status %i has no body', async (statusCode) => {
    const response = await answerTo({ statusCode, body: 'not allowed' })
    expect([response.status, response.body.length]).toEqual([statusCode, 0])
    expect(response.headers.map(([name]) => name)).not.toContain('content-length')
  })

  test('to HEAD has no body', async () => {
    const response = await answerTo({ statusCode: 200, body: 'not sent' }, 'HEAD')
    expect([response.status, response.body.length]).toEqual([200, 0])
  })

  test.each([
    ['a status that is none', { statusCode: 'ok' }, /statusCode is "ok"/],
    ['a status out of range', { statusCode: 99 }, /statusCode is 99/],
    ['a body that is no text', { statusCode: 200, body: { a: 1 } }, /body is object/],
    ['a header that is a list', { statusCode: 200, headers: { x: ['1'] } }, /header 'x' is \["1"\]/],
    [
      'a header that cannot be sent',
      { statusCode: 200, headers: { x: 'a\nb' } },
      /header 'x' cannot be sent/,
    ],
    ['cookies that are no list', { statusCode: 200, cookies: 'a=1' }, /cookies must be a list/],
    ['base64 that is none', { statusCode: 200, isBase64Encoded: true, body: 'ü' }, /no base64/],
  ])('with %s is a 500, and the log says why', async (_name, answer, reason) => {
    const line = watched.line(reason)
    const response = await answerTo(answer)
    expect([response.status, JSON.parse(response.body.toString())]).toEqual([
      500,
      { message: 'Internal Server Error' },
    ])
    expect(await line).toMatch(/^POST \/echo\?answer 500 /)
  })
})

describe('the gateway itself answers', () => {
  const target = { functionName: 'one', front: 'http-api', stream: false, web: false } as const
  const route = { key: 'GET /only', method: 'GET', path: '/only', target } as const

  test('404 where no route is, and 503 when the function takes too long', async () => {
    const lines: string[] = []
    const front = await startFront({
      host: '127.0.0.1',
      port: 0,
      targets: () => ({ routes: [route], addresses: new Map(), fallback: 'http-api' }),
      invoke: () => new Promise(() => {}),
      lease: () => new Promise(() => {}),
      timeoutMs: 20,
      log: (line) => lines.push(line),
    })
    try {
      const missing = await fetch(`${front.url}/none`)
      expect([missing.status, await missing.json()]).toEqual([404, { message: 'Not Found' }])
      const late = await fetch(`${front.url}/only`)
      expect([late.status, await late.json()]).toEqual([503, { message: 'Service Unavailable' }])
      expect(lines[0]).toMatch(/^GET \/none 404 [\d.]+ ms no route$/)
      expect(lines[1]).toMatch(/^GET \/only 503 [\d.]+ ms one took more than 0\.02 s$/)
    } finally {
      await front.close()
    }
  })

  test('413 for a body over 10 MB, announced or not', async () => {
    const tooLarge = JSON.stringify({ message: 'Request Entity Too Large' })
    const announced = ['POST /echo HTTP/1.1', 'host: x', `content-length: ${10 * 1024 * 1024 + 1}`, '', '']
    const response = await sendRaw(watched.simulator.url, announced.join('\r\n'))
    expect([response.status, response.body.toString()]).toEqual([413, tooLarge])
    const chunk = 'x'.repeat(1024 * 1024)
    const chunked = await sendRaw(
      watched.simulator.url,
      `POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${`100000\r\n${chunk}\r\n`.repeat(11)}`,
    )
    expect([chunked.status, chunked.body.toString()]).toEqual([413, tooLarge])
  })

  test('413 for an event over 6 MB', async () => {
    const response = await fetch(`${watched.simulator.url}/echo`, {
      method: 'POST',
      body: 'x'.repeat(7_000_000),
    })
    expect([response.status, await response.json()]).toEqual([413, { message: 'Request Entity Too Large' }])
  })
})

/** Keys and types, values left out. */
function shape(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]))
}
