import type { ObjectRow } from './catalogue.ts'
import { S3Error } from './errors.ts'
import { header, type S3Request } from './request.ts'

const kept = ['content-type', 'content-disposition', 'content-language', 'cache-control', 'expires']

/** Bytes of names and values that a user may add to an object. */
const metadataLimitBytes = 2048

/** The headers of a request that stay with the object. Throws `S3Error`. */
export function metadataOf(request: S3Request): Record<string, string> {
  const metadata: Record<string, string> = { 'content-type': 'binary/octet-stream' }
  for (const name of kept) {
    const value = header(request, name)
    if (value !== null) metadata[name] = value
  }
  const encoding = (header(request, 'content-encoding') ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one !== 'aws-chunked')
  if (encoding.length > 0) metadata['content-encoding'] = encoding.join(',')
  let bytes = 0
  for (const [name, value] of Object.entries(request.headers)) {
    if (!name.startsWith('x-amz-meta-') || typeof value !== 'string') continue
    metadata[name] = value
    bytes += name.length - 'x-amz-meta-'.length + value.length
  }
  if (bytes > metadataLimitBytes)
    throw new S3Error(
      400,
      'MetadataTooLarge',
      'Your metadata headers exceed the maximum allowed metadata size',
    )
  return metadata
}

/** What comes back with an object, with what the query of a presigned address wants changed. */
export function headersOf(object: ObjectRow, request: S3Request): Record<string, string> {
  const headers: Record<string, string> = {
    ...describe(object),
    'accept-ranges': 'bytes',
  }
  const wantsChecksum = header(request, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED'
  for (const [name, value] of Object.entries(object.headers))
    if (wantsChecksum || !name.startsWith('x-amz-checksum-')) headers[name] = value
  for (const name of [...kept, 'content-encoding']) {
    const value = request.query.get(`response-${name}`)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what no header may have
    if (value !== null && !/[\0-\x08\n-\x1f\x7f]/.test(value))
      headers[name] = Buffer.from(value).toString('latin1')
  }
  return headers
}

/** The headers of every answer about an object, 304 too. */
export function describe({ etag, modifiedAt }: ObjectRow): Record<string, string> {
  return { etag: `"${etag}"`, 'last-modified': new Date(modifiedAt).toUTCString() }
}
