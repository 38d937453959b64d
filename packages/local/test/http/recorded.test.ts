import { existsSync, readFileSync } from 'node:fs'
import type { HttpFront } from '@thaw/app'
import { describe, expect, test } from 'vitest'
import { sendRaw } from '../support.ts'
import { type FakeOptions, fakeFront } from './support.ts'

// Events of others, kept beside the repository where they are kept at all.
const folder = new URL('../../../../../shared/corpora/lambda-events/http/', import.meta.url)
const recorded = (file: string) => JSON.parse(readFileSync(new URL(file, folder), 'utf8'))

/** The event that a front makes of these lines. */
async function eventOf(front: HttpFront, lines: readonly string[], body = '', options: FakeOptions = {}) {
  let event: unknown
  await using started = await fakeFront(
    front,
    async (received) => {
      event = received
      return { payload: '{"statusCode":200}' }
    },
    options,
  )
  const length = body === '' ? [] : [`content-length: ${Buffer.byteLength(body)}`]
  const head = [...lines, ...length, 'connection: close', '', '']
  expect((await sendRaw(started.url, head.join('\r\n') + body)).status).toBe(200)
  // biome-ignore lint/suspicious/noExplicitAny: an event has no type before it is looked at
  return event as any
}

/** Keys and types, values left out. */
function shape(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  if (Array.isArray(value)) return value.map(shape)
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, part]) => [key, shape(part)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

const agent = 'user-agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_6)'
const albLines = [
  'host: lambda-846800462-us-east-2.elb.amazonaws.com',
  'accept: text/html,application/xhtml+xml',
  'accept-language: en-US,en;q=0.8',
  'content-type: text/plain',
  agent,
  'x-amzn-trace-id: Root=1-5bdb40ca-556d8b0c50dc66f0511bf520',
]

/** What differs because this machine is neither AWS nor behind TLS. */
function local(headers: Record<string, string | string[]>, rest: object = {}) {
  const of = (value: string) => (Array.isArray(headers.host) ? [value] : value)
  return {
    ...headers,
    'x-forwarded-for': of('127.0.0.1'),
    'x-forwarded-port': expect.anything(),
    'x-forwarded-proto': of('http'),
    ...rest,
  }
}

describe.skipIf(!existsSync(folder))('an event is the one recorded on AWS', () => {
  const arn = {
    elb: { targetGroupArn: expect.stringMatching(/^arn:aws:elasticloadbalancing:.*:targetgroup\/one\//) },
  }

  test.each([
    ['alb_request.json', '/?myKey=val1&myKey=val2'],
    ['alb_request_encoded_query_parameters.json', '/?myKey=%3FshowAll%3Dtrue'],
  ])('of a load balancer: %s', async (file, target) => {
    const event = await eventOf(
      'alb',
      [`GET ${target} HTTP/1.1`, ...albLines, 'cookie: lost', 'cookie: cookies'],
      'request_body',
    )
    const expected = recorded(file)
    const headers = local(expected.headers, { 'content-length': '12' })
    expect(event).toEqual({ ...expected, requestContext: arn, headers })
  })

  test.each([
    ['alb_multi_value_request.json', '/?myKey=val1&myOtherKey=val3&myKey=val2&myOtherKey=val4'],
    [
      'alb_multi_value_request_encoded_query_parameters.json',
      '/?myKey=%3FshowAll%3Dtrue&myKey=%3FshowAll%3Dfalse',
    ],
  ])('of a load balancer with multi-value headers: %s', async (file, target) => {
    const lines = [`GET ${target} HTTP/1.1`, ...albLines, 'cookie: name1=value1', 'cookie: name2=value2']
    const event = await eventOf('alb', lines, 'request_body', { albMultiValue: true })
    // The documentation has the maps of single values in place of these, not beside them.
    const { headers: _, queryStringParameters: __, ...expected } = recorded(file)
    const multiValueHeaders = local(expected.multiValueHeaders, { 'content-length': ['12'] })
    expect(event).toEqual({ ...expected, requestContext: arn, multiValueHeaders })
  })

  test.each([
    ['alb_health_check.json', '/'],
    ['alb_no_host.json', '/v1/health/'],
  ])('of a health check: %s', async (file, target) => {
    const lines = [`GET ${target} HTTP/1.1`, 'host: x', 'user-agent: ELB-HealthChecker/2.0']
    expect(await eventOf('alb', lines)).toEqual({ ...recorded(file), requestContext: arn })
  })

  test('of a Function URL', async () => {
    const expected = recorded('lambda_function_url_request.json')
    const event = await eventOf('function-url', [
      `GET /my/path?${expected.rawQueryString} HTTP/1.1`,
      'host: one.lambda-url.localhost:3000',
      'cookie: test=hi',
      'accept: */*',
      'user-agent: curl/7.68.0',
      `x-amzn-trace-id: ${expected.headers['x-amzn-trace-id']}`,
    ])
    // There is no TLS here. The recorded one lacks its query's map, which the documentation has.
    const { 'x-amzn-tls-cipher-suite': _, 'x-amzn-tls-version': __, ...headers } = expected.headers
    const { queryStringParameters, ...rest } = event
    expect(queryStringParameters).toEqual({ parameter1: 'value1,value2', parameter2: 'value' })
    expect(rest).toEqual({
      ...expected,
      headers: local(headers, { host: 'one.lambda-url.localhost:3000' }),
      requestContext: {
        ...expected.requestContext,
        apiId: 'one',
        domainName: 'one.lambda-url.localhost',
        domainPrefix: 'one',
        http: { ...expected.requestContext.http, sourceIp: '127.0.0.1' },
        requestId: expect.stringMatching(/^[\da-f-]{36}$/),
        time: expect.any(String),
        timeEpoch: expect.any(Number),
      },
    })
  })

  test('of a REST API', async () => {
    const expected = recorded('apigw_multi_value_proxy_request.json')
    const event = await eventOf(
      'rest-api',
      [
        'POST /hello/world?name=me&multiValueName=you&multiValueName=me HTTP/1.1',
        ...Object.entries(expected.headers)
          .filter(([name]) => !name.startsWith('X-Forwarded-P'))
          .map(([name, value]) => `${name}: ${value}`),
      ],
      expected.body,
    )
    // The recorded one came through a CloudFront, knew no trace and had a stage with variables.
    const added = {
      'X-Forwarded-For': `${expected.headers['X-Forwarded-For']}, 127.0.0.1`,
      'X-Forwarded-Proto': 'http',
    }
    const port = {
      'X-Forwarded-Port': expect.any(String),
      'X-Amzn-Trace-Id': expect.stringMatching(/^Root=1-/),
    }
    expect(event.headers).toEqual({ ...expected.headers, ...added, ...port })
    expect(event.multiValueHeaders).toEqual(
      Object.fromEntries(Object.entries(event.headers).map(([name, value]) => [name, [value]])),
    )
    for (const key of [
      'resource',
      'path',
      'httpMethod',
      'pathParameters',
      'queryStringParameters',
      'multiValueQueryStringParameters',
    ]) {
      expect([key, event[key]]).toEqual([key, expected[key]])
    }
    expect(Object.keys(event).sort()).toEqual(Object.keys(expected).sort())
    expect(Buffer.from(event.body, 'base64').toString()).toBe(expected.body)
    const { apiKey: _, ...identity } = expected.requestContext.identity
    expect(shape(event.requestContext)).toMatchObject(
      shape({ ...expected.requestContext, identity }) as object,
    )
  })

  test('of a REST API and a request that says little', async () => {
    const expected = recorded('apigw_proxy_request.json')
    const event = await eventOf('rest-api', ['GET /hello?name=me HTTP/1.1', `Host: ${expected.headers.Host}`])
    expect(event).toMatchObject({
      resource: '/{proxy+}',
      path: expected.path,
      pathParameters: expected.pathParameters,
      queryStringParameters: expected.queryStringParameters,
      body: null,
      isBase64Encoded: false,
      requestContext: {
        path: '/dev/hello',
        stage: 'dev',
        domainName: expected.headers.Host,
        domainPrefix: 'wt6mne2s9k',
      },
    })
  })
})
