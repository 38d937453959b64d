import { expect, test } from 'vitest'
import { createRequest } from '../../apps/fetch.ts'
import { openEvent } from '../open.ts'

const requestOf = (changes: object, basePath = ''): Request =>
  createRequest(openEvent(event(changes)).readRequest(basePath))
const event = (changes: object) => ({
  version: '2.0',
  method: 'GET',
  path: '/',
  requestContext: { serviceArn: 'arn' },
  ...changes,
})

test('path and query are as sent', () => {
  const path = '/v1/a%2Fb?b=2&a=+%2B&b=%2C#x'
  const queryStringParameters = { b: ['2', ','], a: [' +'] }
  expect(requestOf({ path, queryStringParameters }, '/v1').url).toBe(
    'https://localhost/a%2Fb?b=2&a=+%2B&b=%2C%23x',
  )
})

test('a query in the map alone is not lost', () => {
  expect(requestOf({ queryStringParameters: { a: ['1 2', '3'], b: '4' } }).url).toBe(
    'https://localhost/?a=1%202&a=3&b=4',
  )
})

test('headers are lists, or single values in events written by hand', () => {
  const { headers } = requestOf({
    headers: { host: ['a.example'], 'x-a': ['1', '2'], cookie: ['a=1', 'b=2'], 'x-b': '3' },
  })
  expect(headers.get('x-a')).toBe('1, 2')
  expect(headers.get('x-b')).toBe('3')
  expect(headers.get('cookie')).toBe('a=1; b=2')
})

test('the log does not get the query', () => {
  expect(openEvent(event({ path: '/a?token=secret' })).path).toBe('/a')
})
