import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { S3Error } from './errors.ts'

/** A request, read as far as its head goes. */
export interface S3Request {
  readonly method: string
  /** Null for requests about the server itself. */
  readonly bucket: string | null
  /** Null for requests about a bucket. */
  readonly key: string | null
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** Its body, as it comes over the wire. */
  readonly incoming: IncomingMessage
}

/** An answer: with a body, or with a stream of so many bytes, which is closed when they are sent or not wanted. */
export interface S3Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly stream?: { readonly bytes: number; open(): NodeJS.ReadableStream; close(): void }
}

/** Path style, and virtual-host style below `localhost`. Throws `S3Error`. */
export function readHead(incoming: IncomingMessage): S3Request {
  const target = (incoming.url ?? '/').replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  const query = new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1))
  const host = (incoming.headers.host ?? '').replace(/:\d*$/, '').toLowerCase()
  const [, virtual] = host === 's3.localhost' ? [] : (/^(.+?)(?:\.s3)?\.localhost$/.exec(host) ?? [])
  const [, first = '', rest = ''] = /^\/*([^/]*)(?:\/(.*))?$/s.exec(path) ?? []
  const bucket = virtual ?? decodePart(first)
  const key = decodePart(virtual === undefined ? rest : path.slice(1))
  if (bucket !== '') checkBucketName(bucket)
  if (Buffer.byteLength(key) > 1024) throw new S3Error(400, 'KeyTooLongError', 'Your key is too long')
  const { method = 'GET', headers } = incoming
  return { method, bucket: bucket || null, key: key || null, query, headers, incoming }
}

export function decodePart(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new S3Error(400, 'InvalidURI', "Couldn't parse the specified URI.")
  }
}

/** Throws `S3Error`. Source: "Bucket naming rules" of the S3 user guide. */
export function checkBucketName(name: string): void {
  if (/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes('..')) return
  throw new S3Error(400, 'InvalidBucketName', 'The specified bucket is not valid.')
}

/** The value of a header that may come once. */
export function header(request: S3Request, name: string): string | null {
  const value = request.headers[name]
  return typeof value === 'string' ? value : null
}
