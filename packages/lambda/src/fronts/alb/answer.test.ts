import { expect, test } from 'vitest'
import { ResponseTooLargeError } from '../../errors.ts'
import { writeAlbAnswer } from './answer.ts'
import type { AlbEvent } from './event.ts'

const single: AlbEvent = { requestContext: { elb: {} }, httpMethod: 'GET', path: '/' }
const answer = { status: 200, headers: { a: 'b' }, cookies: ['a=1', 'b=2'], body: 'x', base64: false }

test('the answer has the form of the event: lists for lists', () => {
  expect(writeAlbAnswer(answer, { ...single, multiValueHeaders: {} })).toEqual({
    statusCode: 200,
    statusDescription: '200 OK',
    multiValueHeaders: { a: ['b'], 'set-cookie': ['a=1', 'b=2'] },
    body: 'x',
    isBase64Encoded: false,
  })
})

test('single values for single values, and each cookie under a spelling of its own', () => {
  expect(writeAlbAnswer({ ...answer, status: 404 }, single)).toEqual({
    statusCode: 404,
    statusDescription: '404 Not Found',
    headers: { a: 'b', 'set-cookie': 'a=1', 'Set-cookie': 'b=2' },
    body: 'x',
    isBase64Encoded: false,
  })
  const cookies = Array.from({ length: 512 }, (_, index) => `c${index}=1`)
  const { headers = {} } = writeAlbAnswer({ ...answer, headers: {}, cookies }, single)
  expect(Object.values(headers)).toEqual(cookies)
  expect(new Set(Object.keys(headers).map((name) => name.toLowerCase()))).toEqual(new Set(['set-cookie']))
})

test('a load balancer takes one megabyte, not the six of Lambda', () => {
  const room = 1_048_576 - JSON.stringify(writeAlbAnswer({ ...answer, body: '' }, single)).length
  expect(() => writeAlbAnswer({ ...answer, body: 'x'.repeat(room) }, single)).not.toThrow()
  expect(() => writeAlbAnswer({ ...answer, body: 'x'.repeat(room + 1) }, single)).toThrow(
    ResponseTooLargeError,
  )
  expect(() => writeAlbAnswer({ ...answer, body: 'x'.repeat(room + 1) }, single)).toThrow(
    /1048577 bytes once encoded for the load balancer/,
  )
})
