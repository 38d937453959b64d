import { createHash } from 'node:crypto'
import { signingTime } from '../bytes.ts'
import { StoreError } from '../errors.ts'
import type { PutOptions, PutResult } from '../object-store.ts'
import type { S3Client } from './client.ts'
import { type Context, errorCode, nonsense, refusal } from './failure.ts'
import { etagOf } from './read.ts'
import { element, elements, escapeText } from './xml.ts'

/** S3 deletes no more names at once. */
export const deleteBatch = 1000

/** Puts an object, once. */
export async function putOnce(
  client: S3Client,
  key: string,
  body: readonly Uint8Array[],
  options: PutOptions,
  context: Context,
): Promise<PutResult> {
  const { signal } = options
  const headers = { ...conditionOf(options), ...descriptionOf(options) }
  const given = signingTime(options)
  const signedAt = given instanceof Promise ? await given : given
  const answer = await client.send({ method: 'PUT', key, headers, body, signedAt, signal }, context)
  if (answer.status === 200) return { outcome: 'stored', etag: etagOf(answer, context) }
  const unmet = unmetBy(answer.status, errorCode(answer), options)
  if (unmet) return unmet
  throw refusal(answer, context)
}

/**
 * What an answer says of the condition of a put that did not happen; null when it says something else.
 * @param said the error code in its body
 */
export function unmetBy(
  status: number,
  said: string | null,
  { ifAbsent = false, ifMatch }: PutOptions,
): PutResult | null {
  switch (status) {
    case 412:
      if (ifAbsent) return { outcome: 'exists' }
      return ifMatch === undefined ? null : { outcome: 'changed' }
    case 409:
      return { outcome: 'busy' }
    case 404:
      return ifMatch !== undefined && said === 'NoSuchKey' ? { outcome: 'changed' } : null
    default:
      return null
  }
}

/** The headers that say when the object may be written. */
export function conditionOf({ ifAbsent, ifMatch }: PutOptions): Record<string, string> {
  return { ...(ifAbsent && { 'If-None-Match': '*' }), ...(ifMatch !== undefined && { 'If-Match': ifMatch }) }
}

/** The headers that the object keeps. */
export function descriptionOf({ timestamp }: PutOptions): Record<string, string> {
  return {
    'Content-Type': 'application/octet-stream',
    ...(timestamp !== undefined && {
      'X-Amz-Meta-Litestream-Timestamp': new Date(timestamp).toISOString(),
    }),
  }
}

/** Deletes up to `deleteBatch` names, in one request. Doing it again does no harm. */
export async function deleteOnce(client: S3Client, keys: readonly string[], context: Context): Promise<void> {
  const [first] = keys
  if (keys.length === 1 && first !== undefined) {
    const about = { ...context, key: first }
    const answer = await client.send({ method: 'DELETE', key: first }, about)
    if (answer.status !== 204 && answer.status !== 200) throw refusal(answer, about)
    return
  }
  const names = keys.map((key) => `<Object><Key>${escapeText(key)}</Key></Object>`).join('')
  const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'
  const body = new TextEncoder().encode(`<Delete xmlns="${namespace}"><Quiet>true</Quiet>${names}</Delete>`)
  const headers = {
    'Content-Type': 'application/xml',
    'Content-MD5': createHash('md5').update(body).digest('base64'),
  }
  const answer = await client.send({ method: 'POST', query: { delete: '' }, headers, body: [body] }, context)
  if (answer.status !== 200) throw refusal(answer, context)
  const report = new TextDecoder().decode(answer.body)
  if (!/<DeleteResult[\s>/]/.test(report)) throw nonsense('this is no report of a deletion', answer, context)
  const [failed] = elements(report, 'Error')
  if (failed !== undefined) throw undeleted(failed, context)
}

/** What S3 says about a name of a batch that it did not delete. */
function undeleted(failed: string, { operation, store }: Context): StoreError {
  const said = element(failed, 'Code') ?? 'no reason given'
  const message = `${said}, ${element(failed, 'Message') ?? 'not deleted'}`
  const details = { operation, store, key: element(failed, 'Key') ?? undefined }
  if (said === 'AccessDenied')
    return new StoreError('STORE_ACCESS_DENIED', `${message}; it takes s3:DeleteObject`, details)
  if (said === 'InternalError' || said === 'SlowDown')
    return new StoreError('STORE_UNAVAILABLE', message, { ...details, unknown: true })
  return new StoreError('STORE_REFUSED', message, details)
}
