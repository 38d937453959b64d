import { setTimeout } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { fifoRecord, lambdaContext, sqsRecord } from '../../test/events.ts'
import {
  getInvocation,
  type Message,
  type MessageRecord,
  type Participant,
  queue,
  type Schema,
  type SqsRecord,
} from '../index.ts'

const quiet = { log() {} }

function idsOf({ batchItemFailures }: { batchItemFailures: readonly { itemIdentifier: string }[] }) {
  return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)
}

function batch(...records: unknown[]) {
  return { Records: records }
}

/** A schema as any library's: an object with a number `n`. */
const numbered: Schema<{ n: number }> = {
  '~standard': {
    version: 1,
    async validate(value) {
      const { n } = Object(value)
      if (typeof n === 'number') return { value: { n } }
      return { issues: [{ message: 'expected a number', path: ['n'] }, { message: 'and so on' }] }
    },
  },
}

test('a message reaches the handler with all that is known of it', async () => {
  const seen: Message<unknown>[] = []
  const record = sqsRecord(
    'm1',
    { a: 1 },
    {
      attributes: { ApproximateReceiveCount: '3', MessageGroupId: 'fair' },
      messageAttributes: {
        Kind: { stringValue: 'import', stringListValues: [], binaryListValues: [], dataType: 'String' },
        Bytes: { binaryValue: 'AQI=', stringListValues: [], binaryListValues: [], dataType: 'Binary' },
      },
    },
  )
  const answer = await queue((message) => void seen.push(message))(batch(record), lambdaContext())
  expect(answer).toEqual({ batchItemFailures: [] })
  expect(seen).toEqual([
    {
      id: 'm1',
      key: 'sqs:arn:aws:sqs:eu-west-1:123456789012:jobs:m1',
      body: { a: 1 },
      attributes: { Kind: 'import', Bytes: Buffer.of(1, 2) },
      receiveCount: 3,
      sentAt: 1545082649183,
      groupId: 'fair',
      queue: 'arn:aws:sqs:eu-west-1:123456789012:jobs',
      record,
    },
  ])
})

test('only the messages that fail are given back, each with a line', async () => {
  const lines: MessageRecord[] = []
  const handler = queue<number>(
    ({ body }) => {
      if (body === 2) throw new Error('two is bad')
      if (body === 3) throw Object.assign(new Error('lost the race'), { retryable: true })
    },
    { log: (line) => void lines.push(line) },
  )
  const answer = await handler(batch(...[1, 2, 3, 4].map((n) => sqsRecord(`m${n}`, n))), lambdaContext())
  expect(idsOf(answer)).toEqual(['m2', 'm3'])
  expect(lines).toMatchObject([
    {
      level: 'ERROR',
      message: 'Message m2 failed',
      messageId: 'm2',
      receiveCount: 1,
      coldStart: true,
      requestId: lambdaContext().awsRequestId,
      error: { message: 'two is bad' },
    },
    { level: 'WARN', messageId: 'm3' },
  ])
})

test('participants are around each message, and what they throw is that message’s failure', async () => {
  const seen: string[] = []
  const participant: Participant = {
    async around({ event }, next) {
      const { messageId } = event as SqsRecord
      seen.push(`in ${messageId}`)
      const result = await next()
      seen.push(`out ${messageId}`)
      if (messageId === 'm1') throw new Error('could not commit')
      return result
    },
  }
  const handler = queue(() => void seen.push(`work for ${(getInvocation()!.event as SqsRecord).messageId}`), {
    ...quiet,
    with: [participant],
  })
  const answer = await handler(batch(sqsRecord('m1', 1), sqsRecord('m2', 2)), lambdaContext())
  expect(idsOf(answer)).toEqual(['m1'])
  expect(seen).toEqual(['in m1', 'work for m1', 'out m1', 'in m2', 'work for m2', 'out m2'])
})

test('a body that is not valid fails and says why, and nobody works on it', async () => {
  const lines: MessageRecord[] = []
  const handle = vi.fn()
  const handler = queue(handle, { schema: numbered, log: (line) => void lines.push(line) })
  const answer = await handler(
    batch(sqsRecord('good', { n: 1, more: 2 }), sqsRecord('text', 'no json'), sqsRecord('shape', { n: '1' })),
    lambdaContext(),
  )
  expect(idsOf(answer)).toEqual(['text', 'shape'])
  expect(handle.mock.calls.map(([{ body }]) => body)).toEqual([{ n: 1 }])
  expect(lines.map(({ error }) => [error?.code, error?.message])).toEqual([
    ['BODY_INVALID', 'The body of message text is no JSON.'],
    ['BODY_INVALID', 'The body of message shape is not valid: n: expected a number; and so on'],
  ])
})

