import { StoreConfigError } from '../errors.ts'
import type { S3StoreOptions } from './options.ts'

/** Where the objects of a bucket are. */
export interface S3Address {
  readonly secure: boolean
  /** A name or an IP address, without brackets. */
  readonly hostname: string
  readonly port: number
  /** The `Host` header. */
  readonly host: string
  /** What comes before `/key`: empty, or `/bucket`. */
  readonly base: string
  /** For messages. */
  readonly endpoint: string
}

/** Throws `StoreConfigError` when the endpoint is no address. */
export function addressOf(
  options: Pick<S3StoreOptions, 'bucket' | 'region' | 'endpoint' | 'pathStyle'>,
): S3Address {
  const { bucket, region } = options
  const url = endpointUrl(options.endpoint ?? amazon(region))
  const bare = url.hostname.replace(/^\[|\]$/g, '')
  const pathStyle = options.pathStyle ?? (bucket.includes('.') || isLocal(url.hostname))
  const secure = url.protocol === 'https:'
  return {
    secure,
    hostname: pathStyle ? bare : `${bucket}.${bare}`,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    host: pathStyle ? url.host : `${bucket}.${url.host}`,
    base: pathStyle ? `/${encode(bucket)}` : '',
    endpoint: url.origin,
  }
}

/** An IP address or localhost: no name in front of it leads anywhere. A URL has IPv4 in four decimals. */
function isLocal(hostname: string): boolean {
  return hostname === 'localhost' || hostname.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(hostname)
}

function amazon(region: string): string {
  return `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
}

function endpointUrl(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null
  if (
    url &&
    /^https?:$/.test(url.protocol) &&
    !url.username &&
    !url.password &&
    url.pathname === '/' &&
    !url.search
  )
    return url
  throw new StoreConfigError(
    'STORE_URL_INVALID',
    `the endpoint of an S3 store must look like http://host:port or https://host, without a path or a user${
      url ? `, and not like ${url.protocol}//${url.host}${url.pathname}` : ''
    }`,
  )
}

/** The path of an object, encoded as the signature wants it (RFC 3986). */
export function pathOf(address: S3Address, key: string): string {
  return `${address.base}/${key.split('/').map(encode).join('/')}`
}

export function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}
