import type { S3Client } from './client.ts'
import { type Context, errorCode, refusal } from './failure.ts'
import { element, elements } from './xml.ts'

/** What is set for a whole bucket and matters to what is kept in it. Null where nobody may tell. */
export interface BucketSettings {
  /** What the names of the store begin with in the bucket: empty, or `prefix/`. */
  readonly prefix: string
  readonly versioning: 'enabled' | 'suspended' | 'off' | null
  readonly rules: readonly LifecycleRule[] | null
}

/** One rule by which S3 itself deletes or moves objects. */
export interface LifecycleRule {
  readonly id: string
  readonly enabled: boolean
  /** Names that it applies to begin with this. */
  readonly prefix: string
  /** It deletes current objects. */
  readonly expires: boolean
  /** It deletes what was deleted or replaced, in a bucket with versions. */
  readonly expiresNoncurrent: boolean
  /** It moves current objects into these storage classes. */
  readonly movesTo: readonly string[]
}

/**
 * Asks for both settings. What the credentials do not permit, or the server does not know, is null.
 * @throws StoreError
 */
export async function settingsOf(
  client: S3Client,
  prefix: string,
  context: Context,
): Promise<BucketSettings> {
  const [versioning, lifecycle] = await Promise.all([
    ask(client, 'versioning', 'VersioningConfiguration', context),
    ask(client, 'lifecycle', 'LifecycleConfiguration', context),
  ])
  return {
    prefix,
    versioning: versioning === null ? null : parseVersioning(versioning),
    rules: lifecycle === null ? null : parseRules(lifecycle),
  }
}

/** The answer as text: empty where nothing was ever set, null where nobody may tell. */
async function ask(client: S3Client, what: string, root: string, context: Context): Promise<string | null> {
  const answer = await client.send({ method: 'GET', query: { [what]: '' } }, context)
  const said = answer.status === 200 ? null : errorCode(answer)
  if (said === 'NoSuchLifecycleConfiguration') return ''
  if (said === 'NoSuchBucket' || (answer.status >= 500 && answer.status !== 501))
    throw refusal(answer, context)
  if (answer.status !== 200) return null
  const text = new TextDecoder().decode(answer.body)
  // A server that does not know the question answers another one, such as what is in the bucket.
  return text.includes(`<${root}`) ? text : null
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html */
export function parseVersioning(xml: string): 'enabled' | 'suspended' | 'off' {
  const status = element(xml, 'Status')
  return status === 'Enabled' ? 'enabled' : status === 'Suspended' ? 'suspended' : 'off'
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html */
export function parseRules(xml: string): LifecycleRule[] {
  return elements(xml, 'Rule').map((rule, index) => {
    const [expiration] = elements(rule, 'Expiration')
    return {
      id: element(rule, 'ID') ?? `rule ${index + 1}`,
      enabled: element(rule, 'Status') === 'Enabled',
      prefix: element(rule, 'Prefix') ?? '',
      // The third kind removes only marks of what is gone already.
      expires: expiration !== undefined && /<(Days|Date)>/.test(expiration),
      expiresNoncurrent: elements(rule, 'NoncurrentVersionExpiration').length > 0,
      movesTo: elements(rule, 'Transition').map((move) => element(move, 'StorageClass') ?? 'unknown'),
    }
  })
}
