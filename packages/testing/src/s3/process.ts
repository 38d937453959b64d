import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildApp } from 'fauxqs'
import { type ChildWork, runChild } from '../child.ts'
import { bucketStore } from './bucket-store.ts'
import { faultQueue, type ServerFault } from './faults.ts'
import type { S3ServerOptions } from './server.ts'
import { verify } from './signature.ts'

// The S3 server, as a process: fauxqs, and around it what it lacks of S3: conditional puts and
// completions, signatures and their time, large bodies. And what no S3 has: latency and faults on demand.

export interface S3ProcessOptions extends S3ServerOptions {
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export type S3Question =
  | { readonly fault: ServerFault }
  | { readonly createBucket: string }
  | { readonly clearFaults: true }
  /** How many multipart uploads are neither completed nor aborted. */
  | { readonly openUploads: true }

type Stores = NonNullable<NonNullable<Parameters<typeof buildApp>[0]>['stores']>

/** S3's limit for one put. */
const bodyLimit = 5 * 1024 ** 3

await runChild(async (options: S3ProcessOptions): Promise<ChildWork<{ port: number }>> => {
  const store = await bucketStore()
  store.createBucket(options.bucket)
  const faults = faultQueue()
  // The others are made by default, though the type asks for them.
  const stores = { s3Store: store } as unknown as Stores
  const app = buildApp({ logger: false, stores })
  app.removeContentTypeParser('*')
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body))

  const fates = new WeakMap<object, ServerFault['kind']>()
  const halfTrip = (method: string) => {
    const { latencyMs = 0, putLatencyMs = latencyMs, getLatencyMs = latencyMs } = options
    return (method === 'PUT' ? putLatencyMs : getLatencyMs) / 2
  }

  app.addHook('preHandler', async (request, reply) => {
    const { method } = request
    const body = Buffer.isBuffer(request.body) ? request.body : new Uint8Array()
    const { headers } = request
    const denial = verify(
      { method, url: request.originalUrl, headers, body },
      { ...options, now: Date.now() },
    )
    if (denial) return reply.status(denial.status).type('application/xml').send(xmlError(denial))
    const wait = halfTrip(method)
    if (wait > 0) await sleep(wait)
    const fate = faults.take(method)
    if (fate === undefined) return
    if (typeof fate === 'number') {
      const error = { code: `Planned${fate}`, message: 'A planned fault' }
      return reply.status(fate).type('application/xml').send(xmlError(error))
    }
    if (fate === 'error-in-200') {
      const error = { code: 'InternalError', message: 'A planned fault' }
      return reply.status(200).type('application/xml').send(xmlError(error))
    }
    if (fate === 'reset') request.raw.socket.destroy()
    if (fate === 'reset' || fate === 'hang') return reply.hijack()
    fates.set(request, fate)
  })

  // Last, and synchronous with the handler: nothing comes between the condition and its put.
  app.addHook('preHandler', (request, reply, done) => {
    const { bucket, '*': key } = request.params as { bucket?: string; '*'?: string }
    if (!bucket || !key || !store.buckets.has(bucket) || options.ignoreConditions) return done()
    const { uploadId } = request.query as { uploadId?: string }
    // A completion is conditional too; that the upload is unknown comes first, and the handler says it.
    const creates = uploadId
      ? request.method === 'POST' && store.multipartUploads.has(uploadId)
      : request.method === 'PUT'
    if (!creates) return done()
    const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = request.headers
    const etag = store.etagOf(bucket, key)
    if (ifMatch !== undefined && etag === undefined) {
      reply
        .status(404)
        .type('application/xml')
        .send(xmlError({ code: 'NoSuchKey', message: 'There is no such key' }))
    } else if ((ifNoneMatch === '*' && etag !== undefined) || (ifMatch !== undefined && ifMatch !== etag)) {
      const error = { code: 'PreconditionFailed', message: 'A precondition does not hold' }
      reply.status(412).type('application/xml').send(xmlError(error))
    } else done()
  })

  app.addHook('onSend', async (request, reply, payload) => {
    const wait = halfTrip(request.method)
    if (wait > 0) await sleep(wait)
    const fate = fates.get(request)
    if (fate === 'lose-answer') request.raw.socket.destroy()
    if (fate === 'truncate') {
      const body = Buffer.from((payload ?? '') as Uint8Array)
      reply.raw.writeHead(reply.statusCode, {
        ...(reply.getHeaders() as object),
        'content-length': body.length,
      })
      reply.raw.write(body.subarray(0, body.length / 2), () => request.raw.socket.destroy())
      await new Promise(() => {}) // nothing else is sent
    }
    return payload
  })

  await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    ready: { port: (app.server.address() as AddressInfo).port },
    async answer(question) {
      const asked = question as S3Question
      if ('openUploads' in asked) return store.multipartUploads.size
      if ('clearFaults' in asked) return faults.clear()
      if ('fault' in asked) faults.add(asked.fault)
      else store.createBucket(asked.createBucket)
    },
    close: () => app.close(),
  }
})

function xmlError({ code, message }: { readonly code: string; readonly message: string }): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`
}
