import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { queue, type SocketEvent, schedule, socket } from '../src/index.ts'
import { lambdaContext } from './events.ts'

// Events of others, kept beside the repository where they are kept at all.
const folder = new URL('../../../../shared/corpora/lambda-events/other/', import.meta.url)
const read = (file: string) => JSON.parse(readFileSync(new URL(file, folder), 'utf8'))

describe.skipIf(!existsSync(folder))('recorded events', () => {
  test('a batch of a queue', async () => {
    const seen: unknown[] = []
    const handler = queue(({ id, body, attributes }) => void seen.push({ id, body, attributes }))
    const answer = await handler(read('example-sqs-event-obj.json'), lambdaContext())
    expect(answer).toEqual({ batchItemFailures: [] })
    expect(seen).toEqual([
      {
        id: 'MessageID_1',
        body: { a: 'Test', b: 123 },
        attributes: { Attribute1: 'AttributeValue1', Attribute2: '123', Attribute3: Buffer.from('1100') },
      },
    ])
  })

  test('an answer has the shape of the recorded one', async () => {
    const record = read('example-sqs-event.json').Records[0]
    const failing = queue(() => Promise.reject(new Error('no')), { format: 'text', log() {} })
    const Records = ['id2', 'id4'].map((messageId) => ({ ...record, messageId }))
    expect(await failing({ Records }, lambdaContext())).toEqual(read('example-sqs-batch-response.json'))
  })

  test('a connection that opens, is used and ends', async () => {
    const seen: unknown[] = []
    const note = (name: string) => (event: SocketEvent) => void seen.push([name, event.connectionId])
    const handler = socket({ connect: note('connect'), disconnect: note('disconnect') })
    for (const file of [
      'example-apigw-websocket-request.json',
      'example-apigw-websocket-request-without-method.json',
      'example-apigw-websocket-request-disconnect-route.json',
    ]) {
      expect(await handler(read(file), lambdaContext())).toEqual({ statusCode: 200 })
    }
    expect(seen).toEqual([
      ['connect', 'TWegAcC4EowCHnA='],
      ['connect', 'asdfasdf='],
      ['disconnect', 'AAAA1234='],
    ])
  })

  test('a schedule', async () => {
    let seen: unknown
    await schedule(({ key, source, dueAt }) => {
      seen = { key, source, dueAt }
    })(read('example-eventbridge-schedule.json'), lambdaContext())
    expect(seen).toEqual({
      key: 'event:53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
      source: 'arn:aws:events:us-east-1:123456789012:rule/my-scheduled-rule',
      dueAt: Date.UTC(2015, 9, 8, 16, 53, 6),
    })
  })
})
