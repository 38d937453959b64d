import { accountId } from '../../account.ts'
import { encodeBody, isTextType } from '../body.ts'
import type { EventContext } from '../gateway.ts'
import { addForwarded, collectHeaders, type RequestHeader, setHeader } from '../headers.ts'
import type { WireRequest } from '../request.ts'
import { formatTime } from '../time.ts'

/** An event of payload format 2.0. Absent keys are absent, as on AWS. */
export interface EventV2 {
  readonly version: '2.0'
  readonly routeKey: string
  /** Of an HTTP API decoded: a space is a space, and `%2F` a slash. Of a Function URL as sent. */
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

/**
 * The event that an HTTP API makes of a request.
 *
 * Source: "Create AWS Lambda proxy integrations for HTTP APIs" of the API Gateway developer guide, and events seen
 * on AWS for what it leaves open: which bodies are text, and that `content-length` is always there.
 */
export function buildHttpApiEvent(request: WireRequest, context: EventContext): EventV2 {
  const { match, ids } = context
  const headers = addForwarded(collectHeaders(request.headers), request, ids.traceId)
  setHeader(headers, 'content-length', String(request.body.length))
  const cookies = readCookies(headers)
  headers.delete('cookie')
  const domainName = (headers.get('host')?.values[0] ?? 'localhost').replace(/:\d+$/, '')
  const parameters = match?.parameters ?? {}
  return buildEvent(request, context, {
    headers,
    cookies,
    path: request.path.includes('%') ? request.path.split('/').map(decode).join('/') : request.path,
    routeKey: match?.route.key ?? '$default',
    requestId: ids.gatewayId,
    apiId: 'local',
    domainName,
    ...(Object.keys(parameters).length === 0 ? {} : { pathParameters: parameters }),
  })
}

/**
 * The event that a Function URL makes of a request. Cookies are in their list and in their header.
 *
 * Source: "Request payload format" of "Invoking Lambda function URLs" in the Lambda developer guide, and events
 * recorded on AWS.
 */
export function buildFunctionUrlEvent(request: WireRequest, context: EventContext): EventV2 {
  const { functionName, ids } = context
  const headers = addForwarded(collectHeaders(request.headers), request, ids.traceId)
  if (request.body.length > 0) setHeader(headers, 'content-length', String(request.body.length))
  const cookies = readCookies(headers)
  if (cookies.length > 0) setHeader(headers, 'cookie', cookies.join('; '))
  const apiId = functionName.toLowerCase()
  return buildEvent(request, context, {
    headers,
    cookies,
    path: request.path,
    routeKey: '$default',
    requestId: ids.requestId,
    apiId,
    domainName: `${apiId}.lambda-url.localhost`,
  })
}

interface Parts {
  readonly headers: ReadonlyMap<string, RequestHeader>
  readonly cookies: readonly string[]
  readonly path: string
  readonly routeKey: string
  readonly requestId: string
  readonly apiId: string
  readonly domainName: string
  readonly pathParameters?: Readonly<Record<string, string>>
}

function buildEvent(request: WireRequest, { nowMs }: EventContext, parts: Parts): EventV2 {
  const { headers, cookies, path, routeKey, requestId, apiId, domainName, pathParameters } = parts
  return {
    version: '2.0',
    routeKey,
    rawPath: path,
    rawQueryString: request.query,
    ...(cookies.length === 0 ? {} : { cookies }),
    headers: joinHeaders(headers),
    ...(request.query === '' ? {} : { queryStringParameters: joinParameters(request.query) }),
    requestContext: {
      accountId,
      apiId,
      domainName,
      domainPrefix: domainName.split('.')[0] ?? domainName,
      http: {
        method: request.method,
        path,
        protocol: request.protocol,
        sourceIp: request.clientAddress,
        userAgent: headers.get('user-agent')?.values.join(',') ?? '',
      },
      requestId,
      routeKey,
      stage: '$default',
      time: formatTime(nowMs),
      timeEpoch: nowMs,
    },
    ...encodeBody(request.body, isTextType(headers.get('content-type')?.values.join(','))),
    ...(pathParameters === undefined ? {} : { pathParameters }),
  }
}

function readCookies(headers: ReadonlyMap<string, RequestHeader>): readonly string[] {
  const sent = headers.get('cookie')?.values ?? []
  return sent
    .flatMap((value) => value.split(';'))
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie !== '')
}

/** Sorted by name, repeated ones joined with commas. */
function joinHeaders(headers: ReadonlyMap<string, RequestHeader>): Readonly<Record<string, string>> {
  const sorted = [...headers.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  return Object.fromEntries(sorted.map(({ name, values }) => [name, values.join(',')]))
}

function joinParameters(query: string): Record<string, string> {
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    const before = parameters.get(name)
    parameters.set(name, before === undefined ? value : `${before},${value}`)
  }
  return Object.fromEntries(parameters)
}

/** A malformed escape stands for itself, as it does for the routes. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
