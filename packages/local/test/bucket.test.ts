import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLifecycleConfigurationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { openStore } from '@thaw/store'
import { seededRandom } from '@thaw/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { storeContract } from '../../store/test/contract.ts'
import { raceOfProcesses } from '../../store/test/race.ts'
import { credentials, type OpenBucket, openBucket } from './bucket-support.ts'

const Bucket = 'some-bucket'
const env = { AWS_ACCESS_KEY_ID: 'LOCAL', AWS_SECRET_ACCESS_KEY: 'local', AWS_REGION: 'eu-central-1' }
const storeUrl = (url: string, prefix = '') => `s3://${Bucket}/${prefix}?endpoint=${url}&forcePathStyle=true`

let bucket: OpenBucket
let s3: S3Client

beforeAll(async () => {
  bucket = await openBucket()
  s3 = bucket.client
})

afterAll(async () => {
  await bucket.close()
  expect(bucket.lines).toEqual([])
})

storeContract('the local S3 server', async () => {
  const own = await openBucket()
  const store = openStore(storeUrl(own.url, 'some/prefix'), env)
  return {
    store,
    async close() {
      await store.close()
      await own.close()
      expect(own.lines).toEqual([])
    },
  }
})

test('of several processes that create one name, exactly one succeeds', async () => {
  await raceOfProcesses(storeUrl(bucket.url, 'race'), env)
})

