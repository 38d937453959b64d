import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openConnection } from '../runtime/connection.ts'
import { type ApiServer, startApiServer } from './api-server.ts'
import { createRuntimeApi, type RuntimeApi, type RuntimeListener } from './runtime-api.ts'
import type { StreamedResponse } from './streamed-response.ts'

let api: RuntimeApi
let server: ApiServer
let streams: StreamedResponse[]

const streamBytes = 30 * 1024 * 1024
let heard: string[]
let asked: () => void

beforeEach(async () => {
  heard = []
  asked = () => {}
  streams = []
  const listener: RuntimeListener = {
    onNext: () => {
      heard.push('next')
      asked()
    },
    onResponse: (body) => heard.push(`response ${body}`),
    onError: (body) => heard.push(`error ${body}`),
    onStream: (response) => {
      heard.push(`stream ${response.contentType}`)
      streams.push(response)
    },
    onStreamed: (failure) => heard.push(`streamed ${failure?.errorType ?? 'whole'}`),
    onInitError: (body) => heard.push(`init/error ${body}`),
  }
  api = createRuntimeApi(listener, { payloadBytes: 6_291_556, streamBytes })
  server = await startApiServer([api.answer])
})

afterEach(() => {
  server.close()
})

function call(method: string, path: string, body = '') {
  const [host, port] = server.address.split(':')
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      const outgoing = request({ host, port, method, path: `/2018-06-01/runtime/${path}` }, (incoming) => {
        let text = ''
        incoming.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text }),
        )
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    },
  )
}

const invocation = {
  requestId: '8476a536-e9f4-11e8-9739-2dfe598c3fcd',
  event: '{"text":"grüße"}',
  deadlineMs: 1_542_409_706_888,
  functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:api',
  traceId: 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700',
}

/** Asks for the next invocation and gets it. */
async function next() {
  const waiting = new Promise<void>((resolve) => {
    asked = resolve
  })
  const answer = call('GET', 'invocation/next')
  await waiting
  api.deliver(invocation)
  return await answer
}

test('an invocation goes out with the headers that runtimes read', async () => {
  const answer = await next()
  expect(answer.status).toBe(200)
  expect(answer.body).toBe(invocation.event)
  expect(answer.headers).toMatchObject({
    'lambda-runtime-aws-request-id': invocation.requestId,
    'lambda-runtime-deadline-ms': '1542409706888',
    'lambda-runtime-invoked-function-arn': invocation.functionArn,
    'lambda-runtime-trace-id': invocation.traceId,
  })
})

test('answers and errors come in once each', async () => {
  await next()
  expect(await call('POST', `invocation/${invocation.requestId}/response`, '"ü"')).toMatchObject({
    status: 202,
  })
  await next()
  expect(await call('POST', `invocation/${invocation.requestId}/error`, '{}')).toMatchObject({ status: 202 })
  expect(await call('POST', `invocation/${invocation.requestId}/response`, '1')).toMatchObject({
    status: 400,
  })
  expect(heard).toEqual(['next', 'response "ü"', 'next', 'error {}'])
})

test('an error of initialisation comes in', async () => {
  expect(await call('POST', 'init/error', '{"errorType":"E"}')).toMatchObject({ status: 202 })
  expect(heard).toEqual(['init/error {"errorType":"E"}'])
})

test('an answer over the limit is refused and counts as an error', async () => {
  await next()
  const limit = 6_291_556
  const path = `invocation/${invocation.requestId}/response`
  expect(await call('POST', path, 'x'.repeat(limit + 1))).toMatchObject({ status: 413 })
  expect(heard[1]).toMatch(/^error .*Function\.ResponseSizeTooLarge/)
  await next()
  expect(await call('POST', path, 'x'.repeat(limit))).toMatchObject({ status: 202 })
})

test('what is out of order or unknown is refused', async () => {
  await next()
  expect(await call('GET', 'invocation/next')).toMatchObject({
    status: 403,
    body: expect.stringContaining('InvalidStateTransition'),
  })
  expect(await call('POST', 'invocation/another/response', '1')).toMatchObject({
    status: 400,
    body: expect.stringContaining('InvalidRequestID'),
  })
  for (const path of ['invocation/%/response', 'invocation/next', 'elsewhere']) {
    expect((await call('POST', path)).status).toBeGreaterThanOrEqual(400)
  }
  expect(heard).toEqual(['next'])
})

/** Begins to stream the answer of the invocation under way. */
function openStream(): ClientRequest {
  const [host, port] = server.address.split(':')
  return request({
    host,
    port,
    method: 'POST',
    path: `/2018-06-01/runtime/invocation/${invocation.requestId}/response`,
    headers: {
      'lambda-runtime-function-response-mode': 'streaming',
      'content-type': 'text/event-stream',
      trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
    },
  }).on('error', () => {})
}

async function statusOf(outgoing: ClientRequest): Promise<number | undefined> {
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  incoming.resume()
  return incoming.statusCode
}

