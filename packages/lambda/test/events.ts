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
 * path decoded, query raw and as a map, header names in lower case and repeated ones joined, cookies in a list.
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
    ...joinedQuery(query),
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
    ...joinedQuery(query),
    ...(cookies.length > 0 && { cookies }),
    headers: { ...headers, ...(cookies.length > 0 && { cookie: cookies.join('; ') }) },
    requestContext: requestContext('url-id.lambda-url.eu-west-1.on.aws', sent.method, path, '$default'),
    ...encodeBody(sent.body),
  }
}

/** The event a REST API makes of a request: path as sent and without the stage, query decoded, maps of lists. */
export function restApiEvent(sent: SentRequest, stage = 'prod'): Record<string, unknown> {
  const [path, query] = split(sent.target)
  const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '))
  const pairs = queryPairs(query).map(([name, value]): [string, string] => [decode(name), decode(value)])
  const spelling = new Map(sent.headers.map(([name]) => [name.toLowerCase(), name]))
  const headers = sent.headers.map(([name, value]): [string, string] => [
    spelling.get(name.toLowerCase()) ?? name,
    value,
  ])
  return {
    resource: '/{proxy+}',
    path,
    httpMethod: sent.method,
    headers: lastOf(headers),
    multiValueHeaders: listsOf(headers),
    queryStringParameters: pairs.length > 0 ? lastOf(pairs) : null,
    multiValueQueryStringParameters: pairs.length > 0 ? listsOf(pairs) : null,
    pathParameters: { proxy: path.slice(1) },
    stageVariables: null,
    requestContext: {
      accountId: '123456789012',
      apiId: 'rest-id',
      domainName: 'rest-id.execute-api.eu-west-1.amazonaws.com',
      httpMethod: sent.method,
      identity: { sourceIp: '192.0.2.7', userAgent: 'test', userArn: null, accountId: null },
      path: `/${stage}${path}`,
      protocol: 'HTTP/1.1',
      requestId: 'front-request-id',
      resourcePath: '/{proxy+}',
      stage,
    },
    body: null,
    ...encodeBody(sent.body),
  }
}

/** The event a load balancer makes of a request: nothing decoded; single values are the last of several. */
export function albEvent(sent: SentRequest, multiValue: boolean): Record<string, unknown> {
  const [path, query] = split(sent.target)
  const headers = withAddress(sent.headers)
  const pairs = queryPairs(query)
  return {
    requestContext: {
      elb: {
        targetGroupArn: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/tg/0123456789',
      },
    },
    httpMethod: sent.method,
    path,
    ...(multiValue
      ? { multiValueQueryStringParameters: listsOf(pairs), multiValueHeaders: listsOf(headers) }
      : { queryStringParameters: lastOf(pairs), headers: lastOf(headers) }),
    body: '',
    ...encodeBody(sent.body),
  }
}

/** The event VPC Lattice makes of a request, structure V2: path with the query, lists of header values. */
export function latticeEvent(sent: SentRequest): Record<string, unknown> {
  const [, query] = split(sent.target)
  const headers = withAddress(sent.headers)
  return {
    version: '2.0',
    path: sent.target,
    method: sent.method,
    headers: listsOf(headers),
    queryStringParameters: listsOf(queryPairs(query)),
    requestContext: {
      serviceNetworkArn: 'arn:aws:vpc-lattice:eu-west-1:123456789012:servicenetwork/sn-0123456789abcdef0',
      serviceArn: 'arn:aws:vpc-lattice:eu-west-1:123456789012:service/svc-0123456789abcdef0',
      targetGroupArn: 'arn:aws:vpc-lattice:eu-west-1:123456789012:targetgroup/tg-0123456789abcdef0',
      region: 'eu-west-1',
      timeEpoch: '1696331543569073',
      identity: { sourceVpcArn: 'arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-0123456789abcdef0' },
    },
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

/** Header names in lower case, and the client's address behind those that it named itself. */
function withAddress(sent: SentRequest['headers']): [name: string, value: string][] {
  const headers = sent.map(([name, value]): [string, string] => [name.toLowerCase(), value])
  const last = headers.findLast(([name]) => name === 'x-forwarded-for')
  if (last) last[1] += ', 192.0.2.7'
  else headers.push(['x-forwarded-for', '192.0.2.7'])
  return headers
}

function queryPairs(query: string): [name: string, value: string][] {
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const mark = part.indexOf('=')
      return mark < 0 ? [part, ''] : [part.slice(0, mark), part.slice(mark + 1)]
    })
}

/** The map that is beside a raw query: decoded, repeated keys joined with commas. */
function joinedQuery(query: string): { queryStringParameters?: Record<string, string> } {
  const lists = Object.entries(listsOf([...new URLSearchParams(query)]))
  if (lists.length === 0) return {}
  return { queryStringParameters: Object.fromEntries(lists.map(([name, list]) => [name, list.join(',')])) }
}

function lastOf(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(pairs)
}

function listsOf(pairs: readonly (readonly [string, string])[]): Record<string, string[]> {
  const lists = Object.groupBy(pairs, ([name]) => name)
  return Object.fromEntries(
    Object.entries(lists).map(([name, list = []]) => [name, list.map(([, value]) => value)]),
  )
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

/** A message in an SQS event, as Lambda's documentation shows it; `changes` may go one level deep. */
export function sqsRecord(id: string, body: unknown, changes: Record<string, unknown> = {}) {
  const { attributes, ...rest } = changes
  return {
    messageId: id,
    receiptHandle: `handle of ${id}`,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '1545082649183',
      SenderId: 'AIDAIENQZJOLO23YVJ4VO',
      ApproximateFirstReceiveTimestamp: '1545082649185',
      ...(attributes as object),
    },
    messageAttributes: {},
    md5OfBody: 'e4e68fb7bd0e697a0ae8f1bb342846b3',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:jobs',
    awsRegion: 'eu-west-1',
    ...rest,
  }
}

/** The same in a FIFO queue. */
export function fifoRecord(id: string, group: string, body: unknown = id) {
  return sqsRecord(id, JSON.stringify(body), {
    eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:jobs.fifo',
    attributes: { MessageGroupId: group, MessageDeduplicationId: id, SequenceNumber: '18849496460467696128' },
  })
}
