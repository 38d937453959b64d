import type { Catalogue, ObjectRow } from './catalogue.ts'
import { invalidArgument } from './errors.ts'
import { xmlAnswer } from './objects.ts'
import type { S3Answer, S3Request } from './request.ts'

/** The most that one answer has. */
const pageSize = 1000

interface Page {
  readonly objects: readonly ObjectRow[]
  readonly prefixes: readonly string[]
  /** Where the next page begins; null after the last. */
  readonly next: Buffer | null
  /** The last name on the page: a key, or a common prefix. */
  readonly last: string | null
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html, and the first version of it. */
export function listObjects(
  request: S3Request & { readonly bucket: string },
  catalogue: Catalogue,
): S3Answer {
  const { bucket, query } = request
  const isSecond = query.get('list-type') === '2'
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') || null
  const limit = readLimit(query.get('max-keys'))
  const token = isSecond ? query.get('continuation-token') : null
  const after = query.get(isSecond ? 'start-after' : 'marker') ?? ''
  const from =
    token === null ? (after === '' ? Buffer.alloc(0) : afterName(after, delimiter, prefix)) : readToken(token)
  const page = pageOf(catalogue, bucket, { prefix, delimiter, from, limit })

  const encodes = query.get('encoding-type') === 'url'
  const name = (text: string) => (encodes ? encodeName(text) : text)
  const given = (text: string | null) => (text === null || text === '' ? undefined : name(text))
  return xmlAnswer('ListBucketResult', {
    Name: bucket,
    Prefix: name(prefix),
    Delimiter: given(delimiter),
    MaxKeys: limit,
    EncodingType: encodes ? 'url' : undefined,
    ...(isSecond
      ? {
          KeyCount: page.objects.length + page.prefixes.length,
          ContinuationToken: token ?? undefined,
          StartAfter: given(after),
          NextContinuationToken: page.next?.toString('base64url'),
        }
      : {
          Marker: name(after),
          NextMarker: page.next !== null && delimiter !== null ? given(page.last) : undefined,
        }),
    IsTruncated: page.next !== null,
    Contents: page.objects.map(({ key, etag, size, modifiedAt }) => ({
      Key: name(key),
      LastModified: new Date(modifiedAt).toISOString(),
      ETag: `"${etag}"`,
      Size: size,
      StorageClass: 'STANDARD',
    })),
    CommonPrefixes: page.prefixes.map((one) => ({ Prefix: name(one) })),
  })
}

interface PageOptions {
  readonly prefix: string
  readonly delimiter: string | null
  /** The first key that may be on the page. */
  readonly from: Buffer
  readonly limit: number
}

/** Objects that share what comes up to the delimiter are skipped as one. */
function pageOf(catalogue: Catalogue, bucket: string, { prefix, delimiter, from, limit }: PageOptions): Page {
  const start = Buffer.from(prefix)
  const end = behind(start)
  const objects: ObjectRow[] = []
  const prefixes: string[] = []
  let last: string | null = null
  let cursor = Buffer.compare(from, start) > 0 ? from : start
  while (limit > 0) {
    const left = limit - objects.length - prefixes.length
    const isFull = left === 0
    const rows = catalogue.range(
      bucket,
      cursor,
      end,
      isFull ? 1 : Math.min(left, delimiter === null ? left : 100),
    )
    if (isFull) return { objects, prefixes, last, next: rows.length > 0 ? cursor : null }
    if (rows.length === 0) break
    for (const row of rows) {
      const common = commonPrefix(row.key, prefix, delimiter)
      cursor = common === null ? next(row.key) : (behind(Buffer.from(common)) ?? Buffer.from([255]))
      last = common ?? row.key
      if (common === null) objects.push(row)
      else {
        prefixes.push(common)
        break // The other rows may be of the same prefix.
      }
    }
  }
  return { objects, prefixes, last, next: null }
}

function commonPrefix(key: string, prefix: string, delimiter: string | null): string | null {
  const at = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length)
  return delimiter === null || at < 0 ? null : key.slice(0, at + delimiter.length)
}

/** The first key after this one. */
function next(key: string): Buffer {
  return Buffer.concat([Buffer.from(key), Buffer.from([0])])
}

/** A name to start after that is a common prefix has been listed with all that is below it. */
function afterName(name: string, delimiter: string | null, prefix: string): Buffer {
  const isCommon = delimiter !== null && commonPrefix(name, prefix, delimiter) === name
  return (isCommon ? behind(Buffer.from(name)) : null) ?? next(name)
}

/** The first bytes behind everything that begins with these; null when nothing can be. */
function behind(start: Buffer): Buffer | null {
  const end = Buffer.from(start)
  for (let at = end.length - 1; at >= 0; at--) {
    const byte = end[at] ?? 0
    if (byte === 255) continue
    end[at] = byte + 1
    return end.subarray(0, at + 1)
  }
  return null
}

function readLimit(text: string | null): number {
  if (text === null || text === '') return pageSize
  if (!/^\d{1,10}$/.test(text))
    throw invalidArgument('Provided max-keys not an integer or within integer range')
  return Math.min(Number(text), pageSize)
}

function readToken(token: string): Buffer {
  if (token !== '' && /^[\w-]+$/.test(token)) return Buffer.from(token, 'base64url')
  throw invalidArgument('The continuation token provided is incorrect')
}

function encodeName(text: string): string {
  return encodeURIComponent(text).replaceAll('%2F', '/').replaceAll('%20', '+')
}
