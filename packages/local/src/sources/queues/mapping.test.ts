import { manualClock } from '@thaw/testing'
import { afterEach, expect, test } from 'vitest'
import type { Outcome } from '../../environment/outcome.ts'
import { LocalError } from '../../errors.ts'
import { Queue } from '../sqs/queue.ts'
import { startMapping } from './mapping.ts'

interface Call {
  readonly bodies: readonly string[]
  /** Ends it: with an answer, a failure of the function, or a refusal. */
  answer(payload: unknown): Promise<void>
  fail(): Promise<void>
  refuse(code: 'TOO_MANY_REQUESTS' | 'CLOSED'): Promise<void>
}

let mapping: { close(): void } | null = null
afterEach(() => mapping?.close())

function setup({
  concurrency = 0,
  fifo = false,
  batchSize = 10,
  batchWindowSeconds = 0,
  tries = 2,
  visibilityMs = 60_000,
} = {}) {
  const clock = manualClock()
  const dead = new Queue('dead', 'arn:dead', { fifo, visibilityMs, retentionMs: 1e10, redrive: null }, clock)
  const queue = new Queue(
    'q',
    'arn:q',
    { fifo, visibilityMs, retentionMs: 1e10, redrive: { tries, queue: dead } },
    clock,
  )
  const calls: Call[] = []
  const lines: string[] = []
  const rest = () => clock.advance(0)
  const invoke = (_name: string, event: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
    calls.push({
      bodies: JSON.parse(event).Records.map((record: { body: string }) => record.body),
      answer: (payload) => {
        resolve({ payload: JSON.stringify(payload), stream: null, functionError: null } as Outcome)
        return rest()
      },
      fail: () => {
        resolve({
          payload: '{"errorMessage":"as told"}',
          stream: null,
          functionError: 'Unhandled',
        } as Outcome)
        return rest()
      },
      refuse: (code) => {
        reject(new LocalError(code, 'refused'))
        return rest()
      },
    })
    return promise
  }
  const send = (body: string, groupId: string | null = null) =>
    queue.send({
      body,
      attributes: {},
      traceHeader: null,
      delayMs: null,
      groupId,
      deduplicationId: groupId && body,
    })
  const start = () => {
    const log = (line: string) => void lines.push(line)
    const settings = () => ({ queue: { batchSize, batchWindowSeconds }, ...(concurrency && { concurrency }) })
    mapping = startMapping({ functionName: 'f', queue, settings, region: 'us-east-1', invoke, clock, log })
    return rest()
  }
  return { clock, queue, dead, calls, lines, send, start, rest }
}

test('what a function does not name as failed is deleted; the rest comes again, and at last is a dead letter', async () => {
  const { clock, queue, dead, calls, lines, send, start } = setup()
  const messages = ['a', 'b', 'c'].map((body) => send(body))
  await start()
  expect(calls.map(({ bodies }) => bodies)).toEqual([['a', 'b', 'c']])
  await calls[0]?.answer({ batchItemFailures: [{ itemIdentifier: messages[1]?.id }] })
  expect(queue.messages().map(({ body }) => body)).toEqual(['b'])
  expect(lines).toEqual(['f: 1 of 3 messages failed'])
  await clock.advance(59_999)
  expect(calls).toHaveLength(1)
  await clock.advance(1)
  expect(calls[1]?.bodies).toEqual(['b'])
  await calls[1]?.fail()
  expect(lines[1]).toBe('f: 1 message failed: as told')
  await clock.advance(60_000)
  expect(calls).toHaveLength(2)
  expect(dead.messages().map(({ body }) => body)).toEqual(['b'])
})

test('an answer that makes no sense fails the whole batch', async () => {
  const { queue, calls, lines, send, start } = setup()
  send('a')
  send('b')
  await start()
  await calls[0]?.answer({ batchItemFailures: [{ itemIdentifier: 'another' }] })
  expect(queue.messages()).toHaveLength(2)
  expect(lines).toEqual(["f: 2 messages failed: itemIdentifier 'another' is no message of the batch"])
})

