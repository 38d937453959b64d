import { adoptDatabase, findWholeFile, OperationError, type WholeFile } from '@thaw/sqlite'
import {
  type ObjectAddress,
  type ObjectStore,
  objectAddress,
  openStore,
  StoreConfigError,
  type StoreEnvironment,
} from '@thaw/store'
import { ConfigError } from '../../errors.ts'
import type { BucketTarget } from '../../url.ts'

/**
 * What to do about a database file that an earlier system kept whole, where there is no database yet:
 * - `required`: adopt the one that the environment names, which has to be there; refuse to begin empty beside one
 *   that it does not name
 * - `if-present`: the same, but what is named and not there is no error
 * - `never`: begin empty, whatever lies about
 */
export type Adopt = 'required' | 'if-present' | 'never'

/**
 * Called where a store holds no database. Afterwards it holds one, or may be begun empty.
 *
 * @returns whether there is a database now
 * @throws OperationError `FILE_NOT_FOUND`, `FILE_NOT_ADOPTED`, `FILE_NOT_SQLITE`, `INTEGRITY_CHECK_FAILED`; ConfigError;
 *   StoreError
 */
export async function adoptInto(
  store: ObjectStore,
  target: BucketTarget,
  env: StoreEnvironment,
  adopt: Adopt,
): Promise<boolean> {
  if (adopt === 'never') return false
  const named = namedFile(target, env)
  if (!named) {
    await refuseUnnamed(store, target, env)
    return false
  }
  try {
    await withFile(named, env, (file) => adoptDatabase({ store, description: target.description }, file))
    return true
  } catch (error) {
    const code = error instanceof OperationError ? error.code : null
    if (code === 'DATABASE_EXISTS') return true // somebody else was faster
    if (code !== 'FILE_NOT_FOUND') throw error
    if (adopt === 'if-present') return false
    throw new OperationError(
      'FILE_NOT_FOUND',
      `${target.description} holds no database, and ${named.description}, which ${named.variable} names as the one to ` +
        'adopt, is not there. Correct the variable, unset it, or set THAW_ADOPT=if-present to begin empty',
      error,
    )
  }
}

/** The file that `DATABASE_S3_KEY` or `DB_S3_KEY` names, in the bucket of `DATABASE_S3_BUCKET`, else of the database. */
function namedFile(
  target: BucketTarget,
  env: StoreEnvironment,
): (ObjectAddress & { variable: string }) | null {
  const variable = ['DATABASE_S3_KEY', 'DB_S3_KEY'].find((name) => env[name])
  const key = variable && env[variable]?.replace(/^\/+/, '')
  if (!variable || !key) return null
  const own = URL.canParse(target.storeUrl) ? new URL(target.storeUrl) : null
  const inS3 = own?.protocol === 's3:'
  const bucket = env.DATABASE_S3_BUCKET || (inS3 ? own.hostname : '')
  if (bucket === '') {
    throw new ConfigError(
      `${variable} names a database to adopt into ${target.description}, and no bucket that it is in: set ` +
        'DATABASE_S3_BUCKET, or THAW_ADOPT=never to begin empty',
    )
  }
  const parameters = inS3 ? own.search : ''
  const path = key.split('/').map(encodeURIComponent).join('/')
  return { ...addressOf(`s3://${bucket}/${path}${parameters}`), variable }
}

/** @throws OperationError `FILE_NOT_ADOPTED` when an SQLite file lies where the database was expected to be */
async function refuseUnnamed(store: ObjectStore, target: BucketTarget, env: StoreEnvironment): Promise<void> {
  const found = await findWholeFile(store, target.storeUrl, env)
  if (found === null) return
  throw new OperationError(
    'FILE_NOT_ADOPTED',
    `${target.description} holds no database, but ${found} is an SQLite file that is kept whole. Adopt it by setting ` +
      'DATABASE_S3_KEY (and DATABASE_S3_BUCKET) or by thaw db import, or set THAW_ADOPT=never to begin empty',
  )
}

/** @throws ConfigError when the URL names no object */
function addressOf(url: string): ObjectAddress {
  const address = objectAddress(url)
  if (address) return address
  throw new ConfigError(`${url.replace(/\?.*$/s, '')} is no name of a database file in a bucket`)
}

async function withFile<T>(
  { storeUrl, key, description }: ObjectAddress,
  env: StoreEnvironment,
  fn: (file: WholeFile) => Promise<T>,
): Promise<T> {
  const store = storeOf(storeUrl, env)
  try {
    return await fn({ store, key, description })
  } finally {
    await store.close()
  }
}

function storeOf(url: string, env: StoreEnvironment): ObjectStore {
  try {
    return openStore(url, env)
  } catch (error) {
    if (!(error instanceof StoreConfigError)) throw error
    throw new ConfigError(`the database to adopt cannot be reached: ${error.message}`, error)
  }
}
