import { expect, test } from 'vitest'
import { RequestRefusedError } from '../errors.ts'
import { encodeDecodedPath, encodeRawPath, encodeRawQuery, originOf, removePrefix } from './url.ts'

test('a decoded path is encoded so that decoding it gives it back', () => {
  expect(encodeDecodedPath('/100%/a?b#c d')).toBe('/100%25/a%3Fb%23c%20d')
  expect(encodeDecodedPath('/%20')).toBe('/%2520')
  expect(encodeDecodedPath('/ü/日本/😀')).toBe('/%C3%BC/%E6%97%A5%E6%9C%AC/%F0%9F%98%80')
  expect(encodeDecodedPath('/a\\b"<>^`{|}[]\t')).toBe('/a%5Cb%22%3C%3E%5E%60%7B%7C%7D%5B%5D%09')
  expect(encodeDecodedPath("/A-z0_.~!$&'()*+,;=:@")).toBe("/A-z0_.~!$&'()*+,;=:@")
  expect(encodeDecodedPath('/\ud800')).toBe('/%EF%BF%BD')
})

test('an encoded path stays as it is, save what would end it', () => {
  expect(encodeRawPath('/%C3%BC/%2f/%/a|b"c')).toBe('/%C3%BC/%2f/%/a|b"c')
  expect(encodeRawPath('/a b?c#d\\e\tü')).toBe('/a%20b%3Fc%23d%5Ce%09%C3%BC')
})

test('a query stays as it is, save what would end it', () => {
  expect(encodeRawQuery("a=1,2&b=+%2B&a='&c=%zz&?/\\")).toBe("a=1,2&b=+%2B&a='&c=%zz&?/\\")
  expect(encodeRawQuery('q=a b#c\nü')).toBe('q=a%20b%23c%0A%C3%BC')
})

test.each([
  ['/prod/users', '/prod', '/users'],
  ['/prod', '/prod', '/'],
  ['/prod/', '/prod', '/'],
  ['/production', '/prod', '/production'],
  ['/users/prod', '/prod', '/users/prod'],
  ['/prod/prod/x', '/prod', '/prod/x'],
  ['/prod//evil.com', '/prod', '//evil.com'],
])('%s without %s is %s', (path, prefix, rest) => {
  expect(removePrefix(path, prefix)).toBe(rest)
})

test.each([
  ['example.com', 'https://example.com'],
  ['EXAMPLE.com:443', 'https://example.com'],
  ['localhost:3000', 'https://localhost:3000'],
  ['[::1]:3000', 'https://[::1]:3000'],
  ['my_host', 'https://my_host'],
])('host %s makes the origin %s', (host, origin) => {
  expect(originOf('https', host)).toBe(origin)
})

test.each([
  '',
  'a b',
  'good.com/evil',
  'user@evil.com',
  'a?b',
  'a#b',
  'a.com,b.com',
  'a:99999',
  '1.2.3.4.5',
  'ü.de',
])('host %j is refused', (host) => {
  expect(() => originOf('https', host)).toThrow(RequestRefusedError)
})