test('a throttled batch is offered again, and is no failure', async () => {
  const { clock, queue, calls, lines, send, start } = setup()
  send('a')
  await start()
  await calls[0]?.refuse('TOO_MANY_REQUESTS')
  await clock.advance(199)
  expect(calls).toHaveLength(1)
  await clock.advance(1)
  expect(calls.map(({ bodies }) => bodies)).toEqual([['a'], ['a']])
  await calls[1]?.answer(null)
  expect([queue.messages(), lines]).toEqual([[], []])
})

test('a batch that is throttled until its messages show again is dropped, and received again', async () => {
  const { clock, queue, calls, lines, send, start } = setup({ visibilityMs: 1000 })
  send('a')
  await start()
  await calls[0]?.refuse('TOO_MANY_REQUESTS')
  await clock.advance(200)
  await calls[1]?.refuse('TOO_MANY_REQUESTS')
  await clock.advance(400)
  await calls[2]?.refuse('TOO_MANY_REQUESTS')
  expect(lines).toEqual(['f: 1 message show again, as it was throttled all the time'])
  await clock.advance(400)
  expect(calls).toHaveLength(4)
  expect(queue.messages()[0]?.receiveCount).toBe(2)
})

test('a window collects until it is over or the batch is full', async () => {
  const { clock, calls, send, start } = setup({ batchSize: 25, batchWindowSeconds: 10 })
  await start()
  for (let n = 1; n <= 12; n++) send(`a${n}`)
  await clock.advance(9_999)
  expect(calls).toEqual([])
  await clock.advance(1)
  expect(calls.flatMap(({ bodies }) => bodies)).toHaveLength(12)
  const before = calls.length
  for (let n = 1; n <= 200; n++) send(`b${n}`)
  await clock.advance(0)
  expect(calls.slice(before).some(({ bodies }) => bodies.length === 25)).toBe(true)
})

test('an event stays under 6 MB', async () => {
  const { calls, send, start } = setup()
  for (let n = 0; n < 10; n++) send(String(n).repeat(1_000_000))
  await start()
  expect(calls.map(({ bodies }) => bodies.length).toSorted()).toEqual([4, 6])
})

test('five batches are worked on at once at first, more with time, none of the growth while throttled', async () => {
  const { clock, calls, send, start } = setup({ batchSize: 1, visibilityMs: 3_600_000 })
  for (let n = 0; n < 30; n++) send(String(n))
  await start()
  expect(calls).toHaveLength(5)
  await clock.advance(200)
  expect(calls).toHaveLength(5)
  // The next batch finds everybody at work, and calls for one more.
  await calls[0]?.answer(null)
  expect(calls).toHaveLength(7)
  await clock.advance(200)
  await calls[1]?.refuse('TOO_MANY_REQUESTS')
  await calls[2]?.answer(null)
  expect(calls).toHaveLength(8)
})

test('a function of limited concurrency gets no more batches at once than that', async () => {
  const { clock, calls, send, start } = setup({ batchSize: 1, concurrency: 3 })
  for (let n = 0; n < 10; n++) send(String(n))
  await start()
  expect(calls).toHaveLength(3)
  await clock.advance(1000)
  await calls[0]?.answer(null)
  expect(calls).toHaveLength(4)
})

test('a FIFO queue has one batch of a group at a time', async () => {
  const { calls, send, start, rest } = setup({ fifo: true, batchSize: 1 })
  for (const body of ['a1', 'a2', 'b1', 'b2']) send(body, body[0])
  await start()
  expect(calls.map(({ bodies }) => bodies)).toEqual([['a1'], ['b1']])
  await calls[1]?.answer(null)
  await rest()
  expect(calls.map(({ bodies }) => bodies)).toEqual([['a1'], ['b1'], ['b2']])
})

test('a closed simulator ends it without a word', async () => {
  const { calls, lines, send, start, clock } = setup()
  send('a')
  await start()
  mapping?.close()
  await calls[0]?.refuse('CLOSED')
  send('b')
  await clock.advance(100_000)
  expect([calls.length, lines]).toEqual([1, []])
})
