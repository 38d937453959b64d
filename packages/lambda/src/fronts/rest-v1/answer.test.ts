import { expect, test } from 'vitest'
import { writeRestV1Answer } from './answer.ts'

const answer = { status: 200, headers: { a: 'b' }, cookies: [], body: 'x', base64: false }

test('several cookies go as a list, which only this map can hold', () => {
  expect(writeRestV1Answer({ ...answer, cookies: ['a=1; Expires=Wed, 21 Oct 2026', 'b=2'] })).toEqual({
    statusCode: 200,
    headers: { a: 'b' },
    multiValueHeaders: { 'set-cookie': ['a=1; Expires=Wed, 21 Oct 2026', 'b=2'] },
    body: 'x',
    isBase64Encoded: false,
  })
})

// API Gateway answers 502 for a key that it does not know, such as the `cookies` of HTTP APIs.
test('there is no key that a REST API does not know', () => {
  const known = ['statusCode', 'headers', 'multiValueHeaders', 'body', 'isBase64Encoded']
  const written = writeRestV1Answer({ ...answer, cookies: ['a=1'], body: null })
  expect(known).toEqual(expect.arrayContaining(Object.keys(written)))
  expect(written).not.toHaveProperty('body')
})
