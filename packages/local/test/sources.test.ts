import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fixture, start, type Watched } from './support.ts'

const sources = fixture.replace(/app$/, 'sources')

let watched: Watched
let sqs: SQSClient
let variables: Readonly<Record<string, string>>

beforeAll(async () => {
  watched = await start(sources, { sources: { visibilityMs: 2_000, retryDelaysMs: [10, 20] } })
  variables = JSON.parse((await watched.simulator.invoke('api', { act: 'variables' })).payload)
  // A client that is set up by what a function sees, and by nothing else.
  sqs = new SQSClient({
    endpoint: variables.AWS_ENDPOINT_URL_SQS ?? '',
    region: variables.AWS_REGION ?? '',
    credentials: {
      accessKeyId: variables.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: variables.AWS_SECRET_ACCESS_KEY ?? '',
    },
  })
})

afterAll(async () => {
  sqs.destroy()
  await watched.simulator.close()
})

const queueUrl = (name: 'WORKER' | 'ORDERED') => variables[`${name}_QUEUE_URL`] ?? ''

/** The bodies of the batches that the log tells of from a line on, in order. */
function batches(from: number): string[][] {
  return watched.lines.slice(from).flatMap((line) => {
    const [, event] = /\| BATCH (.*)$/.exec(line) ?? []
    return event === undefined
      ? []
      : [JSON.parse(event).Records.map((record: { body: string }) => record.body)]
  })
}

/** Longer than a message stays hidden, several times. */
const patience = { timeout: 20_000 }

const corpora = new URL('../../../../shared/corpora/lambda-events/other/', import.meta.url)

function recorded(name: string) {
  return JSON.parse(readFileSync(new URL(name, corpora), 'utf8'))
}

test('every function knows the queues and where SQS and Lambda are', () => {
  const { awsUrl } = watched.simulator
  expect(variables).toMatchObject({
    AWS_ENDPOINT_URL_SQS: awsUrl,
    AWS_ENDPOINT_URL_LAMBDA: awsUrl,
    AWS_ACCESS_KEY_ID: expect.stringMatching(/./),
    WORKER_QUEUE_URL: `${awsUrl}/123456789012/worker`,
    ORDERED_QUEUE_URL: `${awsUrl}/123456789012/ordered.fifo`,
  })
  expect(variables).not.toHaveProperty('AWS_ENDPOINT_URL')
})

test('a message reaches its function as the event that Lambda makes of it, and is gone', async () => {
  const line = watched.line(/BATCH/)
  const sent = await sqs.send(
    new SendMessageCommand({
      QueueUrl: queueUrl('WORKER'),
      MessageBody: '{"grüße":"€"}',
      MessageAttributes: {
        text: { DataType: 'String', StringValue: 'ü' },
        number: { DataType: 'Number.int', StringValue: '12' },
        bytes: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255) },
      },
    }),
  )
  const event = JSON.parse((await line).replace(/^.*BATCH /, ''))
  expect(event).toEqual({
    Records: [
      {
        messageId: sent.MessageId,
        receiptHandle: expect.stringMatching(/./),
        body: '{"grüße":"€"}',
        attributes: {
          ApproximateReceiveCount: '1',
          SentTimestamp: expect.stringMatching(/^\d{13}$/),
          SenderId: expect.stringMatching(/./),
          ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
        },
        messageAttributes: {
          text: { stringValue: 'ü', stringListValues: [], binaryListValues: [], dataType: 'String' },
          number: { stringValue: '12', stringListValues: [], binaryListValues: [], dataType: 'Number.int' },
          bytes: { binaryValue: 'AP8=', stringListValues: [], binaryListValues: [], dataType: 'Binary' },
        },
        md5OfBody: createHash('md5').update('{"grüße":"€"}').digest('hex'),
        // Computed by another implementation of the digest.
        md5OfMessageAttributes: 'ea31558864d463f4cec9906d09e86a0f',
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:us-east-1:123456789012:worker',
        awsRegion: 'us-east-1',
      },
    ],
  })
  expect(sent.MD5OfMessageAttributes).toBe('ea31558864d463f4cec9906d09e86a0f')
  await expect.poll(() => count('WORKER'), patience).toEqual({ visible: '0', hidden: '0' })
})

async function count(name: 'WORKER' | 'ORDERED') {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl(name), AttributeNames: ['All'] }),
  )
  return {
    visible: Attributes.ApproximateNumberOfMessages,
    hidden: Attributes.ApproximateNumberOfMessagesNotVisible,
  }
}

test.skipIf(!exists('example-sqs-event.json'))('the event has the fields of a recorded one', async () => {
  const line = watched.line(/BATCH/)
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: queueUrl('WORKER'),
      MessageBody: 'x',
      MessageAttributes: { Attribute1: { DataType: 'String', StringValue: 'v' } },
    }),
  )
  const [record] = JSON.parse((await line).replace(/^.*BATCH /, '')).Records
  const [expected] = recorded('example-sqs-event.json').Records
  expect(Object.keys(record).toSorted()).toEqual(Object.keys(expected).toSorted())
  expect(Object.keys(record.attributes).toSorted()).toEqual(Object.keys(expected.attributes).toSorted())
  const attribute = expected.messageAttributes.Attribute1
  expect(Object.keys(record.messageAttributes.Attribute1).toSorted()).toEqual(
    Object.keys(attribute).toSorted(),
  )
})

