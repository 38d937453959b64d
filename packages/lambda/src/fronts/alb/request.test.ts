import { expect, test } from 'vitest'
import { createRequest } from '../../apps/fetch.ts'
import { openEvent } from '../open.ts'

const requestOf = (changes: object, basePath = ''): Request =>
  createRequest(openEvent(event(changes)).readRequest(basePath))
const event = (changes: object) => ({
  requestContext: { elb: { targetGroupArn: 'arn' } },
  httpMethod: 'GET',
  path: '/',
  ...changes,
})

test('a health check, which has neither host nor query', () => {
  const request = requestOf({
    queryStringParameters: {},
    headers: { 'user-agent': 'ELB-HealthChecker/2.0' },
    body: '',
  })
  expect(request.url).toBe('https://localhost/')
  expect(request.headers.get('user-agent')).toBe('ELB-HealthChecker/2.0')
})

test('the query is not decoded by the front, and not encoded again', () => {
  const lists = {
    multiValueQueryStringParameters: { 'a%20b': ['%2B', '+', '1%2C2'], myKey: ['%3Fx%3Dtrue'] },
  }
  expect(requestOf(lists).url).toBe('https://localhost/?a%20b=%2B&a%20b=+&a%20b=1%2C2&myKey=%3Fx%3Dtrue')
  expect(requestOf({ queryStringParameters: { q: '%C3%BC', e: '' } }).url).toBe(
    'https://localhost/?q=%C3%BC&e=',
  )
  expect(requestOf({ queryStringParameters: { q: 'a b#c' } }).url).toBe('https://localhost/?q=a%20b%23c')
})

test('repeated headers and cookies of multi-value mode are all there', () => {
  const { headers } = requestOf({
    multiValueHeaders: { host: ['a.example'], cookie: ['a=1', 'b=2'], accept: ['x', 'y'] },
  })
  expect(headers.get('cookie')).toBe('a=1; b=2')
  expect(headers.get('accept')).toBe('x, y')
})

test('scheme and host are those of the client, the path is as sent, without the base path', () => {
  const headers = { host: 'a.example:8080', 'x-forwarded-proto': 'http' }
  expect(requestOf({ headers, path: '/v1/%2e%2e/a%2Fb' }, '/v1').url).toBe(
    'http://a.example:8080/%2e%2e/a%2Fb',
  )
})

test('the client is the last that the load balancer added', () => {
  const addressOf = (changes: object) => openEvent(event(changes)).readCaller().address
  expect(addressOf({ headers: { 'x-forwarded-for': '1.1.1.1, 2.2.2.2' } })).toBe('2.2.2.2')
  expect(addressOf({ multiValueHeaders: { 'X-Forwarded-For': ['1.1.1.1', '2.2.2.2,3.3.3.3'] } })).toBe(
    '3.3.3.3',
  )
  expect(addressOf({ headers: { 'x-forwarded-for': '1.1.1.1, 2.2.2.2:65535' } })).toBe('2.2.2.2')
  expect(addressOf({ headers: { 'x-forwarded-for': '[2001:db8::1]:443' } })).toBe('2001:db8::1')
  expect(addressOf({ headers: { 'x-forwarded-for': '2001:db8::1' } })).toBe('2001:db8::1')
  expect(addressOf({ headers: { 'x-forwarded-for': '' } })).toBeNull()
  expect(addressOf({ headers: null })).toBeNull()
})
