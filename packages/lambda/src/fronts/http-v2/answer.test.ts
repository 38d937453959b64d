import { Buffer } from 'node:buffer'
import { expect, test } from 'vitest'
import { ResponseTooLargeError } from '../../errors.ts'
import { answerLimitBytes } from '../answer.ts'
import { writeHttpV2Answer } from './answer.ts'

const responseLimitBytes = answerLimitBytes.Lambda
const empty = { status: 200, headers: {}, cookies: [], body: '', base64: false }

test('only what there is, is said', () => {
  expect(writeHttpV2Answer({ ...empty, status: 204, body: null })).toEqual({
    statusCode: 204,
    headers: {},
    isBase64Encoded: false,
  })
  expect(
    writeHttpV2Answer({
      status: 201,
      headers: { a: 'b' },
      cookies: ['c=1', 'd=2'],
      body: 'YQ==',
      base64: true,
    }),
  ).toEqual({
    statusCode: 201,
    headers: { a: 'b' },
    cookies: ['c=1', 'd=2'],
    body: 'YQ==',
    isBase64Encoded: true,
  })
})

// A quote takes two bytes in JSON, é two, NUL six.
test.each(['a', '"', 'é', '\0'])('the limit is met to the byte with a body of %j', (character) => {
  const room = responseLimitBytes - Buffer.byteLength(JSON.stringify(writeHttpV2Answer(empty)))
  const cost = Buffer.byteLength(JSON.stringify(character)) - 2
  const body = character.repeat(Math.floor(room / cost)) + 'x'.repeat(room % cost)
  expect(Buffer.byteLength(JSON.stringify(writeHttpV2Answer({ ...empty, body })))).toBe(responseLimitBytes)
  expect(() => writeHttpV2Answer({ ...empty, body: `${body}x` })).toThrow(ResponseTooLargeError)
  expect(() => writeHttpV2Answer({ ...empty, body: `${body}x` })).toThrow(
    /6291557 bytes .* limit of 6291556 bytes/,
  )
})
