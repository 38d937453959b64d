import { expect, test } from 'vitest'
import type { AwsRequest, AwsResponse } from '../aws/server.ts'
import type { Outcome } from '../environment/outcome.ts'
import { answerInvoke, answerStreaming } from './invoke.ts'
import { createTails } from './tail.ts'

const request: AwsRequest = {
  method: 'POST',
  path: '/',
  query: new URLSearchParams(),
  headers: {},
  body: Buffer.alloc(0),
  signal: new AbortController().signal,
}

/** Somebody whose function streams these pieces, and perhaps breaks off. */
function streaming(pieces: readonly string[], failure?: Error) {
  async function* body() {
    for (const piece of pieces) yield Buffer.from(piece)
    if (failure) throw failure
  }
  const outcome = { requestId: 'id', payload: '', functionError: null }
  const stream = { contentType: 'text/plain', body: body() }
  return {
    invoke: async () => ({ ...outcome, stream }) as unknown as Outcome,
    asynchronous: { submit: () => 'id' },
    tails: createTails(() => {}),
  }
}

async function read({ body }: AwsResponse): Promise<string[]> {
  const pieces: string[] = []
  for await (const piece of body as AsyncIterable<Uint8Array>) pieces.push(Buffer.from(piece).toString())
  return pieces
}

test('a streamed answer is collected where it was not asked for in pieces', async () => {
  const answer = await answerInvoke(streaming(['a', 'b']), 'f', '{}', request)
  expect([String(answer.body), answer.headers['x-amz-function-error']]).toEqual(['ab', undefined])
  const broken = await answerInvoke(streaming(['a'], new RangeError('broke off')), 'f', '{}', request)
  expect(broken.headers['x-amz-function-error']).toBe('Unhandled')
  expect(JSON.parse(String(broken.body))).toEqual({ errorType: 'RangeError', errorMessage: 'broke off' })
  const large = await answerInvoke(
    streaming(['x'.repeat(4_000_000), 'x'.repeat(4_000_000)]),
    'f',
    '{}',
    request,
  )
  expect(JSON.parse(String(large.body)).errorMessage).toContain('6291556 bytes')
})

test('a client that goes away in the middle of a streamed answer leaves no log behind that still grows', async () => {
  let followed = 0
  const drop = () => followed--
  const tails = {
    log: () => {},
    follow: () => {
      followed++
      return { drop, end: async () => Buffer.from('the end') }
    },
  }
  const tailed = { ...request, headers: { 'x-amz-log-type': 'Tail' } }
  const answer = await answerStreaming({ ...streaming(['one', 'two']), tails }, 'f', '{}', tailed)
  for await (const _ of answer.body as AsyncIterable<Uint8Array>) break
  expect(followed).toBe(0)
  const read = await answerStreaming({ ...streaming(['one']), tails }, 'f', '{}', tailed)
  for await (const _ of read.body as AsyncIterable<Uint8Array>);
  expect(followed).toBe(0)
})

test('a streamed answer goes on piece by piece, and says when it broke off', async () => {
  const answer = await answerStreaming(streaming(['one', 'two']), 'f', '{}', request)
  expect(answer.headers['x-amzn-remapped-content-type']).toBe('text/plain')
  const pieces = await read(answer)
  expect(pieces.map((piece) => /one|two|InvokeComplete/.exec(piece)?.[0])).toEqual([
    'one',
    'two',
    'InvokeComplete',
  ])
  const broken = await read(
    await answerStreaming(streaming(['one'], new Error('broke off')), 'f', '{}', request),
  )
  expect(broken.at(-1)).toMatch(/"ErrorCode":"Unhandled","ErrorDetails":".*broke off/)
})
