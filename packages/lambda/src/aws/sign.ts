import type { BinaryLike } from 'node:crypto'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface Signable {
  readonly method: string
  readonly host: string
  /** As it is sent: encoded, begins with `/`; without a query. */
  readonly path: string
  /** Names in lower case; all are signed. Values without blanks at their ends or in a row. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** Which service is spoken to, and when. */
export interface Scope {
  readonly service: string
  readonly region: string
  /** In ms since the epoch. */
  readonly at: number
}

/**
 * The headers of `request` and those that make AWS believe it: Signature Version 4, for every service but S3.
 *
 * Not by the library aws4, as requests to the bucket are: bundled and minified that is 9.0 KB and this 1.0 KB, in
 * functions that may have no bucket, and it loads `node:crypto` when it is imported, this when something is signed.
 * The tests compare the two.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function sign(
  { method, host, path, headers, body }: Signable,
  { service, region, at }: Scope,
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
): Record<string, string> {
  const time = new Date(at).toISOString().replace(/[-:]|\.\d+/g, '')
  const date = time.slice(0, 8)
  const all: Record<string, string> = {
    ...headers,
    host,
    'x-amz-date': time,
    ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
  }
  const names = Object.keys(all).sort()
  const lines = names.map((name) => `${name}:${all[name]}\n`)
  const signedHeaders = names.join(';')
  const canonical = [method, encodeAgain(path), '', lines.join(''), signedHeaders, hash(body)].join('\n')
  const scope = `${date}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n')
  const key = [date, region, service, 'aws4_request'].reduce<BinaryLike>(mac, `AWS4${secretAccessKey}`)
  const signature = mac(key, toSign).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`
  return { ...all, authorization }
}

/** What is signed is the path encoded once more than it is sent. */
function encodeAgain(path: string): string {
  return path.split('/').map(encode).join('/')
}

/** Percent-encoding of everything but the unreserved characters of RFC 3986. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function hash(data: BinaryLike): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(data).digest('hex')
}

function mac(key: BinaryLike, data: string): Buffer {
  return process.getBuiltinModule('node:crypto').createHmac('sha256', key).update(data).digest()
}
