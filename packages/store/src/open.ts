import { fileURLToPath } from 'node:url'
import { StoreConfigError, type StoreConfigErrorCode } from './errors.ts'
import { folderStore } from './folder/folder.ts'
import { memoryStore } from './memory.ts'
import type { ObjectStore } from './object-store.ts'
import { s3Client } from './s3/client.ts'
import type { S3Credentials, S3StoreOptions } from './s3/options.ts'
import { s3Store } from './s3/s3.ts'
import { type BucketSettings, settingsOf } from './s3/settings.ts'

export type StoreEnvironment = Readonly<Record<string, string | undefined>>

/**
 * The store behind a URL:
 * - `memory:`, a new one at each call
 * - `file:///folder`
 * - `s3://bucket/prefix?endpoint=…&region=…&forcePathStyle=true`, all parameters optional, named as
 *   Litestream names them. The region comes from `AWS_REGION` or `AWS_DEFAULT_REGION` else, the endpoint
 *   from `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, the credentials always from `AWS_ACCESS_KEY_ID`,
 *   `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, read anew for every request. With an endpoint of
 *   one's own, the region is us-east-1 unless it is given.
 *
 * Nothing is contacted yet. Throws `StoreConfigError`.
 */
export function openStore(url: string | URL, env: StoreEnvironment = process.env): ObjectStore {
  const given = String(url)
  const refuse = (code: StoreConfigErrorCode, message: string) =>
    new StoreConfigError(code, `${withoutSecrets(given)}: ${message}`)
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(given)?.[1]?.toLowerCase()
  switch (scheme) {
    case 'memory':
      if (given.length > 'memory:'.length)
        throw refuse('STORE_URL_INVALID', 'a store in memory has no name: write memory:')
      return memoryStore()
    case 'file':
      return openFolder(given, refuse)
    case 's3':
      return s3Store(bucketOptions(given, env, refuse))
    default:
      throw refuse('STORE_SCHEME_UNKNOWN', 'a store is s3://bucket/prefix, file:///folder or memory:')
  }
}

/**
 * What is set for the bucket of a store, by its URL; null when it is no bucket.
 * @throws StoreConfigError, StoreError
 */
export async function bucketSettings(
  url: string | URL,
  env: StoreEnvironment = process.env,
): Promise<BucketSettings | null> {
  const given = String(url)
  if (!/^s3:/i.test(given)) return null
  const options = bucketOptions(given, env, (code, message) => {
    return new StoreConfigError(code, `${withoutSecrets(given)}: ${message}`)
  })
  const client = s3Client(options)
  const prefix = (options.prefix ?? '').replace(/^\/+|\/+$/g, '')
  const context = { operation: 'list', store: `s3://${options.bucket}`, endpoint: client.endpoint } as const
  try {
    return await settingsOf(client, prefix === '' ? '' : `${prefix}/`, context)
  } finally {
    client.close()
  }
}

type Refuse = (code: StoreConfigErrorCode, message: string) => StoreConfigError

function openFolder(given: string, refuse: Refuse): ObjectStore {
  // The URL class would take file:folder for /folder.
  if (!/^file:\/\/(localhost)?\//i.test(given) || !URL.canParse(given))
    throw refuse('STORE_URL_INVALID', 'the folder must be an absolute path: file:///folder')
  const url = new URL(given)
  if (url.search || url.hash) throw refuse('STORE_URL_INVALID', 'a folder takes no parameters')
  if (url.pathname === '/') throw refuse('STORE_URL_INVALID', 'the folder must not be the root directory')
  try {
    return folderStore(fileURLToPath(url))
  } catch (cause) {
    throw new StoreConfigError('STORE_URL_INVALID', `${given}: this is no path`, { cause })
  }
}

function bucketOptions(given: string, env: StoreEnvironment, refuse: Refuse): S3StoreOptions {
  if (!URL.canParse(given) || !/^s3:\/\//i.test(given))
    throw refuse('STORE_URL_INVALID', 'write s3://bucket/prefix')
  const url = new URL(given)
  if (url.username || url.password)
    throw refuse(
      'STORE_URL_INVALID',
      'credentials do not belong in the URL: set AWS_ACCESS_KEY_ID and its kin',
    )
  if (url.hash) throw refuse('STORE_URL_INVALID', 'a "#" in the prefix must be written %23')
  const bucket = url.hostname
  if (bucket === '') throw refuse('STORE_BUCKET_MISSING', 'no bucket is named: write s3://bucket/prefix')
  if (url.port || !/^[a-z0-9][a-z0-9._-]{1,253}[a-z0-9]$/i.test(bucket))
    throw refuse(
      'STORE_URL_INVALID',
      'this is no name of a bucket; an endpoint is given as ?endpoint=http://host:port',
    )

  const parameters = parametersOf(url, refuse)
  const endpoint = parameters.endpoint || env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || undefined
  const region =
    parameters.region || env.AWS_REGION || env.AWS_DEFAULT_REGION || (endpoint ? 'us-east-1' : undefined)
  if (region === undefined)
    throw refuse('STORE_REGION_MISSING', 'no region: add ?region=… to the URL, or set AWS_REGION')

  const credentials = (): S3Credentials => {
    const accessKeyId = env.AWS_ACCESS_KEY_ID
    const secretAccessKey = env.AWS_SECRET_ACCESS_KEY
    if (accessKeyId && secretAccessKey)
      return { accessKeyId, secretAccessKey, sessionToken: env.AWS_SESSION_TOKEN || undefined }
    throw refuse(
      'STORE_CREDENTIALS_MISSING',
      'no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, for a profile by ' +
        'eval "$(aws configure export-credentials --format env)"',
    )
  }
  credentials()
  return {
    bucket,
    region,
    endpoint,
    credentials,
    pathStyle: parameters.pathStyle,
    prefix: prefixOf(url, refuse),
  }
}

interface Parameters {
  readonly endpoint: string | undefined
  readonly region: string | undefined
  readonly pathStyle: boolean | undefined
}

function parametersOf(url: URL, refuse: Refuse): Parameters {
  const known = ['endpoint', 'region', 'forcePathStyle']
  for (const name of new Set(url.searchParams.keys())) {
    if (!known.includes(name))
      throw refuse('STORE_URL_INVALID', `unknown parameter '${name}'; known are ${known.join(', ')}`)
    if (url.searchParams.getAll(name).length > 1)
      throw refuse('STORE_URL_INVALID', `the parameter '${name}' occurs twice`)
  }
  const style = url.searchParams.get('forcePathStyle')
  if (style !== null && style !== 'true' && style !== 'false')
    throw refuse('STORE_URL_INVALID', "forcePathStyle must be 'true' or 'false'")
  return {
    endpoint: url.searchParams.get('endpoint') ?? undefined,
    region: url.searchParams.get('region') ?? undefined,
    pathStyle: style === null ? undefined : style === 'true',
  }
}

function prefixOf(url: URL, refuse: Refuse): string {
  try {
    return decodeURIComponent(url.pathname)
  } catch {
    throw refuse('STORE_URL_INVALID', 'a "%" in the prefix must be written %25')
  }
}

/** The URL as it may be shown: no user, no parameters. */
function withoutSecrets(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/\/\/.*@/s, '//***@')
}
