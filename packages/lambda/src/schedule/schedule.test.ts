import { expect, test } from 'vitest'
import { lambdaContext } from '../../test/events.ts'
import { getInvocation, type ScheduledEvent, type Schema, schedule } from '../index.ts'

const rule = {
  version: '0',
  id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: '123456789012',
  time: '2026-10-08T16:53:06Z',
  region: 'eu-west-1',
  resources: ['arn:aws:events:eu-west-1:123456789012:rule/nightly'],
  detail: {},
}
const arn = 'arn:aws:scheduler:eu-west-1:123456789012:schedule/default/nightly'
const requestId = lambdaContext().awsRequestId

test.each([
  [
    rule,
    {
      key: `event:${rule.id}`,
      dueAt: Date.UTC(2026, 9, 8, 16, 53, 6),
      source: rule.resources[0],
      detail: {},
    },
  ],
  [
    { schedule: arn, time: '2026-03-22T18:59:43Z', detail: { month: 3 } },
    {
      key: `schedule:${arn}:2026-03-22T18:59:43Z`,
      dueAt: Date.UTC(2026, 2, 22, 18, 59, 43),
      source: arn,
      detail: { month: 3 },
    },
  ],
  [{ any: 'thing' }, { key: `lambda:${requestId}`, dueAt: null, source: null, detail: { any: 'thing' } }],
  ['text', { key: `lambda:${requestId}`, dueAt: null, source: null, detail: 'text' }],
])('the event %j is read', async (event, expected) => {
  const seen: ScheduledEvent<unknown>[] = []
  const handler = schedule((scheduled) => {
    seen.push(scheduled)
    expect(getInvocation()?.event).toBe(event)
  })
  expect(await handler(event, lambdaContext())).toBeUndefined()
  expect(seen).toEqual([{ ...expected, event }])
})

test('a failure is Lambda’s to repeat, with what participants throw', async () => {
  await expect(schedule(() => Promise.reject(new Error('no')))(rule, lambdaContext())).rejects.toThrow('no')
  const failing = { around: () => Promise.reject(new Error('could not commit')) }
  await expect(schedule(() => {}, { with: [failing] })(rule, lambdaContext())).rejects.toThrow(
    'could not commit',
  )
})

test('a detail that is not valid is refused before anybody works on it', async () => {
  const schema: Schema<never> = {
    '~standard': { version: 1, validate: () => ({ issues: [{ message: 'never right' }] }) },
  }
  const handler = schedule(() => expect.unreachable(), { schema })
  await expect(handler(rule, lambdaContext())).rejects.toMatchObject({
    code: 'BODY_INVALID',
    message: `The detail of event event:${rule.id} is not valid: never right`,
  })
})

test('what outlives the invocation fails before Lambda would end the environment', async () => {
  const handler = schedule(() => new Promise(() => {}))
  await expect(handler(rule, lambdaContext({ getRemainingTimeInMillis: () => 100 }))).rejects.toMatchObject({
    code: 'DEADLINE_EXCEEDED',
  })
})