const put = (Key: string, Body: string | Uint8Array = Key, more = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
const textOf = async (Key: string) =>
  await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString()

describe('objects, by the SDK', () => {
  test('come back with type, metadata and checksum, and md5 as their etag', async () => {
    const Key = 'a/ü +%&?#=~/😀'
    const { ETag } = await put(Key, 'hello', {
      ContentType: 'text/plain',
      CacheControl: 'no-store',
      Metadata: { colour: 'blue' },
    })
    expect(ETag).toBe(`"${createHash('md5').update('hello').digest('hex')}"`)
    const got = await s3.send(new GetObjectCommand({ Bucket, Key }))
    expect(await got.Body?.transformToString()).toBe('hello')
    expect(got).toMatchObject({
      ETag,
      ContentType: 'text/plain',
      CacheControl: 'no-store',
      ContentLength: 5,
      Metadata: { colour: 'blue' },
      ChecksumCRC32: 'NhCmhg==',
    })
    expect(got.ContentEncoding).toBeUndefined()
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }))
    expect(head).toMatchObject({ ETag, ContentLength: 5 })
    expect(head.LastModified).toEqual(got.LastModified)
  })

  test.each(['CRC32', 'SHA1', 'SHA256'] as const)(
    'a wrong %s is refused, and nothing is kept',
    async (name) => {
      const wrong = {
        [`Checksum${name}`]: Buffer.alloc(name === 'CRC32' ? 4 : name === 'SHA1' ? 20 : 32).toString(
          'base64',
        ),
      }
      await expect(put('checksum', 'x', wrong)).rejects.toMatchObject({ name: 'BadDigest' })
      await expect(textOf('checksum')).rejects.toMatchObject({ name: 'NoSuchKey' })
    },
  )

  test('a stream in aws-chunked pieces, with its checksum behind', async () => {
    const bytes = Buffer.alloc(100_000, 'abc')
    const send = async (change: (wire: string) => string, length = bytes.length) => {
      const checksum = Buffer.alloc(4)
      checksum.writeUInt32BE(crc32(bytes))
      const pieces = [bytes.subarray(0, 70_001), bytes.subarray(70_001)]
      const chunks = pieces.map((piece) => `${piece.length.toString(16)};chunk-signature=0\r\n${piece}\r\n`)
      const wire = `${chunks.join('')}0\r\nx-amz-checksum-crc32:${checksum.toString('base64')}\r\n\r\n`
      const answer = await fetch(`${bucket.url}/${Bucket}/chunked`, {
        method: 'PUT',
        headers: {
          'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
          'x-amz-trailer': 'x-amz-checksum-crc32',
          'x-amz-decoded-content-length': String(length),
          'content-encoding': 'aws-chunked',
        },
        body: change(wire),
      })
      return [answer.status, /<Code>(.*)<\/Code>/.exec(await answer.text())?.[1]]
    }
    expect(await send((wire) => wire.replace('abc', 'abd'))).toEqual([400, 'BadDigest'])
    expect(await send((wire) => wire.replace('11171', '11172'))).toEqual([400, 'IncompleteBody'])
    expect(await send((wire) => wire.slice(0, -2))).toEqual([400, 'IncompleteBody'])
    expect(await send((wire) => wire, 5)).toEqual([400, 'IncompleteBody'])
    await expect(textOf('chunked')).rejects.toMatchObject({ name: 'NoSuchKey' })
    expect(await send((wire) => wire)).toEqual([200, undefined])
    expect(await textOf('chunked')).toBe(bytes.toString())
  })

  test('conditions of puts', async () => {
    const { ETag } = await put('condition', 'one', { IfNoneMatch: '*' })
    await expect(put('condition', 'two', { IfNoneMatch: '*' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    })
    await expect(put('condition', 'two', { IfMatch: '"0"' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
    })
    await expect(put('absent', 'two', { IfMatch: ETag })).rejects.toMatchObject({ name: 'NoSuchKey' })
    expect(await textOf('condition')).toBe('one')
    await put('condition', 'two', { IfMatch: ETag })
    expect(await textOf('condition')).toBe('two')
  })

  test('conditions and ranges of gets', async () => {
    const { ETag } = await put('range', '0123456789')
    const get = (more: object) => s3.send(new GetObjectCommand({ Bucket, Key: 'range', ...more }))
    const read = async (Range: string) => {
      const { Body, ContentRange } = await get({ Range, IfMatch: ETag })
      return [await Body?.transformToString(), ContentRange]
    }
    expect(await read('bytes=2-4')).toEqual(['234', 'bytes 2-4/10'])
    expect(await read('bytes=7-')).toEqual(['789', 'bytes 7-9/10'])
    expect(await read('bytes=-2')).toEqual(['89', 'bytes 8-9/10'])
    expect(await read('bytes=8-100')).toEqual(['89', 'bytes 8-9/10'])
    expect(await read('bytes=4-2')).toEqual(['0123456789', undefined])
    await expect(read('bytes=10-')).rejects.toMatchObject({ name: 'InvalidRange' })
    await expect(get({ IfMatch: '"0"' })).rejects.toMatchObject({ name: 'PreconditionFailed' })
    await expect(get({ IfNoneMatch: ETag })).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } })
    await expect(get({ IfModifiedSince: new Date() })).rejects.toMatchObject({
      $metadata: { httpStatusCode: 304 },
    })
  })

  test('are deleted, one or many, also with a condition', async () => {
    await Promise.all(['x/1', 'x/2', 'x/&<>"'].map((key) => put(key)))
    const bad = new DeleteObjectCommand({ Bucket, Key: 'x/1', IfMatch: '"0"' })
    await expect(s3.send(bad)).rejects.toMatchObject({ name: 'PreconditionFailed' })
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'x/1' }))
    const Objects = ['x/2', 'x/&<>"', 'x/never'].map((Key) => ({ Key }))
    const { Deleted } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(Deleted).toEqual(Objects)
    expect((await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'x/' }))).KeyCount).toBe(0)
  })

  test('are copied, with their metadata or other', async () => {
    await put('from +/1', 'copy me', { Metadata: { a: '1' }, ContentType: 'text/css' })
    const CopySource = `${Bucket}/${encodeURIComponent('from +/1')}`
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'to', CopySource }))
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: 'to' }))).toMatchObject({
      ContentType: 'text/css',
      Metadata: { a: '1' },
    })
    const other = { MetadataDirective: 'REPLACE', Metadata: { b: '2' } } as const
    await s3.send(new CopyObjectCommand({ Bucket: 'other-bucket', Key: 'to', CopySource, ...other }))
    const head = await s3.send(new HeadObjectCommand({ Bucket: 'other-bucket', Key: 'to' }))
    expect(head.Metadata).toEqual({ b: '2' })
    const failing = new CopyObjectCommand({ Bucket, Key: 'to', CopySource, CopySourceIfMatch: '"0"' })
    await expect(s3.send(failing)).rejects.toMatchObject({ name: 'PreconditionFailed' })
  })
})

