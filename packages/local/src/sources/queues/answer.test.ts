import { expect, test } from 'vitest'
import { readBatchAnswer } from './answer.ts'

const ids = ['a', 'b', 'c']

test.each([
  ['null', []],
  ['', []],
  ['{}', []],
  ['{"batchItemFailures":[]}', []],
  ['{"batchItemFailures":null}', []],
  ['{"batchItemFailures":[{"itemIdentifier":"b"}]}', ['b']],
  [
    '{"batchItemFailures":[{"itemIdentifier":"c"},{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}',
    ['c', 'a'],
  ],
])('%s: these failed: %j', (payload, failed) => {
  expect(readBatchAnswer(payload, ids)).toEqual({ failed: new Set(failed) })
})

test.each([
  ['{"batchItemFailures":[{"itemIdentifier":"z"}]}', "itemIdentifier 'z' is no message of the batch"],
  ['{"batchItemFailures":[{"itemIdentifier":""}]}', 'no itemIdentifier'],
  ['{"batchItemFailures":[{"itemIdentifier":null}]}', 'no itemIdentifier'],
  ['{"batchItemFailures":[{"itemIdentifier":1}]}', 'no itemIdentifier'],
  ['{"batchItemFailures":[{"item":"a"}]}', 'no itemIdentifier'],
  ['{"batchItemFailures":[null]}', 'no itemIdentifier'],
  ['{"batchItemFailures":["a"]}', 'no itemIdentifier'],
  ['{"batchItemFailures":{"itemIdentifier":"a"}}', 'must be a list'],
  ['{"batchItemFailures":"a"}', 'must be a list'],
  ['"ok"', 'must be { batchItemFailures'],
  ['[]', 'must be { batchItemFailures'],
  ['{', 'no JSON'],
])('%s: the whole batch failed', (payload, reason) => {
  expect(readBatchAnswer(payload, ids)).toEqual({ malformed: expect.stringContaining(reason) })
})
