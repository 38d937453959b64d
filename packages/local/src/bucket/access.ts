import { isWellSigned } from '../signature.ts'
import { S3Error } from './errors.ts'
import { header, type S3Request } from './request.ts'

/** S3 allows clocks to differ by this. */
const maxSkewMs = 15 * 60_000

/**
 * Everybody may do everything, signed or not. But a signature that is there must look like one, and be as young as
 * S3 wants it: an environment that was frozen for long finds its request refused, as it would on AWS. Throws
 * `S3Error`.
 */
export function checkAccess(request: S3Request, nowMs: number): void {
  const authorization = header(request, 'authorization')
  if (authorization !== null) {
    if (!isWellSigned(authorization))
      throw new S3Error(
        400,
        'AuthorizationHeaderMalformed',
        'The authorization header is none of Signature Version 4.',
      )
    const date = header(request, 'x-amz-date') ?? header(request, 'date')
    const at = instant(date ?? '')
    if (Number.isNaN(at))
      throw new S3Error(403, 'AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header')
    if (Math.abs(nowMs - at) > maxSkewMs)
      throw new S3Error(
        403,
        'RequestTimeTooSkewed',
        'The difference between the request time and the current time is too large.',
        {},
        {
          RequestTime: date ?? '',
          ServerTime: new Date(nowMs).toISOString().replace(/\.\d+/, ''),
          MaxAllowedSkewMilliseconds: String(maxSkewMs),
        },
      )
  }
  const { query } = request
  if (query.has('X-Amz-Signature')) {
    const until = instant(query.get('X-Amz-Date') ?? '') + Number(query.get('X-Amz-Expires')) * 1000
    if (Number.isNaN(until))
      throw new S3Error(400, 'AuthorizationQueryParametersError', 'X-Amz-Date and X-Amz-Expires are needed')
    if (nowMs > until) throw new S3Error(403, 'AccessDenied', 'Request has expired')
  }
}

/** Who signed a request, or says so. */
export function accessKeyOf(request: S3Request): string | null {
  const [, signer] = /Credential=([^/,\s]+)/.exec(header(request, 'authorization') ?? '') ?? []
  return signer ?? request.query.get('X-Amz-Credential')?.split('/')[0] ?? null
}

/** ms since the epoch of `20260131T120000Z`, or of a date as HTTP writes it; NaN for anything else. */
function instant(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
}
