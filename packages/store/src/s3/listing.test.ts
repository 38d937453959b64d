import { expect, test } from 'vitest'
import { parsePage } from './listing.ts'

const contents = (key: string) =>
  `<Contents><Key>${key}</Key><LastModified>2026-11-20T19:36:01.250Z</LastModified>` +
  '<ETag>&quot;d41d&quot;</ETag><Size>12</Size><StorageClass>STANDARD</StorageClass></Contents>'

const page = (inside: string) => `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>${inside}</ListBucketResult>`

test('reads a page', () => {
  const token = '1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM='
  const xml = page(
    `<IsTruncated>true</IsTruncated>${contents('a')}\n${contents('b')}<NextContinuationToken>${token}</NextContinuationToken>`,
  )
  const object = { size: 12, etag: '"d41d"', modifiedAt: Date.UTC(2026, 10, 20, 19, 36, 1, 250) }
  expect(parsePage(xml)).toEqual({
    objects: [
      { key: 'a', ...object },
      { key: 'b', ...object },
    ],
    next: token,
  })
})

test('decodes names only when the server says that they are encoded', () => {
  const keys = (xml: string) => parsePage(xml)?.objects.map(({ key }) => key)
  const end = '<IsTruncated>false</IsTruncated>'
  expect(keys(page(`${end}<EncodingType>url</EncodingType>${contents('a+b%2Bc/%C3%BC%0A')}`))).toEqual([
    'a b+c/ü\n',
  ])
  expect(keys(page(end + contents('a+b%2Bc&amp;&#60;&#x1F642;')))).toEqual(['a+b%2Bc&<🙂'])
  expect(keys(page(`${end}<EncodingType>url</EncodingType>${contents('%E0%A4%A')}`))).toBeUndefined()
})

test('an empty page', () => {
  expect(parsePage(page('<IsTruncated>false</IsTruncated>'))).toEqual({ objects: [], next: null })
})
