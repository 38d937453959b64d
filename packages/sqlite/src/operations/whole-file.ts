import { type ObjectStore, objectAddress, openStore, type StoreEnvironment, StoreError } from '@thaw/store'

/** One list's answer. */
const LOOK_THROUGH = 1_000
const MAGIC = Buffer.from('SQLite format 3\0')
/** Not among our own objects. */
const FILE_NAME = /^(?!thaw\/|lost\/|[0-9a-f]{4}\/).*\.(db3?|sqlite3?)$/i
const ENDINGS = ['', '.db', '.sqlite', '.sqlite3']

/**
 * Looks for an SQLite file that is kept whole where a database is expected and is not: an object with the very name of
 * the place, that name with an ending, or objects with such endings in it. Places that may not be looked at hold none.
 *
 * @param storeUrl of `store`, as `openStore` takes it
 * @returns the file as it may be named in a message, or null
 * @throws StoreError
 */
export async function findWholeFile(
  store: ObjectStore,
  storeUrl: string,
  env: StoreEnvironment,
): Promise<string | null> {
  const [base = '', search = ''] = storeUrl.split(/(?=\?)/)
  const place = base.replace(/\/+$/, '')
  for (const ending of ENDINGS) {
    const address = objectAddress(place + ending + search)
    if (address === null) break
    const around = openStore(address.storeUrl, env)
    try {
      if (await isThere(around, address.key)) return address.description
    } finally {
      await around.close()
    }
  }
  let looked = 0
  for await (const { key } of store.list('')) {
    if (FILE_NAME.test(key) && (await isThere(store, key))) return `${place}/${key}`
    if (++looked === LOOK_THROUGH) break
  }
  return null
}

async function isThere(store: ObjectStore, key: string): Promise<boolean> {
  try {
    const object = await store.get(key, { range: { start: 0, end: MAGIC.length } })
    return object !== null && MAGIC.equals(object.body)
  } catch (error) {
    if (error instanceof StoreError && error.code === 'STORE_ACCESS_DENIED') return false
    throw error
  }
}
