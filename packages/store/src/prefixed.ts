import { StoreConfigError } from './errors.ts'
import { keyFault } from './keys.ts'
import type { ObjectInfo, ObjectStore } from './object-store.ts'

/**
 * The part of a store below `prefix`, as a store of its own: names are relative to it. Slashes around the
 * prefix do not matter. Closing it closes the store beneath. An error names the whole key.
 *
 * Throws `StoreConfigError` when the prefix could not begin a name.
 */
export function prefixed(store: ObjectStore, prefix: string): ObjectStore {
  const trimmed = prefix.replace(/^\/+|\/+$/g, '')
  if (trimmed === '') return store
  const fault = keyFault(trimmed)
  if (fault !== null)
    throw new StoreConfigError('STORE_URL_INVALID', `${store.description}: prefix '${prefix}': ${fault}`)
  const lead = `${trimmed}/`

  function relative<T extends ObjectInfo>(object: T): T {
    return { ...object, key: object.key.slice(lead.length) }
  }

  return {
    description: `${store.description.replace(/\/$/, '')}/${trimmed}`,
    async get(key, options) {
      const object = await store.get(lead + key, options)
      return object && relative(object)
    },
    async head(key, options) {
      const object = await store.head(lead + key, options)
      return object && relative(object)
    },
    put: (key, body, options) => store.put(lead + key, body, options),
    async *list(within, options = {}) {
      const { startAfter } = options
      const after = startAfter === undefined ? options : { ...options, startAfter: lead + startAfter }
      for await (const object of store.list(lead + within, after)) yield relative(object)
    },
    delete: (keys) => store.delete(keys.map((key) => lead + key)),
    close: () => store.close(),
  }
}
