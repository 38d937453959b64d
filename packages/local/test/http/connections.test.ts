import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { fronts } from '@thaw/app'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sendRaw } from '../support.ts'
import { answering, type FakeFront, fakeFront } from './support.ts'

const open = (url: string): Socket => connect(Number(new URL(url).port), '127.0.0.1')

/** Reads until the text has that in it. */
async function readUntil(socket: Socket, pattern: RegExp): Promise<string> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += chunk.toString('latin1')
    if (pattern.test(text)) return text
  }
  throw new Error(`the connection ended: ${text}`)
}

// biome-ignore lint/suspicious/noExplicitAny: each front has its own
let event: any
let front: FakeFront

describe.each([...fronts])('%s', (kind) => {
  beforeAll(async () => {
    front = await fakeFront(kind, async (received) => {
      event = received
      return { payload: JSON.stringify({ statusCode: 200, body: 'ok' }) }
    })
  })
  afterAll(() => front.close())

  /** The body of the event, and the names of its headers in lower case. */
  function seen() {
    const names = Object.keys(event.headers).map((name) => name.toLowerCase())
    const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8').toString()
    return { names, body }
  }

  test('keeps a connection for more requests', async () => {
    const socket = open(front.url)
    for (const body of ['one', 'two']) {
      socket.write(
        `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\r\n${body}`,
      )
      expect(await readUntil(socket, /ok$/)).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      expect(seen().body).toBe(body)
    }
    socket.destroy()
  })

  test('tells a client to continue whose body it is going to read, and no other', async () => {
    const socket = open(front.url)
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n')
    await readUntil(socket, /^HTTP\/1\.1 100 Continue\r\n\r\n$/)
    socket.write('body')
    await readUntil(socket, /ok$/)
    socket.destroy()
    expect(seen().body).toBe('body')
    expect(seen().names).not.toContain('expect')
    const head = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\nexpect: 100-continue\r\n\r\n'
    const refused = await sendRaw(front.url, head)
    expect(refused.status).toBe(413)
  })

  test('passes on neither trailers nor what asks for another protocol', async () => {
    const lines = [
      'POST / HTTP/1.1',
      'host: x',
      'connection: close, upgrade',
      'upgrade: h2c',
      'te: trailers',
      'trailer: x-after',
      'transfer-encoding: chunked',
    ]
    const { status } = await sendRaw(
      front.url,
      `${lines.join('\r\n')}\r\n\r\n3\r\nabc\r\n0\r\nx-after: 1\r\n\r\n`,
    )
    if (kind === 'alb') {
      expect(status).toBe(400)
      return
    }
    expect(status).toBe(200)
    expect(seen().body).toBe('abc')
    for (const name of ['connection', 'upgrade', 'te', 'trailer', 'transfer-encoding', 'x-after']) {
      expect(seen().names).not.toContain(name)
    }
  })

  test('answers HEAD without a body', async () => {
    const { status, body } = await sendRaw(
      front.url,
      'HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    )
    expect([status, body.length]).toEqual([200, 0])
  })

  test('gives a function the body of a GET', async () => {
    const lines = ['GET / HTTP/1.1', 'host: x', 'connection: close', 'content-length: 2', '', 'hi']
    await sendRaw(front.url, lines.join('\r\n'))
    expect(seen().body).toBe('hi')
  })

  test('lives without a host header', async () => {
    const { status } = await sendRaw(front.url, 'GET / HTTP/1.0\r\n\r\n')
    expect(status).toBe(200)
    expect(seen().names).not.toContain('host')
  })

  test.each([
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    [
      'length and chunks',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a broken chunk', 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
    ['a line break in a header', 'GET / HTTP/1.1\r\nhost: x\r\nx: a\rb\r\n\r\n'],
    ['headers without end', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(200_000)}`],
  ])('survives %s', async (_name, bytes) => {
    const response = await sendRaw(front.url, bytes).catch((error: NodeJS.ErrnoException) => error)
    if (response instanceof Error) expect(response.code).toBe('ECONNRESET')
    else expect([400, 431]).toContain(response.status)
    expect((await fetch(front.url)).status).toBe(200)
  })

  test.each([
    ['announced', 'content-length: 25165824', '', ''],
    ['in chunks', 'transfer-encoding: chunked', '1800000\r\n', '\r\n0\r\n\r\n'],
  ])(
    'hears a client out that sends too much, %s, so that it hears why',
    async (_how, header, before, after) => {
      const socket = open(front.url)
      const answer = readUntil(socket, /^HTTP\/1\.1 413 /)
      socket.write(`POST / HTTP/1.1\r\nhost: x\r\n${header}\r\n\r\n`)
      const body = before + 'x'.repeat(25_165_824) + after
      // A connection that is reset fails what is being written.
      const failed = await new Promise((resolve) => socket.write(body, resolve))
      expect(failed ?? null).toBeNull()
      expect(await answer).toContain('connection: close')
      socket.destroy()
    },
  )

  test('survives a client that goes away within its request', async () => {
    const socket = open(front.url)
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf')
    await once(socket, 'connect')
    socket.resetAndDestroy()
    expect((await fetch(front.url)).status).toBe(200)
    expect(front.lines.filter((line) => line.includes('Error'))).toEqual([])
  })
})

test('a function runs on when its client goes away, and the log says so', async () => {
  let answer = (_: { payload: string }) => {}
  const started = Promise.withResolvers<void>()
  await using front = await fakeFront('http-api', () => {
    started.resolve()
    return new Promise((resolve) => {
      answer = resolve
    })
  })
  const socket = open(front.url)
  socket.write('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n')
  await started.promise
  const [connection] = await Promise.all([once(socket, 'close'), socket.destroy()])
  expect(connection).toBeDefined()
  await expect
    .poll(() => new Promise((resolve) => front.server.getConnections((_, count) => resolve(count))))
    .toBe(0)
  answer({ payload: '{"statusCode":200}' })
  await expect
    .poll(() => front.lines[0])
    .toMatch(/^GET \/slow 200 [\d.]+ ms one#1, but the client has gone away$/)
})

test('who wants them gets requests that ask for an upgrade, and requests of his own', async () => {
  const options = {
    upgrades: (incoming: IncomingMessage) => incoming.url === '/socket',
    intercept: (incoming: IncomingMessage, response: ServerResponse) => {
      if (incoming.url !== '/mine') return false
      response.writeHead(202).end()
      return true
    },
  }
  await using front = await fakeFront('http-api', answering({ statusCode: 200 }), options)
  front.server.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'))
  const send = (path: string) => {
    const lines = [
      `GET ${path} HTTP/1.1`,
      'host: x',
      'connection: close, upgrade',
      'upgrade: websocket',
      '',
      '',
    ]
    return sendRaw(front.url, lines.join('\r\n'))
  }
  expect([(await send('/socket')).status, (await send('/')).status]).toEqual([101, 200])
  expect((await fetch(`${front.url}/mine`)).status).toBe(202)
})
