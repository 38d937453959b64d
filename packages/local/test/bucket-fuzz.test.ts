import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { seededRandom } from '@thaw/testing'
import { expect, test } from 'vitest'
import { openBucket } from './bucket-support.ts'
import { exchange, mutate, request } from './fuzz.ts'

const chunked = [
  'x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  'x-amz-trailer: x-amz-checksum-crc32',
  'x-amz-decoded-content-length: 5',
]

const seeds = [
  request('GET /fuzz/a?response-content-type=text/plain', '', ['range: bytes=0-1', 'if-match: "x"']),
  request('PUT /fuzz/b', 'hello', [
    'content-md5: XUFAKrxLKna5cZ2REBfFkg==',
    'x-amz-meta-a: b',
    'if-none-match: *',
  ]),
  request('PUT /fuzz/c', '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n', chunked),
  request('PUT /fuzz/d', '', ['x-amz-copy-source: /fuzz/a', 'x-amz-copy-source-range: bytes=0-1']),
  request('PUT /fuzz/e?partNumber=1&uploadId=none', 'part'),
  request('POST /fuzz/e?uploads'),
  request(
    'POST /fuzz/e?uploadId=none',
    '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>',
  ),
  request('POST /fuzz?delete', '<Delete><Object><Key>b</Key></Object></Delete>'),
  request('GET /fuzz?list-type=2&prefix=a&delimiter=/&max-keys=2&continuation-token=YQA&start-after=a'),
  request('GET /fuzz?marker=a&max-keys=1&encoding-type=url'),
  request('GET /fuzz?lifecycle'),
  request('GET /fuzz/a?tagging'),
  request('DELETE /fuzz/b', '', ['if-match: *']),
  request('HEAD /fuzz'),
  request('OPTIONS /fuzz/a', '', [
    'origin: http://localhost',
    'access-control-request-headers: content-type',
  ]),
  request('GET /fuzz/a?X-Amz-Signature=1&X-Amz-Date=20200101T000000Z&X-Amz-Expires=60'),
  request('GET /fuzz/a', '', [
    'x-amz-date: 20200101T000000Z',
    'authorization: AWS4-HMAC-SHA256 Credential=a/20200101/r/s3/aws4_request, SignedHeaders=host, Signature=0',
  ]),
]

test('no request, however malformed, makes the server fail', async () => {
  const random = seededRandom(process.env.THAW_TEST_SEED ?? 'malformed requests')
  const bucket = await openBucket()
  const put = new PutObjectCommand({ Bucket: 'fuzz', Key: 'a', Body: 'kept' })
  const statuses = new Set<string>()
  try {
    await bucket.client.send(put)
    const attempt = async (bytes: Buffer, patienceMs: number | null) => {
      const answer = await exchange(bucket.url, bytes, patienceMs)
      statuses.add(answer.slice(9, 12))
      const about = `seed ${random.seed}: ${JSON.stringify(bytes.toString('latin1'))}`
      expect(answer, about).not.toMatch(/^HTTP\/1.1 500/)
    }
    for (const seed of seeds) await attempt(Buffer.from(seed), null)
    for (let round = 0; round < 40; round++) {
      const mutants = Array.from({ length: 40 }, () => {
        return mutate(random, Buffer.from(seeds[random.integer(0, seeds.length - 1)] ?? ''))
      })
      await Promise.all(mutants.map((bytes) => attempt(bytes, 50)))
    }
    // Many kinds of answers were given, so the requests got somewhere.
    expect([...statuses]).toEqual(
      expect.arrayContaining(['200', '204', '400', '403', '404', '405', '412', '501']),
    )
    await bucket.client.send(put)
    const { Body } = await bucket.client.send(new GetObjectCommand({ Bucket: 'fuzz', Key: 'a' }))
    expect(await Body?.transformToString()).toBe('kept')
    expect(bucket.lines).toEqual([])
  } finally {
    await bucket.close()
  }
}, 120_000)
