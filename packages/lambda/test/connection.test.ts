import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { finished, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test, vi } from 'vitest'
import { nodeListener, type RequestListener, serve } from '../src/index.ts'
import { functionUrlEvent, lambdaContext, restApiEvent, type SentRequest } from './events.ts'
import { stubRuntime } from './streaming.ts'

// What a listener sees of its connection, and may do with it, is what it is behind a server of Node.

afterEach(() => {
  vi.unstubAllGlobals()
})

const sent = (method: string, body = ''): SentRequest => ({
  method,
  target: '/',
  headers: [['Host', 'example.com']],
  body: new TextEncoder().encode(body),
})

type Client = (run: RequestListener, request: SentRequest) => Promise<unknown>

/** Behind a server: sends the request and does `then` with the response. */
const behindServer =
  (then: (response: IncomingMessage) => Promise<unknown>): Client =>
  async (run, { method, target, body }) => {
    const server = createServer(run)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    try {
      const { port } = server.address() as AddressInfo
      const outgoing = request({ port, method, path: target, agent: false })
      outgoing.end(body)
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
      return { status: response.statusCode, body: await then(response) }
    } finally {
      server.closeAllConnections()
      await once(server.close(), 'close')
    }
  }

const answeredByServer = behindServer(text)
const leftServer = behindServer(async (response) => {
  await once(response, 'readable')
  response.destroy()
})

const answeredByFront: Client = async (run, request) => {
  const handler = serve(nodeListener(run), { log: () => {} })
  const answer = await handler(restApiEvent(request), lambdaContext())
  const { statusCode: status, body = '', isBase64Encoded } = answer
  return { status, body: isBase64Encoded ? Buffer.from(body, 'base64').toString() : body }
}

const leftFront: Client = async (run, request) => {
  stubRuntime()
  let takes = () => {}
  const taken = new Promise<void>((resolve) => {
    takes = resolve
  })
  // It takes the head, and the first of the body for ever.
  const stream = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _encoding, done) => (chunk.includes('begun') ? takes() : done()),
  })
  const handler = serve(nodeListener(run), { stream: true, log: () => {} }) as unknown as (
    ...args: unknown[]
  ) => Promise<void>
  const done = handler(
    functionUrlEvent(request),
    Object.assign(stream, { setContentType: () => {} }),
    lambdaContext(),
  )
  await taken
  stream.destroy()
  await done.catch(() => {})
}

/** What comes of a request and its response, in order, until both are closed. */
async function eventsOf(client: Client, run: RequestListener, request: SentRequest): Promise<string[]> {
  const events: string[] = []
  const closed = Promise.withResolvers<void>()
  const watch = (name: string, emitter: IncomingMessage | ServerResponse, others: string[]) => {
    for (const event of others) {
      emitter.on(event, (error?: NodeJS.ErrnoException) => {
        events.push(`${name} ${event}${error ? ` ${error.code}` : ''}`)
        if (events.filter((each) => each.endsWith(' close')).length === 2) closed.resolve()
      })
    }
  }
  await client((incoming, response) => {
    watch('request', incoming, ['aborted', 'end', 'error', 'close'])
    watch('response', response, ['finish', 'error', 'close'])
    run(incoming, response)
  }, request)
  await closed.promise
  return events
}

const readAll: RequestListener = async (request, response) => {
  const body = await text(request)
  response.end(`read ${body}`)
}

test.each<[string, RequestListener, string[]]>([
  [
    'reads nothing',
    (_request, response) => response.end('done'),
    ['response finish', 'response close', 'request end', 'request close'],
  ],
  ['reads all', readAll, ['request end', 'request close', 'response finish', 'response close']],
])('of a request to a listener that %s the same events come', async (_what, run, expected) => {
  const request = sent('POST', 'body')
  expect(await eventsOf(answeredByServer, run, request)).toEqual(expected)
  expect(await eventsOf(answeredByFront, run, request)).toEqual(expected)
})

test.each<[string, string, string[]]>([
  ['unread', 'GET', ['request aborted', 'response close', 'request error ECONNRESET', 'request close']],
  ['read', 'POST', ['request end', 'request close', 'response close']],
])('when the client goes, the same comes of a request that is %s', async (_what, method, expected) => {
  const run: RequestListener = async (request, response) => {
    if (method === 'POST') await text(request)
    response.write('begun')
  }
  const request = sent(method, method === 'POST' ? 'body' : '')
  expect(await eventsOf(leftServer, run, request)).toEqual(expected)
  expect(await eventsOf(leftFront, run, request)).toEqual(expected)
})

test.each<[string, RequestListener]>([
  [
    'hangs up behind its answer',
    (request, response) => {
      response.writeHead(413, { 'content-type': 'text/plain', 'content-length': 9 }).end('too large')
      request.destroy()
    },
  ],
  [
    'writes half a character',
    (_request, response) => response.setHeader('content-type', 'text/plain').end('half: \ud83d'),
  ],
  [
    'uses the memory of a chunk again',
    (_request, response) => {
      const memory = Buffer.from('first ')
      response.setHeader('content-type', 'text/plain')
      response.write(memory, () => {
        memory.set(Buffer.from('other '))
        response.end(memory)
      })
    },
  ],
  [
    'asks for the next chunk when the one before is written',
    (_request, response) => {
      const write = (left: number) => {
        if (left === 0) response.end()
        else response.write('x'.repeat(100_000), () => write(left - 1))
      }
      write(5)
    },
  ],
])('a listener that %s is answered for alike', async (_what, run) => {
  expect(await answeredByFront(run, sent('GET'))).toEqual(await answeredByServer(run, sent('GET')))
})

test('a stream of what is written to a connection that is gone ends with an error', async () => {
  const errors: unknown[] = []
  await leftFront((_request, response) => {
    const { socket } = response
    finished(response, (error) => errors.push(error?.code))
    response.write('begun')
    response.once('close', () => {
      socket?.write('more', (error) => errors.push((error as NodeJS.ErrnoException).code))
    })
    response.write('x'.repeat(100_000), (error) => errors.push((error as NodeJS.ErrnoException)?.code))
  }, sent('GET'))
  await vi.waitUntil(() => errors.length === 3)
  expect(errors).toEqual(['RESPONSE_INVALID', 'ERR_STREAM_PREMATURE_CLOSE', 'RESPONSE_INVALID'])
})

test('a request that its listener destroys is answered with 500', async () => {
  const run: RequestListener = (request) => void request.destroy()
  expect(await answeredByFront(run, sent('POST', 'body'))).toMatchObject({ status: 500 })
})
