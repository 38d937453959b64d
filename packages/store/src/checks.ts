import { StoreError, type StoreOperation } from './errors.ts'
import { checkKey, checkRange } from './keys.ts'
import type { GetOptions, PutOptions } from './object-store.ts'

// What every store checks before it does anything, so that all refuse the same things.

/** Throws `STORE_ABORTED` when the caller's signal has fired before anything was done. */
export function checkAlive(
  operation: StoreOperation,
  store: string,
  key?: string,
  signal?: AbortSignal,
): void {
  if (!signal?.aborted) return
  throw new StoreError('STORE_ABORTED', 'ended by the caller', {
    operation,
    store,
    key,
    cause: signal.reason,
  })
}

export function checkGet(key: string, options: GetOptions, store: string): void {
  checkKey(key, 'get', store)
  if (options.range) checkRange(options.range, key, store)
  checkAlive('get', store, key, options.signal)
}

export function checkPut(key: string, options: PutOptions, store: string): void {
  checkKey(key, 'put', store)
  if (options.ifAbsent && options.ifMatch !== undefined) {
    const details = { operation: 'put', store, key } as const
    throw new StoreError('STORE_REFUSED', 'ifAbsent and ifMatch exclude each other', details)
  }
  checkAlive('put', store, key, options.signal)
}

export function changed(key: string, etag: string, store: string, status?: number): StoreError {
  const details = { operation: 'get', store, key, status } as const
  return new StoreError('STORE_CHANGED', `it does not have the etag ${etag} any more`, details)
}