test('onInvalid takes what is not valid, unless it throws too; it gets no other failure', async () => {
  const taken: unknown[] = []
  const handler = queue<{ n: number }>(
    () => {
      throw new Error('not about the body')
    },
    {
      ...quiet,
      schema: numbered,
      onInvalid({ id, body }, error) {
        taken.push([id, body, error.code])
        if (id === 'worse') throw new Error('no room for it')
      },
    },
  )
  const answer = await handler(
    batch(sqsRecord('bad', 'x'), sqsRecord('worse', 'y'), sqsRecord('good', { n: 1 })),
    lambdaContext(),
  )
  expect(taken).toEqual([
    ['bad', 'x', 'BODY_INVALID'],
    ['worse', 'y', 'BODY_INVALID'],
  ])
  expect(idsOf(answer)).toEqual(['worse', 'good'])
})

test('a schema that itself breaks is no invalid body', async () => {
  const onInvalid = vi.fn()
  const validate = () => Promise.reject(new Error('bug in the schema'))
  const handler = queue(() => {}, { ...quiet, onInvalid, schema: { '~standard': { version: 1, validate } } })
  expect(idsOf(await handler(batch(sqsRecord('m', 1)), lambdaContext()))).toEqual(['m'])
  expect(onInvalid).not.toHaveBeenCalled()
})

test('bodies can be left as text', async () => {
  const seen: unknown[] = []
  await queue(({ body }) => void seen.push(body), { format: 'text' })(
    batch(sqsRecord('m', '{"a')),
    lambdaContext(),
  )
  expect(seen).toEqual(['{"a'])
})

test('a failure in a FIFO queue stops its group, and no other', async () => {
  const done: string[] = []
  const lines: MessageRecord[] = []
  const handler = queue(
    ({ id }) => {
      if (id === 'a2') throw new Error('no')
      done.push(id)
    },
    { log: (line) => void lines.push(line) },
  )
  const records = [
    fifoRecord('a1', 'a'),
    fifoRecord('a2', 'a'),
    fifoRecord('b1', 'b'),
    fifoRecord('a3', 'a'),
    fifoRecord('b2', 'b'),
    fifoRecord('a4', 'a'),
  ]
  const answer = await handler(batch(...records), lambdaContext())
  expect(idsOf(answer)).toEqual(['a2', 'a3', 'a4'])
  expect(done).toEqual(['a1', 'b1', 'b2'])
  expect(lines.map(({ message }) => message)).toEqual([
    'Message a2 failed',
    '2 messages were not begun: one before them in their group failed',
  ])
})

test('a standard queue keeps no order, even where its messages have groups', async () => {
  const record = (id: string) => sqsRecord(id, 1, { attributes: { MessageGroupId: 'tenant' } })
  const handler = queue(({ id }) => {
    if (id === 'm1') throw new Error('no')
  }, quiet)
  expect(idsOf(await handler(batch(record('m1'), record('m2')), lambdaContext()))).toEqual(['m1'])
})

test.each([1, 3])(
  'with concurrency %i so many are worked on at once, of a FIFO group one',
  async (concurrency) => {
    let now = 0
    let most = 0
    const active = new Map<string | null, number>()
    const handler = queue(
      async ({ groupId }) => {
        most = Math.max(most, ++now)
        active.set(groupId, (active.get(groupId) ?? 0) + 1)
        expect(active.get(groupId)).toBe(1)
        await setTimeout(2)
        active.set(groupId, 0)
        now--
      },
      { concurrency },
    )
    const records = ['a', 'a', 'b', 'c', 'b', 'd', 'a'].map((group, index) => fifoRecord(`m${index}`, group))
    expect(await handler(batch(...records), lambdaContext())).toEqual({ batchItemFailures: [] })
    expect(most).toBe(concurrency)
  },
)

test('when time runs out, what is under way fails and nothing more is begun', async () => {
  const begun: string[] = []
  const lines: MessageRecord[] = []
  const handler = queue(
    ({ id }) => {
      begun.push(id)
      return id === 'm1' ? null : new Promise(() => {})
    },
    { log: (line) => void lines.push(line) },
  )
  const records = ['m1', 'm2', 'm3', 'm4'].map((id) => sqsRecord(id, 1))
  const answer = await handler(batch(...records), lambdaContext({ getRemainingTimeInMillis: () => 100 }))
  expect(idsOf(answer)).toEqual(['m2', 'm3', 'm4'])
  expect(begun).toEqual(['m1', 'm2'])
  expect(lines).toMatchObject([
    { messageId: 'm2', error: { code: 'DEADLINE_EXCEEDED' } },
    { level: 'WARN', message: '2 messages were not begun: the time was up' },
  ])
})

test.each([
  [{}],
  [null],
  [{ Records: [] }],
  [{ Records: [{ messageId: 'x', body: 'y', eventSource: 'aws:kinesis', eventSourceARN: 'arn' }] }],
  [batch(sqsRecord('m', 1), sqsRecord('n', 1, { messageId: undefined }))],
])('%j is no batch: everything is delivered again', async (event) => {
  const handle = vi.fn()
  await expect(queue(handle)(event, lambdaContext())).rejects.toMatchObject({ code: 'EVENT_NOT_QUEUE' })
  expect(handle).not.toHaveBeenCalled()
})

test.each([0, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY])(
  'a concurrency of %s is refused',
  (concurrency) => {
    expect(() => queue(() => {}, { concurrency })).toThrow(expect.objectContaining({ code: 'SERVE_CONFIG' }))
  },
)
