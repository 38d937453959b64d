import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import express from 'express'
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

const fronts = [
  ['a REST API', restApiEvent],
  ['an HTTP API', httpApiEvent],
] as const

const echo = sent('GET', '/echo/50%25%20%C3%BC?q=1&q=a+b')
/** What any framework finds in it. */
const echoed = {
  params: { name: '50% ü' },
  query: { q: ['1', 'a b'] },
  ip: '192.0.2.7',
  protocol: 'https',
  hostname: 'example.com',
  requestId: lambdaContext().awsRequestId,
}

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

test.each(fronts)('Fastify behind %s: routes, queries, cookies, the client', async (_front, encode) => {
  const event = encode(echo)
  const answer = await serve(nodeListener(fastifyApp()))(event, lambdaContext())
  expect(JSON.parse(answer.body ?? '')).toEqual(echoed)
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

function expressApp() {
  const app = express()
  app.set('trust proxy', true)
  app.get('/echo/:name', (request, response) => {
    response.cookie('a', '1').cookie('b', '2')
    const { params, query, ip, protocol, hostname } = request
    response.json({ params, query, ip, protocol, hostname, requestId: getInvocation()?.requestId })
  })
  app.post('/json', express.json(), (request, response) => void response.status(201).json(request.body))
  app.post('/form', express.urlencoded(), (request, response) => void response.json(request.body))
  app.post(
    '/raw',
    express.raw({ type: '*/*' }),
    (request, response) => void response.type('png').send(request.body),
  )
  app.get('/file', (_request, response) => response.sendFile(fileURLToPath(import.meta.url)))
  app.get('/away', (_request, response) => response.redirect('/elsewhere'))
  app.get('/stream', async (_request, response) => {
    response.type('text/plain')
    for (const text of ['a', 'b', 'c']) {
      response.write(text)
      await setImmediate()
    }
    response.end()
  })
  app.get('/error', async () => {
    throw Object.assign(new Error('no'), { status: 418 })
  })
  return app
}

test.each(fronts)('Express behind %s: routes, queries, cookies, the client', async (_front, encode) => {
  const event = encode(echo)
  const answer = await serve(nodeListener(expressApp()))(event, lambdaContext())
  expect(JSON.parse(answer.body ?? '')).toEqual(echoed)
  const set = ['a=1; Path=/', 'b=2; Path=/']
  expect(answer).toMatchObject(
    encode === httpApiEvent ? { cookies: set } : { multiValueHeaders: { 'set-cookie': set } },
  )
})

test('Express reads bodies, sends files and parts of them, and answers errors by itself', async () => {
  const handler = serve(nodeListener(expressApp()))
  const ask = async (request: SentRequest) => {
    const answer = await handler(restApiEvent(request), lambdaContext())
    const body = Buffer.from(answer.body ?? '', answer.isBase64Encoded ? 'base64' : 'utf8')
    return { ...answer, body }
  }
  const json = await ask(sent('POST', '/json', 'application/json', '{"a":"ü"}'))
  expect([json.statusCode, json.body.toString()]).toEqual([201, '{"a":"ü"}'])
  expect(await ask(sent('POST', '/json', 'application/json', '{"a"'))).toMatchObject({ statusCode: 400 })
  const form = await ask(sent('POST', '/form', 'application/x-www-form-urlencoded', 'a=1+2&b=%C3%BC'))
  expect(JSON.parse(form.body.toString())).toEqual({ a: '1 2', b: 'ü' })
  const bytes = new Uint8Array([0, 255, 10])
  expect((await ask({ ...sent('POST', '/raw', 'image/png'), body: bytes })).body).toEqual(Buffer.from(bytes))
  const file = await readFile(fileURLToPath(import.meta.url))
  expect((await ask(sent('GET', '/file'))).body).toEqual(file)
  const part = sent('GET', '/file')
  part.headers.push(['Range', 'bytes=5-9'])
  expect(await ask(part)).toMatchObject({ statusCode: 206, body: file.subarray(5, 10) })
  expect(await ask(sent('GET', '/away'))).toMatchObject({
    statusCode: 302,
    headers: { location: '/elsewhere' },
  })
  expect(await ask(sent('GET', '/error'))).toMatchObject({ statusCode: 418 })
  expect(await ask(sent('GET', '/nowhere'))).toMatchObject({ statusCode: 404 })
  const head = await handler(restApiEvent(sent('HEAD', '/file')), lambdaContext())
  expect(head).toMatchObject({ statusCode: 200, headers: { 'content-length': String(file.length) } })
  expect(head).not.toHaveProperty('body')
})

test('Express answers again what the client has already with 304', async () => {
  const handler = serve(nodeListener(expressApp()))
  const request = sent('GET', '/echo/x')
  const first = await handler(restApiEvent(request), lambdaContext())
  request.headers.push(['If-None-Match', first.headers?.etag ?? ''])
  const second = await handler(restApiEvent(request), lambdaContext())
  expect(second.statusCode).toBe(304)
  expect(second).not.toHaveProperty('body')
})

test('Express streams', async () => {
  stubRuntime()
  const handler = serve(nodeListener(expressApp()), { stream: true })
  const { head, body } = await invokeStreaming(handler, functionUrlEvent(sent('GET', '/stream')))
  expect(head).toMatchObject({ statusCode: 200, headers: { 'content-type': 'text/plain; charset=utf-8' } })
  expect(body.toString()).toBe('abc')
})
