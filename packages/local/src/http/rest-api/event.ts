import { accountId } from '../../account.ts'
import { encodeBody } from '../body.ts'
import type { EventContext } from '../gateway.ts'
import { addForwarded, collectHeaders, type RequestHeader } from '../headers.ts'
import type { WireRequest } from '../request.ts'
import { formatTime } from '../time.ts'

/** The stage that a local REST API is deployed to. Local addresses do without it. */
const stage = 'dev'

/**
 * The event that a REST API makes of a request: the path as sent and without the stage, path parameters as sent, the query
 * decoded, names of headers as the client wrote them. What is empty is null. A body is base64 where its type is one of
 * the API's binary media types, and text otherwise.
 *
 * Source: "Input format of a Lambda function for proxy integration" of the API Gateway developer guide, and events
 * recorded on AWS.
 */
export function buildRestEvent(
  request: WireRequest,
  context: EventContext,
  binaryMediaTypes: readonly string[],
): object {
  const { ids, nowMs } = context
  const headers = addForwarded(collectHeaders(request.headers), request, ids.traceId)
  // Of a body it tells what there is, not how long it is.
  headers.delete('content-length')
  const query = [...new URLSearchParams(request.query)]
  const host = headers.get('host')?.values[0] ?? 'localhost'
  const domainName = host.replace(/:\d+$/, '')
  const { resource, parameters } = resourceOf(request, context)
  const type = headers.get('content-type')?.values.at(-1)
  const { body = null, isBase64Encoded } = encodeBody(request.body, !isBinary(type, binaryMediaTypes))
  return {
    resource,
    path: request.path,
    httpMethod: request.method,
    headers: fromHeaders(headers, ({ values }) => values.at(-1) ?? ''),
    multiValueHeaders: fromHeaders(headers, ({ values }) => values),
    queryStringParameters: query.length === 0 ? null : Object.fromEntries(query),
    multiValueQueryStringParameters: query.length === 0 ? null : listsOf(query),
    pathParameters: parameters,
    stageVariables: null,
    requestContext: {
      resourceId: 'local',
      resourcePath: resource,
      httpMethod: request.method,
      extendedRequestId: ids.gatewayId,
      requestTime: formatTime(nowMs),
      path: `/${stage}${request.path}`,
      accountId,
      protocol: request.protocol,
      stage,
      domainPrefix: domainName.split('.')[0] ?? domainName,
      requestTimeEpoch: nowMs,
      requestId: ids.requestId,
      identity: {
        cognitoIdentityPoolId: null,
        accountId: null,
        cognitoIdentityId: null,
        caller: null,
        sourceIp: request.clientAddress,
        principalOrgId: null,
        accessKey: null,
        cognitoAuthenticationType: null,
        cognitoAuthenticationProvider: null,
        userArn: null,
        userAgent: headers.get('user-agent')?.values.at(-1) ?? null,
        user: null,
      },
      domainName,
      deploymentId: 'local',
      apiId: 'local',
    },
    body,
    isBase64Encoded,
  }
}

/** `$default` is what a REST API has a root and a `{proxy+}` for. */
function resourceOf({ path }: WireRequest, { match }: EventContext) {
  const resource = match?.route.path ?? (path === '/' ? '/' : '/{proxy+}')
  const segments = path.split('/')
  const parameters: [string, string][] = []
  for (const [index, part] of resource.split('/').entries()) {
    if (part.endsWith('+}')) parameters.push([part.slice(1, -2), segments.slice(index).join('/')])
    else if (part.startsWith('{')) parameters.push([part.slice(1, -1), segments[index] ?? ''])
  }
  return { resource, parameters: parameters.length === 0 ? null : Object.fromEntries(parameters) }
}

function isBinary(type: string | undefined, binaryMediaTypes: readonly string[]): boolean {
  const essence = (type ?? 'application/json').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return binaryMediaTypes.some((pattern) => {
    if (pattern === '*/*') return true
    return pattern.endsWith('/*') ? essence.startsWith(pattern.slice(0, -1)) : essence === pattern
  })
}

function fromHeaders<T>(
  headers: ReadonlyMap<string, RequestHeader>,
  read: (header: RequestHeader) => T,
): Record<string, T> {
  return Object.fromEntries([...headers.values()].map((header) => [header.spelling, read(header)]))
}

function listsOf(pairs: readonly (readonly [string, string])[]): Record<string, string[]> {
  const lists = new Map<string, string[]>()
  for (const [name, value] of pairs) {
    const list = lists.get(name)
    if (list === undefined) lists.set(name, [value])
    else list.push(value)
  }
  return Object.fromEntries(lists)
}
