import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export interface SignedRequest {
  readonly method: string
  /** Path and query as they were sent. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

export interface Verification {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** The server's clock, in ms since the epoch. */
  readonly now: number
}

/** S3's words for what is wrong with a request. */
export interface Denial {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** S3 allows clocks to differ by this. */
const maxSkewMs = 15 * 60_000

/**
 * Checks a request's AWS Signature Version 4, in its header form, its time and its body, as S3 does. Written
 * from the description alone and without the client's signer, so that each is the other's check.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 *
 * Returns null when all is well.
 */
export function verify(request: SignedRequest, verification: Verification): Denial | null {
  const { headers } = request
  const given =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    )
  if (!given) return deny(403, 'AccessDenied', 'The request is not signed')
  const [, scope = '', signedHeaders = '', signature = ''] = given
  const [accessKeyId, day = '', region = '', service = '', terminator = ''] = scope.split('/')
  if (accessKeyId !== verification.accessKeyId)
    return deny(403, 'InvalidAccessKeyId', 'The access key id does not exist')

  const date = String(headers['x-amz-date'])
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (Number.isNaN(at) || !date.startsWith(day)) return deny(403, 'AccessDenied', 'X-Amz-Date is not usable')
  if (Math.abs(verification.now - at) > maxSkewMs)
    return deny(
      403,
      'RequestTimeTooSkewed',
      'The difference between the request time and the server time is too large',
    )

  const names = signedHeaders.split(';')
  const unsigned = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))]
  if (unsigned.some((name) => !names.includes(name)))
    return deny(403, 'AccessDenied', 'There are headers that are not signed')

  const bodyHash = String(headers['x-amz-content-sha256'])
  const canonical = [
    request.method,
    ...canonicalUrl(request.url),
    ...names.map(
      (name) =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replace(/ +/g, ' ')}`,
    ),
    '',
    signedHeaders,
    bodyHash,
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', date, [day, region, service, terminator].join('/'), sha256(canonical)]
  const key = [day, region, service, terminator].reduce<string | Buffer>(
    (previous, part) => hmac(previous, part),
    `AWS4${verification.secretAccessKey}`,
  )
  if (!timingSafeEqual(hmac(key, toSign.join('\n')), Buffer.from(signature, 'hex')))
    return deny(403, 'SignatureDoesNotMatch', 'The signature does not match the request')

  if (/^[0-9a-f]{64}$/.test(bodyHash) && bodyHash !== sha256(request.body))
    return deny(400, 'XAmzContentSHA256Mismatch', 'The body is not the one that was signed')
  const md5 = headers['content-md5']
  if (md5 !== undefined && md5 !== createHash('md5').update(request.body).digest('base64'))
    return deny(400, 'BadDigest', 'The Content-MD5 does not match the body')
  return null
}

function deny(status: number, code: string, message: string): Denial {
  return { status, code, message }
}

/** The path and the sorted query, both encoded as RFC 3986 says, whatever the sender's taste. */
function canonicalUrl(url: string): [path: string, query: string] {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const query = mark < 0 ? [] : url.slice(mark + 1).split('&')
  const pairs = query.filter(Boolean).map((pair) => {
    const [name = '', ...value] = pair.split('=')
    return `${encode(decodeURIComponent(name))}=${encode(decodeURIComponent(value.join('=')))}`
  })
  const segments = path.split('/').map((segment) => encode(decodeURIComponent(segment)))
  return [segments.join('/'), pairs.sort().join('&')]
}

function encode(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => {
    const letter = String.fromCharCode(byte)
    return /[A-Za-z0-9._~-]/.test(letter) ? letter : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }).join('')
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}