function exists(name: string): boolean {
  try {
    return recorded(name) !== null
  } catch {
    return false
  }
}

test('of a batch what failed comes again, alone, until it is a dead letter', async () => {
  const from = watched.lines.length
  const dead = watched.line(/is a dead letter now/)
  const { Successful = [] } = await sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: queueUrl('WORKER'),
      Entries: ['fine', 'fail 1', 'fail 9'].map((MessageBody, index) => ({ Id: `m${index}`, MessageBody })),
    }),
  )
  expect(await dead).toBe(
    `worker: message ${Successful[2]?.MessageId} is a dead letter now: it was received 2 times`,
  )
  const delivered = batches(from).flat()
  const times = (body: string) => delivered.filter((one) => one === body).length
  expect([times('fine'), times('fail 1'), times('fail 9')]).toEqual([1, 2, 2])
  expect(watched.simulator.deadLetters('worker')).toMatchObject([
    { messageId: Successful[2]?.MessageId, body: 'fail 9', receiveCount: 2 },
  ])
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'worker-dead' }))
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MessageSystemAttributeNames: ['All'] }),
  )
  expect(Messages[0]).toMatchObject({
    Body: 'fail 9',
    Attributes: { DeadLetterQueueSourceArn: 'arn:aws:sqs:us-east-1:123456789012:worker' },
  })
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: Messages[0]?.ReceiptHandle }))
  expect(watched.simulator.deadLetters('worker')).toEqual([])
  expect(() => watched.simulator.deadLetters('api')).toThrow("no function 'api' with a queue")
})

test('a function that throws fails its whole batch', async () => {
  const from = watched.lines.length
  const failed = watched.line(/^worker: 2 messages failed: as told$/)
  await sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: queueUrl('WORKER'),
      Entries: [
        { Id: 'a', MessageBody: 'beside' },
        { Id: 'b', MessageBody: 'throw 1' },
      ],
    }),
  )
  await failed
  await expect
    .poll(() => batches(from).flat().toSorted(), patience)
    .toEqual(['beside', 'beside', 'throw 1', 'throw 1'])
  await expect.poll(() => count('WORKER'), patience).toEqual({ visible: '0', hidden: '0' })
})

test('a FIFO queue keeps the order of a group over a failure', async () => {
  const from = watched.lines.length
  const Entries = ['fail 1', 'second', 'third'].map((MessageBody, index) => ({
    Id: `m${index}`,
    MessageBody,
    MessageGroupId: 'g',
    MessageDeduplicationId: MessageBody.replace(' ', '-'),
  }))
  await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl('ORDERED'), Entries }))
  // This function names the first as failed and not what is behind it, so that is done with.
  await expect.poll(() => batches(from), patience).toEqual([['fail 1', 'second', 'third'], ['fail 1']])
  // The same again within five minutes is no new message.
  await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl('ORDERED'), Entries }))
  await expect.poll(() => count('ORDERED'), patience).toEqual({ visible: '0', hidden: '0' })
  expect(batches(from)).toHaveLength(2)
})

test('SQS refuses what it would refuse', async () => {
  const QueueUrl = queueUrl('WORKER')
  const send = (input: object) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', ...input }))
  await expect(send({ QueueUrl: `${QueueUrl}-2` })).rejects.toMatchObject({ name: 'QueueDoesNotExist' })
  await expect(send({ MessageBody: 'x'.repeat(1024 * 1024 + 1) })).rejects.toThrow(
    'shorter than 1048576 bytes',
  )
  await expect(send({ MessageBody: 'a\u0000b' })).rejects.toMatchObject({ name: 'InvalidMessageContents' })
  await expect(send({ DelaySeconds: 901 })).rejects.toThrow('between 0 and 900')
  await expect(send({ QueueUrl: queueUrl('ORDERED') })).rejects.toThrow('MessageGroupId')
  await expect(send({ QueueUrl: queueUrl('ORDERED'), MessageGroupId: 'g' })).rejects.toThrow(
    'MessageDeduplicationId',
  )
  const batch = (Ids: string[]) =>
    sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: Ids.map((Id) => ({ Id, MessageBody: 'x' })) }))
  await expect(batch([])).rejects.toMatchObject({ name: 'EmptyBatchRequest' })
  await expect(batch(['a', 'a'])).rejects.toMatchObject({ name: 'BatchEntryIdsNotDistinct' })
  await expect(batch(Array.from({ length: 11 }, (_, n) => `m${n}`))).rejects.toMatchObject({
    name: 'TooManyEntriesInBatchRequest',
  })
  await expect(
    sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: 'no', VisibilityTimeout: 1 })),
  ).rejects.toMatchObject({ name: 'ReceiptHandleIsInvalid' })
  await sqs.send(new PurgeQueueCommand({ QueueUrl }))
  const { QueueUrls } = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'ordered' }))
  expect(QueueUrls).toEqual([queueUrl('ORDERED'), queueUrl('ORDERED').replace('.fifo', '-dead.fifo')])
})

