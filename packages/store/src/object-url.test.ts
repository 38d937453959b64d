import { expect, test } from 'vitest'
import { objectAddress } from './object-url.ts'

test.each([
  ['s3://bucket/a.db', 's3://bucket/', 'a.db'],
  [
    'S3://bucket/x/y/a%20b.db?endpoint=http://h:1&region=r',
    'S3://bucket/x/y/?endpoint=http://h:1&region=r',
    'a b.db',
  ],
  ['file:///folder/a.db', 'file:///folder/', 'a.db'],
])('%s is an object', (url, storeUrl, key) => {
  expect(objectAddress(url)).toEqual({ storeUrl, key, description: url.split('?')[0] })
})

test.each([
  's3://bucket',
  's3://bucket/',
  's3://bucket/folder/',
  's3://',
  'a.db',
  'https://x/y',
  's3://b/%zz',
  's3://b/a#b',
])('%s is none', (url) => expect(objectAddress(url)).toBeNull())
