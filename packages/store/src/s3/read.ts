import { changed } from '../checks.ts'
import type { GetOptions, ObjectInfo, StoredObject } from '../object-store.ts'
import type { S3Client } from './client.ts'
import type { Answer } from './connection.ts'
import { type Context, errorCode, nonsense, refusal } from './failure.ts'

/** Asks for an object or a range of it, once. Null when it is absent. */
export async function getOnce(
  client: S3Client,
  key: string,
  options: GetOptions,
  context: Context,
): Promise<StoredObject | null> {
  const { range, ifMatch, signal } = options
  if (range && range.start === range.end) return headOnce(client, key, options, context)
  const headers: Record<string, string> = {}
  if (range) headers.Range = `bytes=${range.start}-${range.end === Infinity ? '' : range.end - 1}`
  if (ifMatch !== undefined) headers['If-Match'] = ifMatch
  const answer = await client.send({ method: 'GET', key, headers, signal }, context)
  switch (answer.status) {
    case 200: {
      // The whole object, even if a range was asked for.
      const body = range ? answer.body.slice(range.start, range.end) : answer.body
      return { ...describe(key, answer, answer.body.length, context), body }
    }
    case 206:
      return { ...describe(key, answer, sizeBehind(answer, options, context), context), body: answer.body }
    case 416: // the range begins at or after the end, as every range of an empty object does
      return headOnce(client, key, options, context)
    default:
      return absentOrThrow(key, answer, options, context)
  }
}

/** What there is to tell about an object of which no byte is wanted. */
async function headOnce(
  client: S3Client,
  key: string,
  options: GetOptions,
  context: Context,
): Promise<StoredObject | null> {
  const headers: Record<string, string> = options.ifMatch === undefined ? {} : { 'If-Match': options.ifMatch }
  const answer = await client.send({ method: 'HEAD', key, headers, signal: options.signal }, context)
  // Without a body, only a GET tells what a 404 means.
  const range = { start: 0, end: 1 }
  if (answer.status === 404) return withoutBody(await getOnce(client, key, { ...options, range }, context))
  if (answer.status !== 200) return absentOrThrow(key, answer, options, context)
  const size = Number(answer.headers['content-length'] ?? Number.NaN)
  return withoutBody({ ...describe(key, answer, size, context), body: answer.body })
}

/** The length of the whole object, from an answer that has to hold the asked range. */
function sizeBehind(answer: Answer, { range }: GetOptions, context: Context): number {
  const said = String(answer.headers['content-range'])
  const [, start, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(said) ?? []
  const expected = range && Math.min(range.end, Number(size)) - range.start
  if (Number(start) === range?.start && answer.body.length === expected) return Number(size)
  throw nonsense(`the range is not the one asked for: ${said}`, answer, context)
}

/** A 404 alone may mean a missing bucket, and a 403 may stand for anything: neither is absence. */
function absentOrThrow(key: string, answer: Answer, options: GetOptions, context: Context): null {
  if (answer.status === 404 && errorCode(answer) === 'NoSuchKey') return null
  if (answer.status === 412 && options.ifMatch !== undefined)
    throw changed(key, options.ifMatch, context.store, 412)
  throw refusal(answer, context)
}

function describe(key: string, answer: Answer, size: number, context: Context): ObjectInfo {
  const modifiedAt = Date.parse(String(answer.headers['last-modified']))
  if (!Number.isSafeInteger(size) || Number.isNaN(modifiedAt))
    throw nonsense('the answer lacks the size or the time of the object', answer, context)
  return { key, size, etag: etagOf(answer, context), modifiedAt }
}

export function etagOf(answer: Answer, context: Context): string {
  const { etag } = answer.headers
  if (!etag) throw nonsense('the answer has no ETag', answer, context)
  return etag
}

function withoutBody(object: StoredObject | null): StoredObject | null {
  return object && { ...object, body: new Uint8Array() }
}
