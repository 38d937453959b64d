import { noSuchKey, preconditionFailed, S3Error } from './errors.ts'
import { header, type S3Request } from './request.ts'

/** What a request may ask of the object that is there. */
export interface Conditions {
  readonly ifMatch: string | null
  readonly ifNoneMatch: string | null
}

export function conditionsOf(request: S3Request, prefix = ''): Conditions {
  return {
    ifMatch: header(request, `${prefix}if-match`),
    ifNoneMatch: header(request, `${prefix}if-none-match`),
  }
}

/**
 * What S3 says to a put, or to the completion of an upload, whose condition does not hold. `etag` is null where
 * there is no object. Throws `S3Error`.
 *
 * Source: "Add preconditions to S3 operations with conditional requests" of the S3 user guide.
 */
export function checkWrite({ ifMatch, ifNoneMatch }: Conditions, etag: string | null): void {
  if (ifNoneMatch !== null && ifNoneMatch !== '*')
    throw new S3Error(
      501,
      'NotImplemented',
      'A header you provided implies functionality that is not implemented: If-None-Match takes * only',
    )
  if (ifMatch !== null && etag === null) throw noSuchKey()
  if (ifNoneMatch !== null && etag !== null) throw preconditionFailed()
  if (ifMatch !== null && etag !== null && !matches(ifMatch, etag)) throw preconditionFailed()
}

/** What a get or a head of an object must be answered with, if not with the object. Source: RFC 9110, 13.2.2. */
export function checkRead(request: S3Request, etag: string, modifiedAt: number): 304 | null {
  const { ifMatch, ifNoneMatch } = conditionsOf(request)
  const seconds = Math.floor(modifiedAt / 1000) * 1000
  const since = Date.parse(header(request, 'if-modified-since') ?? '')
  const until = Date.parse(header(request, 'if-unmodified-since') ?? '')
  if (ifMatch !== null ? !matches(ifMatch, etag) : seconds > until) throw preconditionFailed()
  if (ifNoneMatch !== null ? matches(ifNoneMatch, etag) : seconds <= since) return 304
  return null
}

/** Whether a list of entity tags, quoted or not, has this one. */
export function matches(list: string, etag: string): boolean {
  return list.split(',').some((tag) => {
    const bare = tag.trim().replace(/^W\//, '').replace(/^"|"$/g, '')
    return bare === '*' || bare === etag
  })
}
