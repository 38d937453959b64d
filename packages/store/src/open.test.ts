import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { openStore, type StoreConfigError } from './index.ts'

const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'top-secret' }
const env = { ...keys, AWS_REGION: 'eu-west-1' }

function refusal(url: string, given: Record<string, string> = env): StoreConfigError {
  try {
    openStore(url, given)
  } catch (error) {
    return error as StoreConfigError
  }
  return expect.fail(`${url} was accepted`)
}

test.each([
  ['memory:', 'memory:'],
  ['MEMORY:', 'memory:'],
  ['file:///tmp/a%20folder', 'file:///tmp/a%20folder'],
  ['s3://bucket', 's3://bucket'],
  ['s3://bucket/', 's3://bucket'],
  ['s3://bucket/some/prefix/', 's3://bucket/some/prefix'],
  [
    's3://bucket/a%23b?region=us-west-2&endpoint=http://127.0.0.1:9000&forcePathStyle=true',
    's3://bucket/a#b',
  ],
])('opens %s', async (url, description) => {
  const store = openStore(url, env)
  expect(store.description).toBe(description)
  await store.close()
})

test.each([
  ['gs://bucket', 'STORE_SCHEME_UNKNOWN'],
  ['/folder', 'STORE_SCHEME_UNKNOWN'],
  ['', 'STORE_SCHEME_UNKNOWN'],
  ['memory:name', 'STORE_URL_INVALID'],
  ['memory://', 'STORE_URL_INVALID'],
  ['file:folder', 'STORE_URL_INVALID'],
  ['file:./folder', 'STORE_URL_INVALID'],
  ['file://host/folder', 'STORE_URL_INVALID'],
  ['file:///', 'STORE_URL_INVALID'],
  ['file:///a?x=1', 'STORE_URL_INVALID'],
  ['file:///a%2Fb', 'STORE_URL_INVALID'],
  ['s3:bucket', 'STORE_URL_INVALID'],
  ['s3://', 'STORE_BUCKET_MISSING'],
  ['s3:///prefix', 'STORE_BUCKET_MISSING'],
  ['s3://bucket:9000/prefix', 'STORE_URL_INVALID'],
  ['s3://-/prefix', 'STORE_URL_INVALID'],
  ['s3://bucket/a//b', 'STORE_URL_INVALID'],
  ['s3://bucket/a#b', 'STORE_URL_INVALID'],
  ['s3://bucket/%', 'STORE_URL_INVALID'],
  ['s3://bucket?region=a&region=b', 'STORE_URL_INVALID'],
  ['s3://bucket?forcePathStyle=yes', 'STORE_URL_INVALID'],
  ['s3://bucket?pathStyle=true', 'STORE_URL_INVALID'],
  ['s3://bucket?endpoint=localhost:9000', 'STORE_URL_INVALID'],
])('refuses %j', (url, code) => {
  const error = refusal(url)
  expect(error.name).toBe('StoreConfigError')
  expect(error.code).toBe(code)
})

test('says what is missing', () => {
  expect(refusal('s3://bucket/p', keys)).toMatchObject({ code: 'STORE_REGION_MISSING' })
  const without = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'x' }
  expect(refusal('s3://bucket/p', without)).toMatchObject({
    code: 'STORE_CREDENTIALS_MISSING',
    message: expect.stringContaining('s3://bucket/p: no credentials: set AWS_ACCESS_KEY_ID'),
  })
})

test('a region is not needed where the endpoint is one of one’s own', async () => {
  await openStore('s3://bucket?endpoint=http://localhost:9000', keys).close()
  await openStore('s3://bucket', { ...keys, AWS_ENDPOINT_URL_S3: 'http://localhost:9000' }).close()
  await openStore('s3://bucket', { ...keys, AWS_ENDPOINT_URL: 'http://localhost:9000' }).close()
  await openStore('s3://bucket', { ...keys, AWS_DEFAULT_REGION: 'us-east-2' }).close()
})

test.each([
  's3://AKID:hush@bucket/p',
  's3://AKID:hu/sh@bucket/p',
  's3://bucket?secretAccessKey=hush',
  'gs://user:hush@bucket',
  's3://bucket:9x/p?token=hush',
])('never shows a secret: %s', (url) => {
  expect(refusal(url).message).not.toMatch(/hu\/?sh|AKID/)
})

test('a folder behind a URL', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'thaw-'))
  const url = pathToFileURL(join(directory.path, 'ünï #1'))
  const first = openStore(url)
  await first.put('a', new Uint8Array(3), { ifAbsent: true })
  const second = openStore(url.href)
  expect(await second.head('a')).toMatchObject({ size: 3 })
})
