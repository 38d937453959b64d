import { setTimeout as wait } from 'node:timers/promises'
import { isStream, pieces, totalLength } from '../bytes.ts'
import { checkAlive, checkGet, checkPut } from '../checks.ts'
import { canBeginName, checkKey, keyFault } from '../keys.ts'
import type {
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutBody,
  PutOptions,
  PutResult,
  StoredObject,
} from '../object-store.ts'
import { prefixed } from '../prefixed.ts'
import { s3Client } from './client.ts'
import type { Context } from './failure.ts'
import { listOnce, type Page } from './listing.ts'
import { MAX_UPLOAD_BYTES, putInParts, tooLarge } from './multipart.ts'
import type { S3StoreOptions } from './options.ts'
import { getOnce } from './read.ts'
import { type RetryOptions, retrying } from './retry.ts'
import { deleteBatch, deleteOnce, putOnce } from './write.ts'

/** What is in memory anyhow goes up in one request up to this size: parts would cost two more round trips. */
const onePutBytes = 64 * 1024 ** 2

/**
 * A bucket of Amazon S3, or of a server that speaks its protocol and honours `If-None-Match` on puts (see
 * `probeConditionalPut`). Requests are signed with AWS Signature Version 4, bodies by their SHA-256.
 *
 * `modifiedAt` has whole seconds from get and head, and the store's own precision from list. An object is
 * one request, or above 64 MiB (a stream: 5 MiB) a multipart upload that is joined under the same condition.
 *
 * Throws `StoreConfigError` when the options make no address.
 */
export function s3Store(options: S3StoreOptions): ObjectStore {
  const client = s3Client(options)
  const description = `s3://${options.bucket}`
  const retry: RetryOptions = {
    attempts: options.attempts ?? 4,
    sleep: options.sleep ?? ((ms, signal) => wait(ms, undefined, signal ? { signal } : {})),
    random: options.random ?? Math.random,
    dropIdle: client.dropIdle,
  }

  function context(operation: Context['operation'], key?: string): Context {
    return { operation, store: description, endpoint: client.endpoint, key }
  }

  async function get(key: string, options: GetOptions = {}): Promise<StoredObject | null> {
    checkGet(key, options, description)
    return retrying(() => getOnce(client, key, options, context('get', key)), retry, options.signal)
  }

  async function head(
    key: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<ObjectInfo | null> {
    checkKey(key, 'head', description)
    checkAlive('head', description, key, options.signal)
    // Not a HEAD: its 404 has no body, and would not tell a missing object from a missing bucket.
    const firstByte = { ...options, range: { start: 0, end: 1 } }
    const ask = () => getOnce(client, key, firstByte, context('head', key))
    const object = await retrying(ask, retry, options.signal)
    if (!object) return null
    const { body: _, ...info } = object
    return info
  }

  async function put(key: string, body: PutBody, options: PutOptions = {}): Promise<PutResult> {
    checkPut(key, options, description)
    const about = context('put', key)
    const look = () => head(key, options.signal ? { signal: options.signal } : {})
    const upload = { client, key, options, context: about, retry, look }
    if (isStream(body)) return putInParts(upload, body)
    const parts = pieces(body)
    const length = totalLength(parts)
    if (length > MAX_UPLOAD_BYTES) throw tooLarge(about)
    return length > onePutBytes ? putInParts(upload, parts) : putOnce(client, key, parts, options, about)
  }

  async function* list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const { startAfter, signal } = options
    checkAlive('list', description, undefined, signal)
    if (!canBeginName(prefix)) return
    const start = startAfter ? { 'start-after': startAfter } : {}
    let query: Record<string, string> = { prefix, ...start }
    for (;;) {
      const ask = () => listOnce(client, query, signal, context('list'))
      const page: Page = await retrying(ask, retry, signal)
      // What was put there by other means may have names that no store takes.
      for (const object of page.objects) if (keyFault(object.key) === null) yield object
      if (page.next === null) return
      query = { prefix, 'continuation-token': page.next }
    }
  }

  async function remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) checkKey(key, 'delete', description)
    for (let at = 0; at < keys.length; at += deleteBatch) {
      const batch = keys.slice(at, at + deleteBatch)
      await retrying(() => deleteOnce(client, batch, context('delete')), retry, undefined)
    }
  }

  const store: ObjectStore = {
    description,
    get,
    head,
    put,
    list,
    delete: remove,
    close: async () => client.close(),
  }
  return prefixed(store, options.prefix ?? '')
}
