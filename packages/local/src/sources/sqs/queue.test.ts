import { manualClock } from '@thaw/testing'
import { expect, test } from 'vitest'
import type { Draft } from './message.ts'
import { Queue } from './queue.ts'

const draft: Draft = {
  body: 'x',
  attributes: {},
  traceHeader: null,
  delayMs: null,
  groupId: null,
  deduplicationId: null,
}

function setup({ fifo = false, tries = 3 } = {}) {
  const clock = manualClock()
  const dead = new Queue(
    'dead',
    'arn:dead',
    { fifo, visibilityMs: 1000, retentionMs: 4 * 24 * 3_600_000, redrive: null },
    clock,
  )
  const queue = new Queue(
    'q',
    'arn:q',
    { fifo, visibilityMs: 1000, retentionMs: 4 * 24 * 3_600_000, redrive: { tries, queue: dead } },
    clock,
  )
  const send = (body: string, groupId: string | null = null) =>
    queue.send({ ...draft, body, groupId, deduplicationId: fifo ? body : null })
  const receive = (most = 10, waitMs = 0) => queue.receive({ most, waitMs })
  const bodies = async (most = 10) => (await receive(most)).map(({ body }) => body)
  return { clock, dead, queue, send, receive, bodies }
}

test('a message is hidden for its visibility timeout, counts its receives, and is gone when deleted', async () => {
  const { clock, queue, send, receive } = setup()
  const { id } = send('a')
  const [first] = await receive()
  expect(first).toMatchObject({ id, receiveCount: 1, firstReceivedAtMs: clock.now() })
  await clock.advance(999)
  expect(await receive()).toEqual([])
  await clock.advance(1)
  const [second] = await receive()
  expect(second).toMatchObject({ id, receiveCount: 2, firstReceivedAtMs: first?.firstReceivedAtMs })
  // The handle of the first receive is out of date.
  queue.delete(first?.receiptHandle ?? '')
  expect(queue.counts()).toEqual({ visible: 0, hidden: 1, delayed: 0 })
  queue.delete(second?.receiptHandle ?? '')
  expect(queue.messages()).toEqual([])
  queue.delete(second?.receiptHandle ?? '')
  expect(() => queue.delete('nonsense')).toThrow('not a valid receipt handle')
})

test('a FIFO queue gives a group in order, and nothing of it while some is hidden', async () => {
  const { clock, queue, send, receive, bodies } = setup({ fifo: true })
  for (const body of ['a1', 'b1', 'a2', 'a3', 'b2']) send(body, body[0])
  const taken = await receive(3)
  expect(taken.map(({ body }) => body)).toEqual(['a1', 'b1', 'a2'])
  expect(await bodies()).toEqual([])
  queue.delete(taken[1]?.receiptHandle ?? '')
  expect(await bodies()).toEqual(['b2'])
  await clock.advance(1000)
  // What was not deleted comes back in its place.
  expect(await bodies()).toEqual(['a1', 'a2', 'a3', 'b2'])
})

test('a FIFO queue takes a deduplication id once in five minutes, also when its message is done with', async () => {
  const { clock, queue, send, receive } = setup({ fifo: true })
  const first = send('a', 'g')
  queue.delete((await receive())[0]?.receiptHandle ?? '')
  expect(send('a', 'g')).toBe(first)
  expect(queue.messages()).toEqual([])
  await clock.advance(5 * 60_000)
  const again = send('a', 'g')
  expect(again.id).not.toBe(first.id)
  expect(BigInt(again.sequenceNumber ?? 0)).toBeGreaterThan(BigInt(first.sequenceNumber ?? 0))
})

test('a FIFO message that shows again cannot be deleted by its old handle', async () => {
  const { clock, queue, send, receive } = setup({ fifo: true })
  send('a', 'g')
  const [taken] = await receive()
  await clock.advance(1000)
  expect(() => queue.delete(taken?.receiptHandle ?? '')).toThrow('expired')
})