test('uploads in parts: conditions, order, sizes, copies of parts', async () => {
  const Key = 'parts'
  const upload = async () =>
    (await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, Metadata: { m: '1' } }))).UploadId
  const part = async (UploadId: string | undefined, PartNumber: number, Body: Uint8Array) => {
    const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }))
    return { ETag, PartNumber }
  }
  const complete = (UploadId: string | undefined, Parts: object[], more = {}) =>
    s3.send(
      new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }),
    )

  const big = Buffer.alloc(5 * 1024 * 1024, 'x')
  const [one, two] = [await upload(), await upload()]
  const parts = [await part(one, 2, big), await part(one, 3, Buffer.from('end'))]
  expect((await s3.send(new ListPartsCommand({ Bucket, Key, UploadId: one }))).Parts).toMatchObject([
    { PartNumber: 2, Size: big.length },
    { PartNumber: 3, Size: 3 },
  ])
  await expect(complete(one, [...parts].reverse())).rejects.toMatchObject({ name: 'InvalidPartOrder' })
  await expect(complete(one, [{ ...parts[0], ETag: '"0"' }])).rejects.toMatchObject({ name: 'InvalidPart' })
  const small = [await part(two, 1, Buffer.from('small')), await part(two, 2, Buffer.from('end'))]
  await expect(complete(two, small)).rejects.toMatchObject({ name: 'EntityTooSmall' })

  const { ETag } = await complete(one, parts, { IfNoneMatch: '*' })
  expect(ETag).toMatch(/^"[0-9a-f]{32}-2"$/)
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key }))
  expect(head).toMatchObject({ ETag, ContentLength: big.length + 3, Metadata: { m: '1' } })
  await expect(complete(one, parts)).rejects.toMatchObject({ name: 'NoSuchUpload' })
  await expect(complete(two, small.slice(0, 1), { IfNoneMatch: '*' })).rejects.toMatchObject({
    name: 'PreconditionFailed',
  })

  const copy = new UploadPartCopyCommand({
    Bucket,
    Key,
    UploadId: two,
    PartNumber: 1,
    CopySource: `${Bucket}/${Key}`,
    CopySourceRange: `bytes=${big.length - 1}-${big.length + 2}`,
  })
  const { CopyPartResult } = await s3.send(copy)
  await complete(two, [{ PartNumber: 1, ETag: CopyPartResult?.ETag }], { IfMatch: ETag })
  expect(await textOf(Key)).toBe('xend')
  expect((await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads).toBeUndefined()
})

describe('lists', () => {
  const List = 'lists'
  const keys = ['A', 'a', 'a/', 'a/b', 'a/b/c', 'a/ü', 'b/1', 'b/2', 'c\u0001&', '\uff5e', '😀', '😀/x']
  const inOrder = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

  beforeAll(async () => {
    await Promise.all(keys.map((Key) => s3.send(new PutObjectCommand({ Bucket: List, Key, Body: Key }))))
  })

  /** All pages of a list, keys and common prefixes each in order. */
  async function pages(options: object) {
    const found: { keys: string[]; prefixes: string[] } = { keys: [], prefixes: [] }
    let token: string | undefined
    do {
      const page = await s3.send(
        new ListObjectsV2Command({ Bucket: List, ContinuationToken: token, ...options }),
      )
      found.keys.push(...(page.Contents ?? []).map(({ Key = '' }) => Key))
      found.prefixes.push(...(page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix))
      token = page.NextContinuationToken
      expect(page.IsTruncated).toBe(token !== undefined)
    } while (token !== undefined)
    return found
  }

  test.each([1, 2, 3, 1000])('in the order of bytes, %i to a page', async (MaxKeys) => {
    expect(await pages({ MaxKeys })).toEqual({ keys: inOrder, prefixes: [] })
    expect(await pages({ MaxKeys, Prefix: 'a' })).toEqual({
      keys: inOrder.filter((key) => key.startsWith('a')),
      prefixes: [],
    })
    expect(await pages({ MaxKeys, StartAfter: 'a/b' })).toEqual({
      keys: inOrder.slice(inOrder.indexOf('a/b') + 1),
      prefixes: [],
    })
    expect(await pages({ MaxKeys, Delimiter: '/' })).toEqual({
      keys: inOrder.filter((key) => !key.includes('/')),
      prefixes: ['a/', 'b/', '😀/'],
    })
    expect(await pages({ MaxKeys, Delimiter: '/', Prefix: 'a/' })).toEqual({
      keys: ['a/', 'a/b', 'a/ü'],
      prefixes: ['a/b/'],
    })
  })

  test('of the first version', async () => {
    const found: string[] = []
    let Marker: string | undefined
    do {
      const page = await s3.send(new ListObjectsCommand({ Bucket: List, Delimiter: '/', MaxKeys: 1, Marker }))
      found.push(...(page.Contents ?? []).map(({ Key = '' }) => Key))
      found.push(...(page.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix))
      Marker = page.NextMarker
    } while (Marker !== undefined)
    expect(found).toEqual(
      ['A', 'a', 'a/', 'b/', 'c\u0001&', '\uff5e', '😀', '😀/'].sort((a, b) =>
        Buffer.compare(Buffer.from(a), Buffer.from(b)),
      ),
    )
  })

  test('encoded, and with a limit of 0', async () => {
    const answer = await fetch(`${bucket.url}/${List}?list-type=2&prefix=c&encoding-type=url`)
    expect(await answer.text()).toContain('<Key>c%01%26</Key>')
    expect(await pages({ MaxKeys: 0 })).toEqual({ keys: [], prefixes: [] })
  })
})

