import { gather, isStream, join, pieces, signingTime } from './bytes.ts'
import { changed, checkAlive, checkGet, checkPut } from './checks.ts'
import { StoreError } from './errors.ts'
import { checkKey, compareKeys } from './keys.ts'
import type {
  GetOptions,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  PutBody,
  PutOptions,
  PutResult,
  StoredObject,
} from './object-store.ts'

export interface MemoryStoreOptions {
  /** The store's clock, in ms since the epoch. */
  readonly now?: () => number
  /**
   * Refuse a put whose `signedAt` is further than this from the store's clock, in ms, as S3 does with
   * 15 minutes. Not looked at when absent.
   */
  readonly maxSkewMs?: number
}

/** A store in the memory of this process. It is gone with the process. */
export function memoryStore(options: MemoryStoreOptions = {}): ObjectStore {
  const now = options.now ?? Date.now
  const maxSkewMs = options.maxSkewMs ?? Number.POSITIVE_INFINITY
  const description = 'memory:'
  const objects = new Map<string, StoredObject>()
  let order: readonly string[] | null = []
  let version = 0

  async function get(key: string, options: GetOptions = {}): Promise<StoredObject | null> {
    checkGet(key, options, description)
    const object = objects.get(key)
    if (!object) return null
    if (options.ifMatch !== undefined && options.ifMatch !== object.etag)
      throw changed(key, options.ifMatch, description)
    const { start, end } = options.range ?? { start: 0, end: object.size }
    return { ...object, body: object.body.slice(start, end) }
  }

  async function head(key: string, options: { signal?: AbortSignal } = {}): Promise<ObjectInfo | null> {
    checkKey(key, 'head', description)
    checkAlive('head', description, key, options.signal)
    const object = objects.get(key)
    return object ? info(object) : null
  }

  async function put(key: string, body: PutBody, options: PutOptions = {}): Promise<PutResult> {
    checkPut(key, options, description)
    const parts = isStream(body) ? await gather(body) : pieces(body)
    checkAlive('put', description, key, options.signal)
    const given = signingTime(options)
    const signedAt = (given instanceof Promise ? await given : given) ?? now()
    if (Math.abs(signedAt - now()) > maxSkewMs) {
      const details = { operation: 'put', store: description, key, answered: 403 } as const
      throw new StoreError(
        'STORE_CLOCK_SKEW',
        `signed more than ${maxSkewMs} ms from the store's time`,
        details,
      )
    }
    const old = objects.get(key)
    if (options.ifAbsent && old) return { outcome: 'exists' }
    if (options.ifMatch !== undefined && options.ifMatch !== old?.etag) return { outcome: 'changed' }
    const bytes = join(parts)
    const etag = `"${++version}"`
    if (!old) order = null
    objects.set(key, { key, size: bytes.length, etag, modifiedAt: now(), body: bytes })
    return { outcome: 'stored', etag }
  }

  async function* list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    order ??= [...objects.keys()].sort(compareKeys)
    const names = order
    const { startAfter = '' } = options
    // Names with the prefix stand together: begin at the first, end after the last.
    for (let i = firstAbove(names, startAfter, prefix); i < names.length; i++) {
      checkAlive('list', description, undefined, options.signal)
      const key = names[i] ?? ''
      if (!key.startsWith(prefix)) return
      const object = objects.get(key)
      if (object) yield info(object)
    }
  }

  async function remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) checkKey(key, 'delete', description)
    for (const key of keys) if (objects.delete(key)) order = null
  }

  return { description, get, head, put, list, delete: remove, close: async () => {} }
}

function info({ key, size, etag, modifiedAt }: ObjectInfo): ObjectInfo {
  return { key, size, etag, modifiedAt }
}

/** Index of the first name that is greater than `after` and not less than `atLeast`. */
function firstAbove(names: readonly string[], after: string, atLeast: string): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const name = names[middle] ?? ''
    if (compareKeys(name, after) > 0 && compareKeys(name, atLeast) >= 0) high = middle
    else low = middle + 1
  }
  return low
}
