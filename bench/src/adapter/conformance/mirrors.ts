import { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import type { Received, Scripted } from './exchange.ts'

/** Is told what an application was given, and says what it is to answer. */
export type Mirror = (received: Received) => Scripted

export function honoMirror(mirror: Mirror): Hono {
  const app = new Hono()
  app.all('*', async ({ req }) => {
    const { origin } = new URL(req.url)
    const { status, headers, cookies, body } = mirror({
      method: req.method,
      target: req.url.slice(origin.length),
      headers: new Map(req.raw.headers),
      body: new Uint8Array(await req.arrayBuffer()),
    })
    const all = new Headers(headers.map(([name, value]): [string, string] => [name, value]))
    for (const cookie of cookies) all.append('set-cookie', cookie)
    return new Response(body.length > 0 ? body : null, { status, headers: all })
  })
  return app
}

export function expressMirror(mirror: Mirror): express.Express {
  const app = express()
  app.disable('x-powered-by').disable('etag')
  app.use(async (request, response) => {
    const { status, headers, cookies, body } = mirror(await read(request, request.originalUrl))
    response.status(status)
    // Express's own `append` would add a charset.
    for (const [name, value] of headers) response.appendHeader(name, value)
    for (const cookie of cookies) response.appendHeader('Set-Cookie', cookie)
    response.end(body)
  })
  return app
}

export function fastifyMirror(mirror: Mirror) {
  const app = fastify({ bodyLimit: 6_291_556 })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  app.all('*', async ({ raw }, reply) => {
    const { status, headers, cookies, body } = mirror(await read(raw, raw.url ?? ''))
    reply.status(status)
    for (const [name, list] of Map.groupBy(headers, ([name]) => name)) {
      reply.header(name, list.length === 1 ? list[0]?.[1] : list.map(([, value]) => value))
    }
    for (const cookie of cookies) reply.header('set-cookie', cookie)
    return reply.send(body.length > 0 ? Buffer.from(body) : undefined)
  })
  return app
}

async function read(request: IncomingMessage, target: string): Promise<Received> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  const headers = Object.entries(request.headers)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]): [string, string] => [name, Array.isArray(value) ? value.join(', ') : String(value)])
  return { method: request.method ?? '', target, headers: new Map(headers), body: Buffer.concat(chunks) }
}