test('what it does not do is refused, and what is not set is said so', async () => {
  await expect(s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).rejects.toMatchObject({
    name: 'NoSuchLifecycleConfiguration',
    $metadata: { httpStatusCode: 404 },
  })
  await put('tagged')
  const tagging = new PutObjectTaggingCommand({ Bucket, Key: 'tagged', Tagging: { TagSet: [] } })
  await expect(s3.send(tagging)).rejects.toMatchObject({ name: 'NotImplemented' })
  expect(await textOf('tagged')).toBe('tagged')
})

test('of a batch each is deleted by its own condition', async () => {
  const put = (Key: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
  const { ETag } = await put('batch-a')
  await put('batch-b')
  const Objects = [
    { Key: 'batch-a', ETag },
    { Key: 'batch-b', ETag },
    { Key: 'batch-c', ETag },
  ]
  const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
  expect(Deleted).toEqual([{ Key: 'batch-a' }, { Key: 'batch-c' }])
  expect(Errors).toMatchObject([{ Key: 'batch-b', Code: 'PreconditionFailed' }])
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'batch-' }))
  expect(Contents?.map(({ Key }) => Key)).toEqual(['batch-b'])
})

test('pages of this machine may use it, and no others', async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: 'shown', Body: 'x' }))
  const ask = (origin: string, method = 'GET') =>
    fetch(`${bucket.url}/${Bucket}/shown`, { method, headers: { origin } })
  for (const origin of [
    'http://localhost:3000',
    'http://web.localhost',
    'http://127.0.0.1:1',
    'http://[::1]:1',
  ]) {
    const response = await ask(origin)
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, origin])
  }
  for (const origin of [
    'https://example.com',
    'http://localhost.example.com',
    'null',
    'http://127.0.0.1.example.com',
  ]) {
    const response = await ask(origin, 'DELETE')
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([403, null])
  }
  expect((await fetch(`${bucket.url}/${Bucket}/shown`)).status).toBe(200)
})

test('a document of nothing but beginnings is refused as fast as any', async () => {
  const body = '<Object>'.repeat(250_000)
  const response = await fetch(`${bucket.url}/${Bucket}?delete`, { method: 'POST', body })
  expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('MalformedXML')])
})

test('what the query wants as a header, and no header may be, is left out', async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: 'plain', Body: 'x', ContentType: 'text/plain' }))
  const response = await fetch(`${bucket.url}/${Bucket}/plain?response-content-type=a%00b`)
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/plain'])
})

