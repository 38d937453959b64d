import { expect, test } from 'vitest'
import { type SignedRequest, verify } from './signature.ts'

// Amazon's own examples: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
const keys = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  now: Date.UTC(2013, 4, 24),
}
const scope = 'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request'
const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const host = 'examplebucket.s3.amazonaws.com'

const get: SignedRequest = {
  method: 'GET',
  url: '/test.txt',
  headers: {
    host,
    range: 'bytes=0-9',
    'x-amz-content-sha256': empty,
    'x-amz-date': '20130524T000000Z',
    authorization: `${scope},SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41`,
  },
  body: new Uint8Array(),
}

const put: SignedRequest = {
  method: 'PUT',
  url: '/test%24file.text',
  headers: {
    host,
    date: 'Fri, 24 May 2013 00:00:00 GMT',
    'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    'x-amz-date': '20130524T000000Z',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    authorization: `${scope},SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd`,
  },
  body: new TextEncoder().encode('Welcome to Amazon S3.'),
}

const list: SignedRequest = {
  method: 'GET',
  url: '/?prefix=J&max-keys=2',
  headers: {
    host,
    'x-amz-content-sha256': empty,
    'x-amz-date': '20130524T000000Z',
    authorization: `${scope},SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7`,
  },
  body: new Uint8Array(),
}

test.each([
  ['get', get],
  ['put', put],
  ['list', list],
])('accepts Amazon’s example of a %s', (_name, request) => {
  expect(verify(request, keys)).toBeNull()
})

test.each<[string, Partial<SignedRequest>, number?]>([
  ['SignatureDoesNotMatch', { method: 'DELETE' }],
  ['SignatureDoesNotMatch', { url: '/test%24file.txt' }],
  ['SignatureDoesNotMatch', { url: '/test%24file.text?acl' }],
  ['SignatureDoesNotMatch', { headers: { ...put.headers, 'x-amz-storage-class': 'STANDARD' } }],
  ['AccessDenied', { headers: { ...put.headers, 'x-amz-acl': 'public-read' } }],
  ['AccessDenied', { headers: { host } }],
  ['XAmzContentSHA256Mismatch', { body: new Uint8Array(3) }],
  ['BadDigest', { headers: { ...put.headers, 'content-md5': 'AAAA' } }],
  ['RequestTimeTooSkewed', {}, keys.now + 900_001],
  ['RequestTimeTooSkewed', {}, keys.now - 900_001],
])('says %s to %j', (code, change, now = keys.now) => {
  expect(verify({ ...put, ...change }, { ...keys, now })).toMatchObject({ code })
})

test('knows its users', () => {
  expect(verify(put, { ...keys, accessKeyId: 'other' })).toMatchObject({
    status: 403,
    code: 'InvalidAccessKeyId',
  })
  expect(verify(put, { ...keys, secretAccessKey: 'other' })).toMatchObject({ code: 'SignatureDoesNotMatch' })
})
