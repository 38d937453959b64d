import { createHash } from 'node:crypto'
import aws4 from 'aws4'
import { totalLength } from '../bytes.ts'
import { addressOf, encode, pathOf } from './address.ts'
import { type Answer, connectTo } from './connection.ts'
import { type Context, interruption } from './failure.ts'
import type { S3Credentials, S3StoreOptions } from './options.ts'

/** What S3 is asked: of an object when there is a key, else of the bucket. */
export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  readonly key?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: readonly Uint8Array[]
  /** In ms since the epoch; now when absent. */
  readonly signedAt?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Requests to one bucket. */
export interface S3Client {
  /** For messages. */
  readonly endpoint: string
  /** Signs a request and sends it, once. Resolves with any answer; throws `StoreError` when none came whole. */
  send(request: S3Request, context: Context): Promise<Answer>
  dropIdle(): void
  close(): void
}

/** Throws `StoreConfigError` when the options make no address. */
export function s3Client(options: S3StoreOptions): S3Client {
  const { region, credentials, now = Date.now, connectTimeoutMs = 3_000, idleTimeoutMs = 10_000 } = options
  const address = addressOf(options)
  const connection = connectTo(address, { connectTimeoutMs, idleTimeoutMs, now })

  async function send(request: S3Request, context: Context): Promise<Answer> {
    const { body = [], key } = request
    const hash = createHash('sha256')
    for (const part of body) hash.update(part)
    const path = key === undefined ? `${address.base}/` : pathOf(address, key)
    const signed = aws4.sign(
      {
        service: 's3',
        region,
        method: request.method,
        path: request.query ? `${path}?${queryString(request.query)}` : path,
        headers: {
          ...request.headers,
          Host: address.host,
          'X-Amz-Date': amzDate(request.signedAt ?? now()),
          'X-Amz-Content-Sha256': hash.digest('hex'),
          ...(request.body && { 'Content-Length': totalLength(body) }),
        },
      },
      signable(typeof credentials === 'function' ? await credentials() : credentials),
    )
    try {
      const { method, path, headers = {} } = signed
      return await connection.send({ method, path, headers }, body, request.signal)
    } catch (error) {
      throw interruption(error, context)
    }
  }

  return { endpoint: address.endpoint, send, dropIdle: connection.dropIdle, close: connection.close }
}

function queryString(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${name}=${encode(value)}`)
    .join('&')
}

/** `20261120T193500Z`: the signature knows whole seconds. */
function amzDate(at: number): string {
  return new Date(at).toISOString().replace(/[-:]|\.\d+/g, '')
}

function signable({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials) {
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }
}