test('a streamed answer is there as soon as its head is, and whole at its end', async () => {
  await next()
  const outgoing = openStream()
  const status = statusOf(outgoing)
  outgoing.write('one')
  await expect.poll(() => streams.length).toBe(1)
  const parts = streams[0]?.body[Symbol.asyncIterator]()
  expect(String((await parts?.next())?.value)).toBe('one')
  expect(heard).toEqual(['next', 'stream text/event-stream'])
  outgoing.end('two')
  expect(String((await parts?.next())?.value)).toBe('two')
  expect((await parts?.next())?.done).toBe(true)
  expect(await status).toBe(202)
  expect(heard).toEqual(['next', 'stream text/event-stream', 'streamed whole'])
  await next()
})

test('an error in the trailers breaks a streamed answer off', async () => {
  await next()
  const outgoing = openStream()
  const status = statusOf(outgoing)
  outgoing.write('one')
  const error = Buffer.from('{"errorType":"RangeError","errorMessage":"too far"}').toString('base64')
  outgoing.addTrailers({
    'Lambda-Runtime-Function-Error-Type': 'RangeError',
    'Lambda-Runtime-Function-Error-Body': error,
  })
  outgoing.end()
  await expect.poll(() => streams.length).toBe(1)
  const read = async () => {
    for await (const part of streams[0]?.body ?? []) heard.push(String(Buffer.from(part)))
  }
  await expect(read()).rejects.toMatchObject({
    code: 'RESPONSE_BROKEN_OFF',
    message: expect.stringContaining('RangeError: too far'),
  })
  expect(await status).toBe(202)
  expect(heard).toEqual(['next', 'stream text/event-stream', 'one', 'streamed RangeError'])
})

test('a runtime that goes away breaks a streamed answer off', async () => {
  await next()
  const outgoing = openStream()
  outgoing.write('one')
  await expect.poll(() => streams.length).toBe(1)
  const parts = streams[0]?.body[Symbol.asyncIterator]()
  await parts?.next()
  outgoing.destroy()
  await expect(parts?.next()).rejects.toMatchObject({ code: 'RESPONSE_BROKEN_OFF' })
})

test('beside an answer that is being streamed there is no other', async () => {
  await next()
  const outgoing = openStream()
  const status = statusOf(outgoing)
  outgoing.write('begun')
  await expect.poll(() => streams.length).toBe(1)
  for (const kind of ['response', 'error'])
    expect((await call('POST', `invocation/${invocation.requestId}/${kind}`, '{}')).status).toBe(400)
  const read = (async () => {
    for await (const _ of streams[0]?.body ?? []);
  })()
  outgoing.end()
  expect(await status).toBe(202)
  await read
  expect(heard.slice(-2)).toEqual([expect.stringMatching(/^stream /), 'streamed whole'])
})

test('a streamed answer over the limit is broken off and refused', async () => {
  await next()
  const outgoing = openStream()
  const status = statusOf(outgoing)
  outgoing.end(Buffer.alloc(streamBytes + 1))
  await expect.poll(() => streams.length).toBe(1)
  const read = async () => {
    for await (const _ of streams[0]?.body ?? []);
  }
  await expect(read()).rejects.toThrow(/Function\.ResponseSizeTooLarge/)
  expect(await status).toBe(413)
  expect(heard.at(-1)).toBe('streamed Function.ResponseSizeTooLarge')
})

test('a streaming runtime waits for whoever reads, and goes on when nobody does any more', async () => {
  await next()
  const outgoing = openStream()
  const status = statusOf(outgoing)
  const chunk = Buffer.alloc(1 << 20)
  let drained = false
  for (let sent = 0; sent < 20; sent++) outgoing.write(chunk)
  outgoing.end(() => {
    drained = true
  })
  await expect.poll(() => streams.length).toBe(1)
  const parts = streams[0]?.body[Symbol.asyncIterator]()
  await parts?.next()
  // The sockets hold some megabytes, not twenty.
  expect(drained).toBe(false)
  expect(outgoing.writableLength).toBeGreaterThan(1 << 20)
  await parts?.return?.()
  expect(await status).toBe(202)
  expect(heard.at(-1)).toBe('streamed whole')
})

test('next may follow an answer over the same connection without waiting', async () => {
  await next()
  const [host = '', port] = server.address.split(':')
  const connection = openConnection(host, Number(port))
  const path = `/2018-06-01/runtime/invocation/${invocation.requestId}/response`
  const taken = connection.send('POST', path, {}, '"done"')
  const following = connection.send('GET', '/2018-06-01/runtime/invocation/next', {})
  expect((await taken).body).toBe('{"status":"OK"}')
  await expect.poll(() => heard).toEqual(['next', 'response "done"', 'next'])
  api.deliver({ ...invocation, requestId: 'the second' })
  expect((await following).headers['lambda-runtime-aws-request-id']).toBe('the second')
})
