import { Buffer, isUtf8 } from 'node:buffer'
import type { LambdaContext } from '../src/index.ts'

/** A request as the bytes of a client say it. */
export interface SentRequest {
  method: string
  /** The request target of the first line: path and query as sent. */
  target: string
  headers: [name: string, value: string][]
  body: Uint8Array
}

/**
 * The event an HTTP API makes of a request, by AWS's description and live captures, not by what `serve` reads:
 * path decoded, query raw, header names in lower case and repeated ones joined, cookies in a list.
 */
export function httpApiEvent(sent: SentRequest, stage = '$default'): Record<string, unknown> {
  const { headers, cookies } = foldHeaders(sent.headers)
  const [path, query] = split(sent.target)
  const decoded = (stage === '$default' ? '' : `/${stage}`) + decodeURIComponent(path)
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: decoded,
    rawQueryString: query,
    ...(cookies.length > 0 && { cookies }),
    headers,
    requestContext: requestContext('api-id.execute-api.eu-west-1.amazonaws.com', sent.method, decoded, stage),
    ...encodeBody(sent.body),
  }
}

/** The same of a Function URL: path as sent, cookies in the list and in the header. */
export function functionUrlEvent(sent: SentRequest): Record<string, unknown> {
  const { headers, cookies } = foldHeaders(sent.headers)
  const [path, query] = split(sent.target)
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    ...(cookies.length > 0 && { cookies }),
    headers: { ...headers, ...(cookies.length > 0 && { cookie: cookies.join('; ') }) },
    requestContext: requestContext('url-id.lambda-url.eu-west-1.on.aws', sent.method, path, '$default'),
    ...encodeBody(sent.body),
  }
}

/** A small event: GET of `rawPath`, with `changes` laid over it. */
export function event(rawPath: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const base = httpApiEvent({
    method: 'GET',
    target: '/',
    headers: [['Host', 'example.com']],
    body: new Uint8Array(),
  })
  return { ...base, rawPath, ...changes }
}

/** The request context of `event` with another method, domain or stage. */
export function requestContext(domainName: string, method: string, path = '/', stage = '$default') {
  return {
    accountId: '123456789012',
    apiId: 'api-id',
    domainName,
    domainPrefix: domainName.split('.', 1)[0],
    http: { method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.7', userAgent: 'test' },
    requestId: 'front-request-id',
    routeKey: '$default',
    stage,
    time: '12/Mar/2020:19:03:58 +0000',
    timeEpoch: 1583348638390,
  }
}

export function lambdaContext(changes: Partial<LambdaContext> = {}): LambdaContext {
  return {
    awsRequestId: 'b1946ac9-2492-4d23-8d1e-fe1c6f4f7a10',
    functionName: 'api',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:api',
    memoryLimitInMB: '1024',
    logGroupName: '/aws/lambda/api',
    logStreamName: '2026/11/20/[$LATEST]0123456789abcdef',
    getRemainingTimeInMillis: () => 30_000,
    ...changes,
  }
}

function split(target: string): [path: string, query: string] {
  const mark = target.indexOf('?')
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)]
}

function foldHeaders(sent: [string, string][]): { headers: Record<string, string>; cookies: string[] } {
  const headers: Record<string, string> = {}
  const cookies: string[] = []
  for (const [name, value] of sent) {
    const key = name.toLowerCase()
    if (key === 'cookie') cookies.push(...value.split('; '))
    else headers[key] = headers[key] === undefined ? value : `${headers[key]},${value}`
  }
  return { headers, cookies }
}

function encodeBody(body: Uint8Array): Record<string, unknown> {
  if (body.length === 0) return { isBase64Encoded: false }
  const bytes = Buffer.from(body)
  return isUtf8(bytes)
    ? { body: bytes.toString('utf8'), isBase64Encoded: false }
    : { body: bytes.toString('base64'), isBase64Encoded: true }
}
