import { isUtf8 } from 'node:buffer'
import type { WireRequest } from './request.ts'

/** The event of an HTTP API, payload format 2.0. Absent keys are absent, as on AWS. */
export interface HttpEvent {
  readonly version: '2.0'
  readonly routeKey: string
  /** Decoded: a space is a space, and `%2F` a slash. */
  readonly rawPath: string
  /** As sent. */
  readonly rawQueryString: string
  readonly cookies?: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly queryStringParameters?: Readonly<Record<string, string>>
  readonly requestContext: {
    readonly accountId: string
    readonly apiId: string
    readonly domainName: string
    readonly domainPrefix: string
    readonly http: {
      readonly method: string
      readonly path: string
      readonly protocol: string
      readonly sourceIp: string
      readonly userAgent: string
    }
    readonly requestId: string
    readonly routeKey: string
    readonly stage: '$default'
    /** `12/Mar/2020:19:03:58 +0000`. */
    readonly time: string
    readonly timeEpoch: number
  }
  readonly body?: string
  readonly pathParameters?: Readonly<Record<string, string>>
  readonly isBase64Encoded: boolean
}

export interface EventContext {
  readonly routeKey: string
  readonly pathParameters: Readonly<Record<string, string>>
  /** API Gateway's id of the request, which is not the function's. */
  readonly requestId: string
  readonly traceId: string
  readonly nowMs: number
}

/** Belong to one connection, so a gateway does not pass them on. */
const hopByHop = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * The event that an HTTP API makes of a request.
 *
 * Source: "Create AWS Lambda proxy integrations for HTTP APIs" of the API Gateway developer guide, and events seen
 * on AWS for what it leaves open: which bodies are text, and that `content-length` is always there.
 */
export function buildEvent(request: WireRequest, context: EventContext): HttpEvent {
  const received = collectHeaders(request.headers)
  const host = received.get('host') ?? 'localhost'
  const domainName = host.replace(/:\d+$/, '')
  const rawPath = request.path.split('/').map(decode).join('/')
  const forwarded = received.get('x-forwarded-for')
  const { cookies, headers } = splitCookies(received, {
    'content-length': String(request.body.length),
    'x-amzn-trace-id': context.traceId,
    'x-forwarded-for':
      forwarded === undefined ? request.clientAddress : `${forwarded}, ${request.clientAddress}`,
    'x-forwarded-port': String(request.port),
    'x-forwarded-proto': 'http',
  })
  return {
    version: '2.0',
    routeKey: context.routeKey,
    rawPath,
    rawQueryString: request.query,
    ...(cookies.length === 0 ? {} : { cookies }),
    headers,
    ...(request.query === '' ? {} : { queryStringParameters: joinParameters(request.query) }),
    requestContext: {
      accountId: '123456789012',
      apiId: 'local',
      domainName,
      domainPrefix: domainName.split('.')[0] ?? domainName,
      http: {
        method: request.method,
        path: rawPath,
        protocol: request.protocol,
        sourceIp: request.clientAddress,
        userAgent: received.get('user-agent') ?? '',
      },
      requestId: context.requestId,
      routeKey: context.routeKey,
      stage: '$default',
      time: formatTime(context.nowMs),
      timeEpoch: context.nowMs,
    },
    ...encodeBody(request.body, received.get('content-type')),
    ...(Object.keys(context.pathParameters).length === 0 ? {} : { pathParameters: context.pathParameters }),
  }
}

/** Lower-case names; repeated headers joined with commas, cookies with semicolons. */
function collectHeaders(raw: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>()
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    const value = raw[index + 1] ?? ''
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}${name === 'cookie' ? ';' : ','}${value}`)
  }
  return headers
}

function splitCookies(
  received: ReadonlyMap<string, string>,
  added: Readonly<Record<string, string>>,
): { readonly cookies: readonly string[]; readonly headers: Readonly<Record<string, string>> } {
  const named = (received.get('connection') ?? '').split(',').map((name) => name.trim().toLowerCase())
  const kept = [...received].filter(
    ([name]) =>
      name !== 'cookie' && !hopByHop.has(name) && !named.includes(name) && !Object.hasOwn(added, name),
  )
  const headers = [...kept, ...Object.entries(added)].sort(([a], [b]) => (a < b ? -1 : 1))
  const cookies = (received.get('cookie') ?? '').split(';').map((cookie) => cookie.trim())
  return { cookies: cookies.filter((cookie) => cookie !== ''), headers: Object.fromEntries(headers) }
}

function joinParameters(query: string): Record<string, string> {
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    const before = parameters.get(name)
    parameters.set(name, before === undefined ? value : `${before},${value}`)
  }
  return Object.fromEntries(parameters)
}

/**
 * Text is text/* and JSON, XML and JavaScript by their plain names; all else is base64, forms included, and so is
 * a body of no type. What calls itself text and is no UTF-8 is base64 too: AWS is not known to say.
 */
function encodeBody(body: Uint8Array, type: string | undefined): { body?: string; isBase64Encoded: boolean } {
  if (body.length === 0) return { isBase64Encoded: false }
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const text = /^\s*(text\/|application\/(json|xml|javascript)\s*(;|$))/i.test(type ?? '') && isUtf8(bytes)
  return text
    ? { body: bytes.toString('utf8'), isBase64Encoded: false }
    : { body: bytes.toString('base64'), isBase64Encoded: true }
}

/** A malformed escape stands for itself, as it does for the routes. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** `12/Mar/2020:19:03:58 +0000`. */
export function formatTime(ms: number): string {
  const [, day, month, year, time] = new Date(ms).toUTCString().split(' ')
  return `${day}/${month}/${year}:${time} +0000`
}
