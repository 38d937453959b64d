import { inParts, signingTime } from '../bytes.ts'
import { StoreError } from '../errors.ts'
import type { ObjectInfo, PutOptions, PutResult } from '../object-store.ts'
import type { S3Client } from './client.ts'
import type { Answer } from './connection.ts'
import { type Context, errorCode, nonsense, refusal } from './failure.ts'
import { etagOf } from './read.ts'
import { type RetryOptions, retrying } from './retry.ts'
import { conditionOf, descriptionOf, putOnce, unmetBy } from './write.ts'
import { element, escapeText } from './xml.ts'

/**
 * A part holds 5 MiB to 5 GiB, and some servers want all but the last to be of one size: the least, for what is under
 * way is in memory. What is not known to be small is held back until there is more than one part of it.
 */
const PART_BYTES = 5 * 1024 ** 2
const MAX_PARTS = 10_000
/** With the one held back, memory is bounded by four parts. */
const PARTS_AT_ONCE = 3
const ABORT_ATTEMPTS = 2

/** What a multipart upload takes at most, bytes. */
export const MAX_UPLOAD_BYTES = PART_BYTES * MAX_PARTS

/** What is known of an object that is being put. */
export interface Upload {
  readonly client: S3Client
  readonly key: string
  readonly options: PutOptions
  readonly context: Context
  readonly retry: RetryOptions
  /** Looks whether the name is taken. */
  readonly look: () => Promise<ObjectInfo | null>
}

/**
 * Puts a body of unknown length: in one request when it fits into one part, else as a multipart upload.
 *
 * Parts bring no object about, so they are tried again one by one, and a failure before the last request means that
 * nothing was written. The last request joins them under the condition of the put, and takes effect once at most: it
 * is tried again too, but once the fate of an attempt is unknown only "done" settles it.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 */