test('addresses: virtual hosts, and signatures in the query until they expire', async () => {
  await put('address', 'found')
  const { hostname, port } = new URL(bucket.url)
  const client = new S3Client({
    endpoint: `http://s3.localhost:${port}`,
    region: 'eu-central-1',
    credentials,
  })
  const sent: string[] = []
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { hostname: string; headers: Record<string, string> }
      sent.push(request.hostname)
      request.hostname = hostname // Not every system resolves names below localhost.
      return next(args)
    },
    { step: 'finalizeRequest', priority: 'low' },
  )
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'address' }))
  expect(await Body?.transformToString()).toBe('found')
  expect(sent).toEqual([`${Bucket}.s3.localhost`])
  client.destroy()

  const presigned = (date: string) =>
    fetch(
      `${bucket.url}/${Bucket}/address?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=${date}&X-Amz-Expires=60&X-Amz-Signature=0`,
    )
  const now = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  expect(await (await presigned(now)).text()).toBe('found')
  expect((await presigned('20200101T000000Z')).status).toBe(403)
  expect((await presigned('never')).status).toBe(400)
})

test('a signature that is too old is refused, as a thawed environment would find', async () => {
  const late = await openBucket({ now: () => Date.now() + 16 * 60_000 })
  try {
    const request = new PutObjectCommand({ Bucket, Key: 'late', Body: 'x' })
    await expect(late.client.send(request)).rejects.toMatchObject({ name: 'RequestTimeTooSkewed' })
  } finally {
    await late.close()
  }
})

test('everything is there after a restart, and the bytes of what was replaced are gone', async () => {
  const first = await openBucket()
  try {
    for (const Body of ['one', 'two'])
      await first.client.send(new PutObjectCommand({ Bucket, Key: 'k', Body, Metadata: { a: 'b' } }))
    const second = await openBucket({ directory: first.directory })
    try {
      const { Body, Metadata } = await second.client.send(new GetObjectCommand({ Bucket, Key: 'k' }))
      expect(await Body?.transformToString()).toBe('two')
      expect(Metadata).toEqual({ a: 'b' })
    } finally {
      await second.close()
    }
    expect(await readdir(`${first.directory}/files`)).toHaveLength(1)
  } finally {
    await first.close()
  }
})

test('writers at once: of each round one wins, and what it wrote is read whole', async () => {
  const random = seededRandom('writers')
  let ETag: string | undefined
  for (let round = 0; round < 5; round++) {
    const bodies = Array.from({ length: 8 }, (_, writer) =>
      Buffer.alloc(random.integer(1, 100_000), `${writer}`),
    )
    const condition = ETag === undefined ? { IfNoneMatch: '*' } : { IfMatch: ETag }
    const results = await Promise.allSettled(bodies.map((body) => put('contended', body, condition)))
    const winners = results.flatMap((result, writer) => (result.status === 'fulfilled' ? [writer] : []))
    expect(winners).toHaveLength(1)
    expect(await textOf('contended')).toBe(bodies[winners[0] ?? 0]?.toString())
    ETag = (await s3.send(new HeadObjectCommand({ Bucket, Key: 'contended' }))).ETag
  }
})

describe('faults', () => {
  test('befall requests as they say', async () => {
    const seen: string[] = []
    const plan = [
      { fate: 'unavailable' },
      { fate: 'reset' },
      { fate: 'lost-answer' },
      { delayMs: 50 },
    ] as const
    let next = 0
    const own = await openBucket({
      faults: ({ method, key }) => {
        seen.push(`${method} ${key}`)
        return method === 'PUT' ? (plan[next++] ?? null) : null
      },
    })
    const write = (Key: string) =>
      own.client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', IfNoneMatch: '*' }))
    try {
      await expect(write('a')).rejects.toMatchObject({ name: 'SlowDown', $metadata: { httpStatusCode: 503 } })
      await expect(write('b')).rejects.toMatchObject({ code: 'ECONNRESET' })
      await expect(write('c')).rejects.toMatchObject({ code: 'ECONNRESET' })
      const before = performance.now()
      await write('d')
      expect(performance.now() - before).toBeGreaterThanOrEqual(45)
      const { Contents } = await own.client.send(new ListObjectsV2Command({ Bucket }))
      expect(Contents?.map(({ Key }) => Key)).toEqual(['c', 'd'])
      expect(seen).toEqual(['PUT a', 'PUT b', 'PUT c', 'PUT d', 'GET null'])
    } finally {
      await own.close()
    }
  })
})