test('a message goes to the dead-letter queue when it would be received once too often', async () => {
  const { clock, queue, dead, send, bodies } = setup({ tries: 2 })
  const { id } = send('a')
  for (const expected of [['a'], ['a'], []]) {
    expect(await bodies()).toEqual(expected)
    await clock.advance(1000)
  }
  expect(queue.messages()).toEqual([])
  expect(dead.messages()).toMatchObject([{ id, receiveCount: 2, source: 'arn:q', receiptHandle: null }])
})

test('a dead letter of a FIFO queue lets its group go on', async () => {
  const { clock, dead, send, bodies } = setup({ fifo: true, tries: 1 })
  send('a', 'g')
  send('b', 'g')
  expect(await bodies(1)).toEqual(['a'])
  await clock.advance(1000)
  expect(await bodies(1)).toEqual(['b'])
  expect(dead.messages().map(({ body }) => body)).toEqual(['a'])
})

test('a long poll ends with the first message: sent, shown again, or no longer delayed', async () => {
  const { clock, queue, send, receive, bodies } = setup()
  const polls = [receive(10, 20_000), receive(10, 20_000)]
  await clock.advance(5_000)
  send('a')
  expect((await Promise.race(polls)).map(({ body }) => body)).toEqual(['a'])
  await clock.advance(1_000)
  expect((await Promise.all(polls)).map((found) => found.length)).toEqual([1, 1])

  queue.purge()
  queue.send({ ...draft, body: 'late', delayMs: 3_000 })
  expect(await bodies()).toEqual([])
  const poll = receive(10, 20_000)
  await clock.advance(2_999)
  expect(queue.counts()).toEqual({ visible: 0, hidden: 0, delayed: 1 })
  await clock.advance(1)
  expect((await poll).map(({ body }) => body)).toEqual(['late'])

  const inVain = receive(10, 500)
  await clock.advance(500)
  expect(await inVain).toEqual([])
})

test('a long poll that was given up takes nothing', async () => {
  const { queue, send, bodies } = setup()
  const gone = new AbortController()
  const poll = queue.receive({ most: 10, waitMs: 20_000, signal: gone.signal })
  gone.abort()
  send('a')
  expect(await poll).toEqual([])
  expect(await bodies()).toEqual(['a'])
})

test('visibility can be changed while a message is hidden, and not otherwise', async () => {
  const { queue, send, receive, bodies } = setup()
  send('a')
  const [taken] = await receive()
  const handle = taken?.receiptHandle ?? ''
  queue.changeVisibility(handle, 5_000)
  expect(queue.messages()[0]?.visibleAtMs).toBe((taken?.visibleAtMs ?? 0) + 4_000)
  queue.changeVisibility(handle, 0)
  expect(() => queue.changeVisibility(handle, 1)).toThrow('not in flight')
  expect(await bodies()).toEqual(['a'])
})

test('a receive takes what fits into an event; the rest is not received in vain', async () => {
  const { queue, send } = setup()
  for (const letter of ['a', 'b', 'c']) send(letter.repeat(1000))
  const taken = await queue.receive({ most: 10, waitMs: 0, eventBytes: 7000 })
  expect(taken).toHaveLength(2)
  expect(await queue.receive({ most: 10, waitMs: 20_000, eventBytes: 10, whole: true })).toEqual([])
  expect(queue.messages().map(({ receiveCount }) => receiveCount)).toEqual([1, 1, 0])
  expect(await queue.receive({ most: 10, waitMs: 0, eventBytes: 10 })).toHaveLength(1)
})

test('a message that nobody deletes is gone after four days', async () => {
  const { clock, queue, send, bodies } = setup()
  send('a')
  await clock.advance(4 * 24 * 3_600_000)
  expect(await bodies()).toEqual([])
  expect(queue.messages()).toEqual([])
})
