import { EventStreamCodec } from '@smithy/core/event-streams'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fixture, start, type Watched } from './support.ts'

let watched: Watched

beforeAll(async () => {
  watched = await start(fixture.replace(/app$/, 'sources'), { sources: { retryDelaysMs: [1, 1] } })
})

afterAll(() => watched.simulator.close())

const functions = '/2015-03-31/functions'

function call(path: string, body: unknown = '', headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return fetch(watched.simulator.awsUrl + path, { method: 'POST', body: text, headers })
}

async function refusal(response: Response) {
  const { Type, Message } = (await response.json()) as Record<string, string>
  return [response.status, response.headers.get('x-amzn-errortype'), Type, Message]
}

test.each([
  'sender',
  '123456789012:function:sender',
  'arn:aws:lambda:us-east-1:123456789012:function:sender',
  'arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Asender%3A%24LATEST',
  'sender:$LATEST',
])('a function is invoked as %s', async (name) => {
  const response = await call(`${functions}/${name}/invocations`, { hello: 'wörld' })
  expect([response.status, await response.json()]).toEqual([200, { hello: 'wörld' }])
  expect(response.headers.get('x-amz-executed-version')).toBe('$LATEST')
  expect(response.headers.get('x-amz-function-error')).toBeNull()
  expect(response.headers.get('x-amz-log-result')).toBeNull()
})

test('a function that fails is a result, with the end of its log when that is asked for', async () => {
  const response = await call(
    `${functions}/sender/invocations`,
    { act: 'throw' },
    { 'x-amz-log-type': 'Tail' },
  )
  expect([response.status, response.headers.get('x-amz-function-error')]).toEqual([200, 'Unhandled'])
  expect(await response.json()).toMatchObject({ errorType: 'TypeError', errorMessage: 'as told' })
  const requestId = response.headers.get('x-amzn-requestid')
  const lines = Buffer.from(response.headers.get('x-amz-log-result') ?? '', 'base64')
    .toString()
    .split('\n')
  expect(lines[0]).toBe(`START RequestId: ${requestId} Version: $LATEST`)
  expect(lines[1]).toBe(`GOT ${requestId} {"act":"throw"}`)
  expect(lines.at(-2)).toMatch(`REPORT RequestId: ${requestId}\tDuration: `)
})

test('a page from elsewhere invokes nothing', async () => {
  const headers = { origin: 'https://example.com' }
  expect((await call(`${functions}/sender/invocations`, {}, headers)).status).toBe(403)
  const own = { origin: 'http://localhost:3000' }
  expect((await call(`${functions}/sender/invocations`, {}, own)).status).toBe(200)
})

test('without a body the event is empty', async () => {
  expect(await (await call(`${functions}/sender/invocations`)).json()).toEqual({})
})

test('an event is JSON, whatever type it is said to have', async () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const response = await call(`${functions}/sender/invocations`, { a: 1 }, headers)
  expect([response.status, await response.json()]).toEqual([200, { a: 1 }])
})

test('Event hands over, DryRun only looks', async () => {
  const line = watched.line(/GOT .*later/)
  const event = await call(
    `${functions}/sender/invocations`,
    { later: 1 },
    { 'x-amz-invocation-type': 'Event' },
  )
  expect([event.status, await event.text()]).toEqual([202, ''])
  expect(await line).toContain(`GOT ${event.headers.get('x-amzn-requestid')} {"later":1}`)
  await watched.line(/REPORT/, watched.lines.indexOf(await line))
  const from = watched.lines.length
  const dry = await call(`${functions}/sender/invocations`, {}, { 'x-amz-invocation-type': 'DryRun' })
  expect([dry.status, watched.lines.length]).toEqual([204, from])
})

