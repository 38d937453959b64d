import { expect, test } from 'vitest'
import { StoreConfigError } from '../errors.ts'
import { addressOf, pathOf } from './address.ts'

const at = (options: Partial<Parameters<typeof addressOf>[0]>) => {
  const address = addressOf({ bucket: 'bucket', region: 'eu-west-1', ...options })
  return `${address.secure ? 'https' : 'http'} ${address.hostname} ${address.port} ${address.host}${pathOf(address, 'k')}`
}

test.each([
  [{}, 'https bucket.s3.eu-west-1.amazonaws.com 443 bucket.s3.eu-west-1.amazonaws.com/k'],
  [
    { region: 'cn-north-1' },
    'https bucket.s3.cn-north-1.amazonaws.com.cn 443 bucket.s3.cn-north-1.amazonaws.com.cn/k',
  ],
  [{ pathStyle: true }, 'https s3.eu-west-1.amazonaws.com 443 s3.eu-west-1.amazonaws.com/bucket/k'],
  [{ bucket: 'a.b' }, 'https s3.eu-west-1.amazonaws.com 443 s3.eu-west-1.amazonaws.com/a.b/k'],
  [{ endpoint: 'http://localhost:9000' }, 'http localhost 9000 localhost:9000/bucket/k'],
  [{ endpoint: 'http://[::1]:9000/' }, 'http ::1 9000 [::1]:9000/bucket/k'],
  [{ endpoint: 'https://10.0.0.1' }, 'https 10.0.0.1 443 10.0.0.1/bucket/k'],
  [{ endpoint: 'https://s3.example.com' }, 'https bucket.s3.example.com 443 bucket.s3.example.com/k'],
  [
    { endpoint: 'http://s3.example.com:80', pathStyle: true },
    'http s3.example.com 80 s3.example.com/bucket/k',
  ],
  [{ endpoint: 'http://127.0.0.1:1', pathStyle: false }, 'http bucket.127.0.0.1 1 bucket.127.0.0.1:1/k'],
])('%j', (options, expected) => {
  expect(at(options)).toBe(expected)
})

test.each([
  'localhost:9000',
  'ftp://host',
  'http://host/path',
  'http://user:secret@host',
  'http://host?x=1',
  '',
])('refuses the endpoint %j', (endpoint) => {
  expect(() => at({ endpoint })).toThrow(StoreConfigError)
  expect(() => at({ endpoint })).not.toThrow('secret')
})

test('encodes names as the signature wants them', () => {
  const address = addressOf({ bucket: 'b', region: 'us-east-1' })
  expect(pathOf(address, "a b/c+d/(e)*'!~/%/ü?#")).toBe('/a%20b/c%2Bd/%28e%29%2A%27%21~/%25/%C3%BC%3F%23')
})
