import { accountId } from '../../account.ts'
import { defaultRegion } from '../../environment/variables.ts'
import { encodeBody, isTextType } from '../body.ts'
import type { EventContext } from '../gateway.ts'
import { addForwarded, collectHeaders, type RequestHeader } from '../headers.ts'
import type { WireRequest } from '../request.ts'

const healthChecker = 'ELB-HealthChecker/2.0'

/**
 * The event that a load balancer makes of a request: nothing of it is decoded, also not inside the maps. With multi-value
 * headers the maps have lists; without them each has the last value of several, cookies included. Of its own
 * health checks a function sees the user agent and no other header.
 *
 * Source: "Receive events from the load balancer" and "Multi-value headers" of "Lambda functions as targets", and
 * recorded events.
 */
export function buildAlbEvent(request: WireRequest, context: EventContext, multiValue: boolean): object {
  const { functionName, ids } = context
  const headers = visibleHeaders(request, ids.traceId)
  const query = readPairs(request.query)
  const isText = isTextType(headers.get('content-type')?.values.at(-1)) && !headers.has('content-encoding')
  const { body = '', isBase64Encoded } = encodeBody(request.body, isText)
  return {
    requestContext: {
      elb: {
        targetGroupArn: `arn:aws:elasticloadbalancing:${defaultRegion}:${accountId}:targetgroup/${functionName}/0123456789abcdef`,
      },
    },
    httpMethod: request.method,
    path: request.path,
    ...(multiValue
      ? {
          multiValueQueryStringParameters: Object.fromEntries(query),
          multiValueHeaders: fromHeaders(headers, ({ values }) => values),
        }
      : {
          queryStringParameters: Object.fromEntries(
            [...query].map(([name, values]) => [name, values.at(-1)]),
          ),
          headers: fromHeaders(headers, ({ values }) => values.at(-1) ?? ''),
        }),
    body,
    isBase64Encoded,
  }
}

function visibleHeaders(request: WireRequest, traceId: string): ReadonlyMap<string, RequestHeader> {
  const sent = collectHeaders(request.headers)
  const agent = sent.get('user-agent')
  return agent?.values[0] === healthChecker
    ? new Map([['user-agent', agent]])
    : addForwarded(sent, request, traceId)
}

function fromHeaders<T>(
  headers: ReadonlyMap<string, RequestHeader>,
  read: (header: RequestHeader) => T,
): Record<string, T> {
  const sorted = [...headers.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  return Object.fromEntries(sorted.map((header) => [header.name, read(header)]))
}

/** Keys and their values as sent, in order. */
function readPairs(query: string): ReadonlyMap<string, string[]> {
  const lists = new Map<string, string[]>()
  for (const part of query.split('&')) {
    if (part === '') continue
    const mark = part.indexOf('=')
    const name = mark < 0 ? part : part.slice(0, mark)
    const value = mark < 0 ? '' : part.slice(mark + 1)
    const list = lists.get(name)
    if (list === undefined) lists.set(name, [value])
    else list.push(value)
  }
  return lists
}
