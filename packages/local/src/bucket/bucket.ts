import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { close, listen } from '../listen.ts'
import type { Log } from '../log.ts'
import { isForeign } from '../origin.ts'
import { accessKeyOf, checkAccess } from './access.ts'
import { dispatch } from './dispatch.ts'
import { S3Error } from './errors.ts'
import type { BucketFaults, BucketRequest } from './faults.ts'
import { readHead, type S3Answer } from './request.ts'
import { openStorage, type Storage } from './storage.ts'
import { document } from './xml.ts'

export interface BucketOptions {
  /** Where everything is kept. It is made by the first request. */
  readonly directory?: string
  /** 0, the default, takes any port that is free. */
  readonly port?: number
  /** Asked for every request, in the order in which they come. */
  readonly faults?: BucketFaults
  /** By how much the clock by which a request's signature is judged is ahead of the server's, in ms. */
  readonly aheadMs?: (request: BucketRequest) => number
  /** Told of every error that a request is answered with: `SlowDown`, `NoSuchKey`. */
  readonly refused?: (request: BucketRequest, code: string) => void
  /** The server's clock, in ms since the epoch. */
  readonly now?: () => number
}

export interface Bucket {
  /** `http://127.0.0.1:4000`. */
  readonly url: string
  readonly server: Server
  close(): Promise<void>
}

/**
 * An S3 server on this machine alone, with any number of buckets, each made by its first use. Throws `LocalError`
 * `PORT_IN_USE` or `LISTEN_FAILED`.
 */
export async function startBucket(
  options: BucketOptions & { readonly directory: string; readonly log: Log },
): Promise<Bucket> {
  let storage: Promise<Storage> | null = null
  const underway = new Set<Promise<void>>()
  const server = createServer((incoming, response) => {
    storage ??= openStorage(options.directory)
    const work = serve(incoming, response, storage, options).catch((error: unknown) => {
      response.destroy()
      if (!hasGone(error))
        options.log(`s3 ${incoming.method} ${incoming.url}: ${inspect(error)}`, 'simulator')
    })
    underway.add(work)
    work.finally(() => underway.delete(work))
  })
  const { port = 0, log } = options
  const url = await listen(server, { host: '127.0.0.1', port, what: 'the S3 server', log })
  return {
    url,
    server,
    async close() {
      await close(server)
      await Promise.all(underway)
      const opened = await storage?.catch(() => null)
      opened?.close()
    },
  }
}

async function serve(
  incoming: IncomingMessage,
  response: ServerResponse,
  storage: Promise<Storage>,
  options: BucketOptions & { readonly log: Log },
): Promise<void> {
  const now = options.now ?? Date.now
  let answer: S3Answer
  let losesAnswer = false
  let known: BucketRequest | null = null
  try {
    const request = readHead(incoming)
    const { method, bucket, key } = request
    known = { method, bucket, key, accessKeyId: accessKeyOf(request) }
    const fault = options.faults?.(known) ?? null
    if (fault?.delayMs !== undefined) await sleep(fault.delayMs)
    if (fault?.fate === 'reset') return void incoming.socket.destroy()
    if (fault?.fate === 'unavailable') throw new S3Error(503, 'SlowDown', 'Please reduce your request rate.')
    losesAnswer = fault?.fate === 'lost-answer'
    if (isForeign(incoming.headers.origin))
      throw new S3Error(403, 'AccessDenied', 'Only pages of this machine may use this server.')
    checkAccess(request, now() + (options.aheadMs?.(known) ?? 0))
    answer = method === 'OPTIONS' ? preflight(incoming) : await dispatch(request, await storage, now())
  } catch (error) {
    // A client that went away in the middle of its body has nobody to answer.
    if (incoming.errored) return void response.destroy()
    if (!(error instanceof S3Error)) {
      options.log(`s3 ${incoming.method} ${incoming.url}: ${inspect(error)}`, 'simulator')
    }
    if (known !== null && error instanceof S3Error) options.refused?.(known, error.code)
    answer = errorAnswer(error, incoming)
  }
  if (losesAnswer) {
    answer.stream?.close()
    return void incoming.socket.destroy()
  }
  await send(incoming, response, answer)
}

async function send(incoming: IncomingMessage, response: ServerResponse, answer: S3Answer): Promise<void> {
  const { status, headers = {}, body, stream } = answer
  try {
    if (response.destroyed) return // The client has gone meanwhile.
    response.setHeader('server', 'thaw')
    response.setHeader('x-amz-request-id', randomBytes(8).toString('hex').toUpperCase())
    const { origin } = incoming.headers
    response.setHeader('vary', 'origin')
    if (origin !== undefined && !isForeign(origin)) {
      response.setHeader('access-control-allow-origin', origin)
      response.setHeader('access-control-expose-headers', 'etag, x-amz-request-id, x-amz-version-id')
    }
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    const bytes = stream?.bytes ?? Buffer.byteLength(body ?? '')
    if (status !== 204 && status !== 304) response.setHeader('content-length', bytes)
    // What is left of a body that nobody wanted would be taken for the next request.
    if (!incoming.complete) incoming.resume()
    response.writeHead(status)
    if (incoming.method === 'HEAD' || stream === undefined || stream.bytes === 0)
      return void response.end(incoming.method === 'HEAD' ? undefined : body)
    await pipeline(stream.open(), response)
  } finally {
    stream?.close()
  }
}

/** Whether a stream broke off because the client went away in the middle of an answer. */
function hasGone(error: unknown): boolean {
  const { code } = Object(error) as { readonly code?: unknown }
  return ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE'].includes(String(code))
}

function errorAnswer(error: unknown, incoming: IncomingMessage): S3Answer {
  const known =
    error instanceof S3Error
      ? error
      : new S3Error(500, 'InternalError', 'We encountered an internal error. Please try again.')
  const { code: Code, message: Message, details } = known
  const body = document('Error', {
    Code,
    Message,
    ...details,
    Resource: (incoming.url ?? '').replace(/\?.*$/s, ''),
  })
  return { status: known.status, headers: { 'content-type': 'application/xml', ...known.headers }, body }
}

/** Browsers may use the addresses that functions sign for them, from any page of this machine. */
function preflight(incoming: IncomingMessage): S3Answer {
  const wanted = incoming.headers['access-control-request-headers']
  return {
    status: 200,
    headers: {
      'access-control-allow-methods': 'GET, HEAD, PUT, POST, DELETE',
      ...(wanted !== undefined && { 'access-control-allow-headers': wanted }),
      'access-control-max-age': '600',
    },
  }
}
