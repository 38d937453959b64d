import { createHash } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '@thaw/testing'
import type { BenchServerOptions } from './server.ts'

// As much of S3 as a database needs, in memory and as a process: node process.ts OPTIONS. It takes little of the
// machine that the processes under measurement share with it, which is all that it is for: signatures are not checked.

interface StoredBytes {
  readonly body: Uint8Array
  readonly etag: string
  readonly modified: Date
}

const { putMs, getMs, jitter, seed, bytesPerSecond }: BenchServerOptions = JSON.parse(process.argv[2] ?? '')
const random = seededRandom(seed)
const CHUNK_BYTES = 64 * 1024
/** By path: `/bucket/key`. */
const objects = new Map<string, StoredBytes>()

/** Half of a round trip, give or take. */
function halfTrip(method: string | undefined): Promise<void> {
  const ms = method === 'PUT' ? putMs : getMs
  return sleep((ms / 2) * (1 + jitter * (2 * random.next() - 1)))
}

const server = createServer(async (request, response) => {
  const parts: Uint8Array[] = []
  for await (const part of request) parts.push(part)
  const { method } = request
  await halfTrip(method)
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://server')
  const path = decodeURIComponent(pathname)
  const answer = take(method, path, searchParams, request.headers, Buffer.concat(parts))
  await halfTrip(method)
  answer(response)
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit(0))

const uploads = new Map<string, Uint8Array[]>()

/** A multipart upload, whose completion is conditional as a put is. */
function takeUpload(
  method: string | undefined,
  path: string,
  query: URLSearchParams,
  headers: IncomingHttpHeaders,
  body: Uint8Array,
): Answer {
  const id = query.get('uploadId')
  if (id === null) {
    const created = `upload-${uploads.size + 1}`
    uploads.set(created, [])
    return xml(
      `<InitiateMultipartUploadResult><UploadId>${created}</UploadId></InitiateMultipartUploadResult>`,
    )
  }
  const parts = uploads.get(id)
  if (!parts) return failure(404, 'NoSuchUpload')
  if (method === 'PUT') {
    parts[Number(query.get('partNumber')) - 1] = body
    return (response) => response.writeHead(200, { etag: etagOf(body) }).end()
  }
  if (method === 'POST' && headers['if-none-match'] === '*' && objects.has(path)) {
    return failure(412, 'PreconditionFailed')
  }
  uploads.set(id, [])
  if (method === 'DELETE') return (response) => response.writeHead(204).end()
  const whole = Buffer.concat(parts)
  const etag = etagOf(whole)
  objects.set(path, { body: whole, etag, modified: new Date() })
  return xml(`<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>`)
}

function etagOf(body: Uint8Array): string {
  return `"${createHash('md5').update(body).digest('hex')}"`
}

type Answer = (response: ServerResponse) => void

function take(
  method: string | undefined,
  path: string,
  query: URLSearchParams,
  headers: IncomingHttpHeaders,
  body: Uint8Array,
): Answer {
  if (query.has('uploads') || query.has('uploadId')) return takeUpload(method, path, query, headers, body)
  if (method === 'PUT') {
    if (headers['if-none-match'] === '*' && objects.has(path)) return failure(412, 'PreconditionFailed')
    const etag = etagOf(body)
    objects.set(path, { body, etag, modified: new Date() })
    return (response) => response.writeHead(200, { etag }).end()
  }
  if (method === 'GET' && query.has('list-type')) return list(path, query)
  if (method === 'GET' || method === 'HEAD') {
    const object = objects.get(path)
    if (!object) return failure(404, 'NoSuchKey')
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')
    const start = Number(range?.[1] ?? 0)
    if (range && start >= object.body.length) return failure(416, 'InvalidRange')
    const part = object.body.subarray(start, range ? Number(range[2]) + 1 : undefined)
    const answer = {
      etag: object.etag,
      'last-modified': object.modified.toUTCString(),
      'content-length': part.length,
      ...(range && { 'content-range': `bytes ${start}-${start + part.length - 1}/${object.body.length}` }),
    }
    return (response) => {
      response.writeHead(range ? 206 : 200, answer)
      void send(response, part)
    }
  }
  if (method === 'DELETE') {
    objects.delete(path)
    return (response) => response.writeHead(204).end()
  }
  return failure(501, 'NotImplemented')
}

let lineFreeAt = 0

/** Sends over a line that all answers share, in chunks, no faster than `bytesPerSecond`. */
async function send(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (bytesPerSecond === undefined) return void response.end(bytes)
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const chunk = bytes.subarray(at, at + CHUNK_BYTES)
    lineFreeAt = Math.max(lineFreeAt, performance.now()) + (chunk.length / bytesPerSecond) * 1_000
    const wait = lineFreeAt - performance.now()
    if (wait > 1) await sleep(wait)
    response.write(chunk)
  }
  response.end()
}

/** ListObjectsV2, in one page however long. */
function list(path: string, query: URLSearchParams): Answer {
  const bucket = path.endsWith('/') ? path : `${path}/`
  const prefix = query.get('prefix') ?? ''
  const startAfter = query.get('start-after') ?? ''
  const encoded = query.get('encoding-type') === 'url'
  const contents = [...objects]
    .map(([name, object]) => ({ key: name.slice(bucket.length), name, object }))
    .filter(({ name, key }) => name.startsWith(bucket) && key.startsWith(prefix) && key > startAfter)
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(
      ({ key, object: { etag, modified, body } }) =>
        `<Contents><Key>${encoded ? encodeURIComponent(key) : key}</Key><ETag>${etag}</ETag><Size>${body.length}</Size>` +
        `<LastModified>${modified.toISOString()}</LastModified></Contents>`,
    )
  return xml(
    `<ListBucketResult>${encoded ? '<EncodingType>url</EncodingType>' : ''}<IsTruncated>false</IsTruncated>${contents.join('')}</ListBucketResult>`,
  )
}

function xml(text: string): Answer {
  return (response) => response.writeHead(200, { 'content-type': 'application/xml' }).end(text)
}

function failure(status: number, code: string): Answer {
  const text = `<Error><Code>${code}</Code><Message>${code}</Message></Error>`
  return (response) => response.writeHead(status, { 'content-type': 'application/xml' }).end(text)
}
