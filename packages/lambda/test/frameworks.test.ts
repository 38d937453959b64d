import { createServer, type IncomingMessage, IncomingMessage as NodeRequest, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import fastify from 'fastify'
import { afterEach, expect, test, vi } from 'vitest'
import { getInvocation, nodeListener, serve } from '../src/index.ts'
import { functionUrlEvent, httpApiEvent, lambdaContext, restApiEvent, type SentRequest } from './events.ts'
import { invokeStreaming, stubRuntime } from './streaming.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

const sent = (method: string, target: string, type?: string, body = ''): SentRequest => ({
  method,
  target,
  headers: [['Host', 'example.com'], ...(type ? [['Content-Type', type] as [string, string]] : [])],
  body: new TextEncoder().encode(body),
})

function fastifyApp() {
  const app = fastify({ trustProxy: true })
  app.get('/echo/:name', async (request, reply) => {
    reply.header('set-cookie', ['a=1', 'b=2'])
    const { params, query, ip, protocol, hostname } = request
    return { params, query, ip, protocol, hostname, requestId: getInvocation()?.requestId }
  })
  app.post('/body', async (request, reply) => reply.code(201).send(request.body))
  app.get('/stream', (_request, reply) =>
    reply.type('text/plain').send(Readable.from(['a', 'b', 'c'].map((text) => Buffer.from(text)))),
  )
  app.get('/error', async () => {
    throw Object.assign(new Error('teapot'), { statusCode: 418 })
  })
  return app
}

test.each([
  ['a REST API', restApiEvent],
  ['an HTTP API', httpApiEvent],
])('Fastify behind %s: routes, queries, cookies, the client', async (_front, encode) => {
  const event = encode(sent('GET', '/echo/50%25%20%C3%BC?q=1&q=a+b'))
  const answer = await serve(nodeListener(fastifyApp()))(event, lambdaContext())
  expect(JSON.parse(answer.body ?? '')).toEqual({
    params: { name: '50% ü' },
    query: { q: ['1', 'a b'] },
    ip: '192.0.2.7',
    protocol: 'https',
    hostname: 'example.com',
    requestId: lambdaContext().awsRequestId,
  })
  const cookies = { cookies: ['a=1', 'b=2'] }
  expect(answer).toMatchObject(
    encode === httpApiEvent ? cookies : { multiValueHeaders: { 'set-cookie': cookies.cookies } },
  )
})

test('Fastify reads bodies, answers errors and unknown routes by itself', async () => {
  const handler = serve(nodeListener(fastifyApp()))
  const ask = (request: SentRequest) => handler(restApiEvent(request), lambdaContext())
  expect(await ask(sent('POST', '/body', 'application/json', '{"a":"ü"}'))).toMatchObject({
    statusCode: 201,
    body: '{"a":"ü"}',
  })
  expect(await ask(sent('POST', '/body', 'application/json', '{"a"'))).toMatchObject({ statusCode: 400 })
  expect(await ask(sent('GET', '/error'))).toMatchObject({ statusCode: 418 })
  expect(await ask(sent('GET', '/nowhere'))).toMatchObject({ statusCode: 404 })
  const head = await ask(sent('HEAD', '/stream'))
  expect(head).toMatchObject({ statusCode: 200, headers: { 'content-type': 'text/plain' } })
  expect(head).not.toHaveProperty('body')
})

test('Fastify streams', async () => {
  stubRuntime()
  const { head, body } = await invokeStreaming(
    serve(nodeListener(fastifyApp()), { stream: true }),
    functionUrlEvent(sent('GET', '/stream')),
  )
  expect(head).toMatchObject({ statusCode: 200, headers: { 'content-type': 'text/plain' } })
  expect(body.toString()).toBe('abc')
})

test('a plugin of Fastify that fails makes every request a problem', async () => {
  const app = fastifyApp()
  app.register(async () => {
    throw new Error('no plugin')
  })
  const handler = serve(nodeListener(app), { log: () => {} })
  for (let time = 0; time < 2; time++) {
    expect(await handler(restApiEvent(sent('GET', '/stream')), lambdaContext())).toMatchObject({
      statusCode: 500,
    })
  }
})

// What Express does to a request and a response: both get another prototype, with methods of its own.
function expressLike() {
  const requestMethods = Object.create(NodeRequest.prototype, {
    protocol: {
      get(this: IncomingMessage) {
        return (this.socket as { encrypted?: boolean }).encrypted ? 'https' : 'http'
      },
    },
  })
  const responseMethods = Object.create(ServerResponse.prototype, {
    json: {
      value(this: ServerResponse, value: unknown) {
        const text = JSON.stringify(value)
        this.setHeader('Content-Type', 'application/json; charset=utf-8')
        this.setHeader('Content-Length', Buffer.byteLength(text))
        this.end(text, 'utf8')
      },
    },
  })
  const app = (request: IncomingMessage, response: ServerResponse) => {
    Object.setPrototypeOf(request, requestMethods)
    Object.setPrototypeOf(response, responseMethods)
    const { protocol } = request as IncomingMessage & { protocol: string }
    ;(response as ServerResponse & { json(value: unknown): void }).json({ url: request.url, protocol })
  }
  return Object.assign(app, { handle() {}, listen: () => createServer(app) })
}

test('an application that is a listener and more, as Express is, is called as a listener', async () => {
  expect(
    await serve(nodeListener(expressLike()))(restApiEvent(sent('GET', '/a?b=c')), lambdaContext()),
  ).toMatchObject({
    statusCode: 200,
    headers: { 'content-type': 'application/json; charset=utf-8', 'content-length': '35' },
    body: '{"url":"/a?b=c","protocol":"https"}',
  })
})