test('a batch that has attributes of no shape fails by the entry, not by the connection', async () => {
  const wrong = [null, 'text', { DataType: null }, { DataType: 'String', StringValue: 1 }]
  const { Failed = [], Successful = [] } = await raw('SendMessageBatch', {
    QueueUrl: queueUrl('WORKER'),
    Entries: [
      { Id: 'fine', MessageBody: 'x' },
      ...wrong.map((shape, n) => ({ Id: `m${n}`, MessageBody: 'x', MessageAttributes: { a: shape } })),
    ],
  })
  expect(Successful.map(({ Id }) => Id)).toEqual(['fine'])
  expect(Failed.map(({ Code }) => Code)).toEqual(wrong.map(() => 'InvalidParameterValue'))
})

/** As no SDK would send it. */
async function raw(action: string, body: object): Promise<Record<string, { Id: string; Code?: string }[]>> {
  const response = await fetch(watched.simulator.awsUrl, {
    method: 'POST',
    headers: { 'x-amz-target': `AmazonSQS.${action}` },
    body: JSON.stringify(body),
  })
  return (await response.json()) as Record<string, { Id: string; Code?: string }[]>
}

test('older clients speak the query protocol', async () => {
  const { awsUrl } = watched.simulator
  const ask = async (path: string, form: Record<string, string>) => {
    const response = await fetch(awsUrl + path, { method: 'POST', body: new URLSearchParams(form) })
    return [response.status, await response.text()] as const
  }
  const path = '/123456789012/worker-dead'
  const [status, sent] = await ask('/', {
    Action: 'SendMessageBatch',
    QueueUrl: awsUrl + path,
    'SendMessageBatchRequestEntry.1.Id': 'a',
    'SendMessageBatchRequestEntry.1.MessageBody': '<&>',
    'SendMessageBatchRequestEntry.1.MessageAttribute.1.Name': 'kind',
    'SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType': 'String',
    'SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue': 'x',
  })
  expect(status).toBe(200)
  expect(sent).toMatch(/<SendMessageBatchResultEntry><Id>a<\/Id><MessageId>[\w-]{36}<\/MessageId>/)
  const [, received] = await ask(path, {
    Action: 'ReceiveMessage',
    MaxNumberOfMessages: '10',
    'AttributeName.1': 'All',
    'MessageAttributeName.1': 'All',
  })
  expect(received).toMatch(/<Message><MessageId>[\w-]{36}<\/MessageId>.*<Body>&#60;&#38;&#62;<\/Body>/)
  expect(received).toContain('<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>')
  expect(received).toMatch(
    /<MessageAttribute><Name>kind<\/Name><Value><DataType>String<\/DataType><StringValue>x<\/StringValue><\/Value><\/MessageAttribute>/,
  )
  const [refused, error] = await ask('/', { Action: 'GetQueueUrl', QueueName: 'none' })
  expect([refused, error]).toEqual([
    400,
    expect.stringContaining('<Code>AWS.SimpleQueueService.NonExistentQueue</Code>'),
  ])
})

test('a schedule can be run now, with the event that EventBridge sends, and is retried as that does', async () => {
  const line = watched.line(/GOT/)
  const requestId = watched.simulator.runSchedule('nightly')
  const [, id, event] = /GOT (\S+) (.*)$/.exec(await line) ?? []
  expect(id).toBe(requestId)
  const scheduled = JSON.parse(event ?? '')
  expect(scheduled).toEqual({
    version: '0',
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: '123456789012',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    region: 'us-east-1',
    resources: ['arn:aws:events:us-east-1:123456789012:rule/nightly'],
    detail: {},
  })
  if (exists('example-eventbridge-schedule.json')) {
    expect(Object.keys(scheduled)).toEqual(Object.keys(recorded('example-eventbridge-schedule.json')))
  }
  expect(() => watched.simulator.runSchedule('api')).toThrow("no function 'api' with a schedule")
})

test('an asynchronous invocation that fails is tried three times, and given up aloud', async () => {
  const from = watched.lines.length
  const gaveUp = watched.line(/gave up/)
  const requestId = watched.simulator.invokeAsync('sender', { act: 'throw' })
  expect(await gaveUp).toContain(`${requestId}: it failed 3 times, at last with TypeError: as told`)
  const tries = watched.lines.slice(from).filter((line) => line.includes(`GOT ${requestId}`))
  expect(tries).toHaveLength(3)
  expect(() => watched.simulator.invokeAsync('none', null)).toThrow("no function 'none'")
})