test('what cannot be invoked is refused as Lambda does', async () => {
  const known = 'There are: api, nightly, ordered, sender, worker'
  expect(await refusal(await call(`${functions}/none/invocations`, {}))).toEqual([
    404,
    'ResourceNotFoundException',
    'User',
    `Function not found: arn:aws:lambda:us-east-1:123456789012:function:none. ${known}`,
  ])
  const qualified = await refusal(await call(`${functions}/api/invocations?Qualifier=live`, {}))
  expect(qualified.slice(0, 2)).toEqual([404, 'ResourceNotFoundException'])
  const json = await refusal(await call(`${functions}/api/invocations`, '{'))
  expect(json.slice(0, 2)).toEqual([400, 'InvalidRequestContentException'])
  const large = await refusal(await call(`${functions}/api/invocations`, `"${'x'.repeat(6_291_556)}"`))
  expect(large.slice(0, 2)).toEqual([413, 'RequestTooLargeException'])
  const asynchronous = { 'x-amz-invocation-type': 'Event' }
  const event = await refusal(
    await call(`${functions}/api/invocations`, `"${'x'.repeat(1024 * 1024)}"`, asynchronous),
  )
  expect(event.slice(0, 2)).toEqual([413, 'RequestTooLargeException'])
  for (const [path, headers] of [
    [`${functions}/%/invocations`, {}],
    [`${functions}/a%20b/invocations`, {}],
    [`${functions}/api/invocations`, { 'x-amz-invocation-type': 'Sometime' }],
    ['/thaw/schedules/api/invocations', {}],
  ] as const) {
    const refused = await refusal(await call(path, {}, headers))
    expect(refused.slice(0, 2)).toEqual([400, 'InvalidParameterValueException'])
  }
  expect((await call('/2015-03-31/elsewhere')).status).toBe(404)
})

test('a throttled invocation is refused with 429', async () => {
  const line = watched.line(/GOT .*hang/)
  const hanging = call(`${functions}/api/invocations`, { act: 'hang' }).then((response) => response.json())
  await line
  const refused = await refusal(await call(`${functions}/api/invocations`, {}))
  expect(refused.slice(0, 2)).toEqual([429, 'TooManyRequestsException'])
  await watched.simulator.kill()
  expect(await hanging).toMatchObject({ errorType: 'Runtime.ExitError' })
})

test('an answer can be had as an event stream', async () => {
  const path = '/2021-11-15/functions/sender/response-streaming-invocations'
  const read = async (event: unknown) => {
    const response = await call(path, event, { 'x-amz-log-type': 'Tail' })
    expect(response.headers.get('content-type')).toBe('application/vnd.amazon.eventstream')
    return decode(new Uint8Array(await response.arrayBuffer()))
  }
  const [chunk, complete, ...more] = await read({ a: 'ü' })
  expect(chunk).toMatchObject({ type: 'PayloadChunk', text: '{"a":"ü"}' })
  expect(complete?.type).toBe('InvokeComplete')
  const told = JSON.parse(complete?.text ?? '')
  expect(Object.keys(told)).toEqual(['LogResult'])
  expect(Buffer.from(told.LogResult, 'base64').toString()).toContain('GOT')
  expect(more).toEqual([])
  const failed = (await read({ act: 'throw' })).at(-1)
  expect(JSON.parse(failed?.text ?? '')).toMatchObject({ ErrorCode: 'Unhandled' })
})

/** Reads an event stream with the decoder of AWS's own SDK, which checks every checksum. */
function decode(bytes: Uint8Array) {
  const toText = (value: Uint8Array | string) =>
    typeof value === 'string' ? value : Buffer.from(value).toString()
  const codec = new EventStreamCodec(toText, (text) => Buffer.from(text))
  const events: { readonly type: string; readonly text: string }[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0)
    const { headers, body } = codec.decode(bytes.subarray(at, at + length))
    expect(headers[':message-type']?.value).toBe('event')
    events.push({ type: String(headers[':event-type']?.value), text: toText(body) })
    at += length
  }
  return events
}

test('a schedule is run now, with its event', async () => {
  const response = await call('/thaw/schedules/nightly/invocations')
  expect(await response.json()).toMatchObject({ 'detail-type': 'Scheduled Event' })
})

test('functions are listed', async () => {
  const get = async (path: string) => (await fetch(watched.simulator.awsUrl + path)).json()
  const { Functions } = (await get(`${functions}/`)) as { Functions: { FunctionName: string }[] }
  expect(Functions.map(({ FunctionName }) => FunctionName)).toEqual([
    'api',
    'nightly',
    'ordered',
    'sender',
    'worker',
  ])
  expect(await get(`${functions}/api`)).toMatchObject({
    Configuration: { FunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:api', MemorySize: 1024 },
    Concurrency: { ReservedConcurrentExecutions: 1 },
  })
  expect(await get('/thaw')).toMatchObject({
    name: 'sources',
    root: watched.simulator.loaded.root,
    functions: expect.arrayContaining([{ name: 'nightly', kind: 'schedule' }]),
  })
})
