import { StoreError } from './errors.ts'
import type { ObjectStore, PutResult } from './object-store.ts'

const tries = 8

/**
 * Finds out whether a store honours `ifAbsent`, by putting an empty object under `key` twice. The object stays, so
 * that no permission to delete is needed; every probe may use the same name, and nothing else may.
 *
 * Throws `STORE_IGNORES_CONDITIONS` when both puts were accepted, and what the puts throw.
 */
export async function probeConditionalPut(store: ObjectStore, key: string): Promise<void> {
  const first = await create(store, key)
  if (first.outcome !== 'stored') return
  const second = await create(store, key)
  if (second.outcome !== 'stored') return
  throw new StoreError(
    'STORE_IGNORES_CONDITIONS',
    'it accepted two conditional puts of one name, so writers would overwrite each other silently; ' +
      'use a store that honours If-None-Match, such as Amazon S3, Cloudflare R2 or MinIO',
    { operation: 'probe', store: store.description, key },
  )
}

/** Where it is not known what became of a put, it is repeated once: the object is there or not, and either is fine. */
async function create(store: ObjectStore, key: string): Promise<PutResult> {
  const details = { operation: 'probe', store: store.description, key } as const
  let failed = false
  for (let i = 0; i < tries; i++) {
    try {
      const result = await store.put(key, new Uint8Array(), { ifAbsent: true })
      if (result.outcome !== 'busy') return result
    } catch (error) {
      if (!(error instanceof StoreError && error.unknown)) throw error
      if (failed)
        throw new StoreError('STORE_UNAVAILABLE', 'twice it gave no answer', { ...details, cause: error })
      failed = true
    }
  }
  throw new StoreError('STORE_UNAVAILABLE', `it answered ${tries} times that the name is in use`, details)
}
