import { request } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RuntimeApi, startRuntimeApi } from './runtime-api.ts'

let api: RuntimeApi
let heard: string[]
let asked: () => void

beforeEach(async () => {
  heard = []
  asked = () => {}
  api = await startRuntimeApi({
    onNext: () => {
      heard.push('next')
      asked()
    },
    onResponse: (body) => heard.push(`response ${body}`),
    onError: (body) => heard.push(`error ${body}`),
    onInitError: (body) => heard.push(`init/error ${body}`),
  })
})

afterEach(() => {
  api.close()
})

function call(method: string, path: string, body = '') {
  const [host, port] = api.address.split(':')
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