export async function putInParts(
  upload: Upload,
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<PutResult> {
  const { client, key, options, context } = upload
  let sender: Sender | null = null
  let held: readonly Uint8Array[] | null = null
  try {
    for await (const part of inParts(body, PART_BYTES)) {
      if (held) {
        if (!sender && options.ifAbsent && (await upload.look())) return { outcome: 'exists' }
        sender ??= new Sender(upload, await begin(upload))
        await sender.send(held)
      }
      held = part
    }
    if (!sender || !held) return await putOnce(client, key, held ?? [], options, context)
    await sender.send(held)
    const result = await complete(upload, sender.id, await sender.sent())
    if (result.outcome !== 'stored') await abort(upload, sender.id)
    return result
  } catch (error) {
    await sender?.stop()
    if (sender) await abort(upload, sender.id)
    throw error
  }
}

/** Sends the parts of one upload, several at once. */
class Sender {
  readonly id: string
  readonly #upload: Upload
  readonly #etags: string[] = []
  readonly #underWay = new Set<Promise<void>>()
  readonly #stop = new AbortController()
  #count = 0
  #failed: { readonly error: unknown } | null = null

  constructor(upload: Upload, id: string) {
    this.#upload = upload
    this.id = id
  }

  /** Resolves when the next part may come. */
  async send(part: readonly Uint8Array[]): Promise<void> {
    const number = ++this.#count
    if (number > MAX_PARTS) throw tooLarge(this.#upload.context)
    const work = this.#sendOne(part, number)
      .catch((error: unknown) => {
        this.#failed ??= { error }
      })
      .finally(() => this.#underWay.delete(work))
    this.#underWay.add(work)
    if (this.#underWay.size >= PARTS_AT_ONCE) await Promise.race(this.#underWay)
    if (this.#failed) throw this.#failed.error
  }

  /** The etags of all parts, when they have arrived. */
  async sent(): Promise<readonly string[]> {
    await Promise.all(this.#underWay)
    if (this.#failed) throw this.#failed.error
    return this.#etags
  }

  /** Ends what is under way. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#underWay)
  }

  async #sendOne(body: readonly Uint8Array[], number: number): Promise<void> {
    const { client, key, context, retry, options } = this.#upload
    const signals = options.signal ? [options.signal, this.#stop.signal] : [this.#stop.signal]
    const signal = AbortSignal.any(signals)
    const about = { ...context, preparing: true }
    const query = { partNumber: String(number), uploadId: this.id }
    this.#etags[number - 1] = await retrying(
      async () => {
        const answer = await client.send({ method: 'PUT', key, query, body, signal }, about)
        if (answer.status !== 200) throw refusal(answer, about)
        return etagOf(answer, about)
      },
      retry,
      signal,
    )
  }
}

export function tooLarge({ operation, store, key }: Context): StoreError {
  const gibibytes = Math.floor(MAX_UPLOAD_BYTES / 1024 ** 3)
  const message = `an object takes ${gibibytes} GiB at most (${MAX_PARTS} parts of ${PART_BYTES} bytes)`
  return new StoreError('STORE_REFUSED', message, { operation, store, key })
}

/** @returns the name of the upload */
function begin({ client, key, options, context, retry }: Upload): Promise<string> {
  const about = { ...context, preparing: true }
  const { signal } = options
  const ask = async () => {
    const headers = descriptionOf(options)
    const answer = await client.send(
      { method: 'POST', key, query: { uploads: '' }, headers, body: [], signal },
      about,
    )
    if (answer.status !== 200) throw refusal(answer, about)
    const id = element(text(answer), 'UploadId')
    if (!id) throw nonsense('the answer names no upload', answer, about)
    return id
  }
  return retrying(ask, retry, signal)
}

/** What the answer to a completion can say after its status line: it comes while the server is still at work. */
const LATE_STATUS: Readonly<Record<string, number>> = {
  PreconditionFailed: 412,
  ConditionalRequestConflict: 409,
  NoSuchUpload: 404,
}

async function complete(upload: Upload, id: string, etags: readonly string[]): Promise<PutResult> {
  const { client, key, options, context, retry } = upload
  const { signal } = options
  const parts = etags.map(
    (etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escapeText(etag)}</ETag></Part>`,
  )
  const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'
  const xml = `<CompleteMultipartUpload xmlns="${namespace}">${parts.join('')}</CompleteMultipartUpload>`
  const body = [new TextEncoder().encode(xml)]
  const headers = { 'Content-Type': 'application/xml', ...conditionOf(options) }
  /** Attempts that may have taken effect, or may yet: from then on only "done" is an answer. */
  const unclear: StoreError[] = []
  const attempt = async (): Promise<PutResult> => {
    const signedAt = await signingTime(options)
    try {
      const request = {
        method: 'POST',
        key,
        query: { uploadId: id },
        headers,
        body,
        signedAt,
        signal,
      } as const
      return completed(await client.send(request, context), options, context)
    } catch (error) {
      if (error instanceof StoreError && error.unknown) unclear.push(error)
      throw error
    }
  }
  try {
    const result = await retrying(attempt, retry, signal)
    // What has the name may be ours: that cannot be told from here.
    if (result.outcome !== 'stored' && unclear[0]) throw unclear[0]
    return result
  } catch (error) {
    throw unclear[0] ?? error
  }
}

function completed(answer: Answer, options: PutOptions, context: Context): PutResult {
  const said = errorCode(answer)
  const status = answer.status === 200 && said !== null ? (LATE_STATUS[said] ?? 500) : answer.status
  if (status === 200) {
    const etag = element(text(answer), 'ETag')
    if (!etag) throw nonsense('the answer has no ETag', answer, context)
    return { outcome: 'stored', etag }
  }
  const unmet = unmetBy(status, said, options)
  if (unmet) return unmet
  throw refusal({ ...answer, status }, context)
}

/** Frees the parts. A bucket's rule for incomplete uploads frees what this fails to. */
async function abort({ client, key, context, retry }: Upload, id: string): Promise<void> {
  const ask = async () => {
    const answer = await client.send({ method: 'DELETE', key, query: { uploadId: id } }, context)
    if (answer.status !== 204 && answer.status !== 404) throw refusal(answer, context)
  }
  await retrying(ask, { ...retry, attempts: ABORT_ATTEMPTS }, undefined).catch(() => undefined)
}

function text(answer: Answer): string {
  return new TextDecoder().decode(answer.body)
}
