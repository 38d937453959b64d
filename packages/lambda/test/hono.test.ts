import { Hono } from 'hono'
import { getConnInfo } from 'hono/aws-lambda'
import { getCookie, setCookie } from 'hono/cookie'
import { HTTPException } from 'hono/http-exception'
import { expect, test } from 'vitest'
import {
  type ApiGatewayV1Response,
  type ApiGatewayV2Response,
  getInvocation,
  type LambdaEnv,
  type LogRecord,
  serve,
} from '../src/index.ts'
import {
  event,
  functionUrlEvent,
  httpApiEvent,
  lambdaContext,
  requestContext,
  restApiEvent,
  type SentRequest,
} from './events.ts'

const app = new Hono<{ Bindings: LambdaEnv }>()
app.get('/echo/:name', (c) => {
  setCookie(c, 'a', '1')
  setCookie(c, 'b', '2')
  return c.json({
    name: c.req.param('name'),
    queries: c.req.queries('q'),
    cookie: getCookie(c),
    address: getConnInfo(c).remote.address,
    functionName: c.env.lambdaContext.functionName,
    requestId: getInvocation()?.requestId,
  })
})
app.post('/upload', async (c) => c.body(await c.req.arrayBuffer(), 201, { 'content-type': 'image/png' }))
app.post('/form', async (c) => c.json(await c.req.parseBody()))
app.get('/gone', () => {
  throw new HTTPException(410, { message: 'gone for good' })
})
app.get('/conflict', () => {
  throw Object.assign(new Error('lost the race'), { retryable: true, code: 'CONFLICT' })
})
app.onError((error) => {
  throw error
})

test.each([
  ['HTTP API', httpApiEvent],
  ['Function URL', functionUrlEvent],
  ['REST API', (sent: SentRequest) => restApiEvent(sent)],
])('routing, parameters, queries, cookies and the client address through a %s', async (_front, encode) => {
  const sent: SentRequest = {
    method: 'GET',
    target: '/echo/50%25%20%C3%BC%3F%23?q=1&q=a+b&q=%2B,',
    headers: [
      ['Host', 'example.com'],
      ['Cookie', 'x=1; y=2'],
    ],
    body: new Uint8Array(),
  }
  const answer = await serve(app)(encode(sent), lambdaContext())
  expect(JSON.parse(answer.body ?? '')).toEqual({
    name: '50% ü?#',
    queries: ['1', 'a b', '+,'],
    cookie: { x: '1', y: '2' },
    address: '192.0.2.7',
    functionName: 'api',
    requestId: lambdaContext().awsRequestId,
  })
  const { cookies = [], multiValueHeaders } = answer as ApiGatewayV2Response & ApiGatewayV1Response
  expect([...cookies, ...(multiValueHeaders?.['set-cookie'] ?? [])]).toEqual(['a=1; Path=/', 'b=2; Path=/'])
})

test('bytes go in and out unchanged', async () => {
  const body = Buffer.from([0, 255, 1, 254]).toString('base64')
  const changes = { body, isBase64Encoded: true, requestContext: requestContext('a.example', 'POST') }
  expect(await serve(app)(event('/upload', changes), lambdaContext())).toMatchObject({
    statusCode: 201,
    body,
    isBase64Encoded: true,
  })
})

test('a form is parsed', async () => {
  const changes = {
    body: 'a=1+2&b=%C3%BC',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    requestContext: requestContext('a.example', 'POST'),
  }
  const answer = await serve(app)(event('/form', changes), lambdaContext())
  expect(JSON.parse(answer.body ?? '')).toEqual({ a: '1 2', b: 'ü' })
})

test('a segment with dots does not reach another route', async () => {
  const answer = await serve(app)(event('/echo/x/../../gone'), lambdaContext())
  expect(answer.statusCode).toBe(404)
})

test('errors that the application gives on are answered by serve', async () => {
  const records: LogRecord[] = []
  const handler = serve(app, { log: (record) => records.push(record) })
  expect(await handler(event('/gone'), lambdaContext())).toMatchObject({
    statusCode: 410,
    body: 'gone for good',
  })
  expect(await handler(event('/conflict'), lambdaContext())).toMatchObject({
    statusCode: 503,
    headers: { 'retry-after': '1', 'content-type': 'application/problem+json' },
  })
  expect(records.map(({ level, error }) => [level, error?.code])).toEqual([['WARN', 'CONFLICT']])
})

test('HEAD is answered with the headers of GET and no body', async () => {
  const changes = { requestContext: requestContext('a.example', 'HEAD') }
  const answer = await serve(app)(event('/echo/x', changes), lambdaContext())
  expect(answer.statusCode).toBe(200)
  expect(answer.headers?.['content-type']).toBe('application/json')
  expect(answer).not.toHaveProperty('body')
})
