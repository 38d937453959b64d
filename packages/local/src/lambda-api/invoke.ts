import { randomUUID } from 'node:crypto'
import type { AwsRequest, AwsResponse } from '../aws/server.ts'
import type { Outcome } from '../environment/outcome.ts'
import { makeTraceId } from '../ids.ts'
import { payloadLimitBytes } from '../limits.ts'
import type { Asynchronous } from '../sources/asynchronous.ts'
import { asynchronousLimitBytes } from '../sources/asynchronous.ts'
import { invalidParameter, LambdaApiError, tooLarge } from './answers.ts'
import { encodeEvent } from './event-stream.ts'
import type { Tails } from './tail.ts'

export interface Invoker {
  invoke(functionName: string, event: string, traceId: string, requestId: string): Promise<Outcome>
  readonly asynchronous: Pick<Asynchronous, 'submit'>
  readonly tails: Tails
}

const version = { 'x-amz-executed-version': '$LATEST' }

/** The event that a request carries. Throws `LambdaApiError`. */
export function readEvent({ body, headers }: AwsRequest): string {
  const limit = headers['x-amz-invocation-type'] === 'Event' ? asynchronousLimitBytes : payloadLimitBytes
  if (body.length > limit) throw tooLarge(limit)
  if (body.length === 0) return '{}'
  const event = body.toString('utf8')
  try {
    JSON.parse(event)
    return event
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new LambdaApiError(
      400,
      'InvalidRequestContentException',
      `Could not parse request body into json: ${reason}`,
    )
  }
}

/** Invoke: `RequestResponse` (the default), `Event` and `DryRun`. */
export async function answerInvoke(
  invoker: Invoker,
  name: string,
  event: string,
  request: AwsRequest,
): Promise<AwsResponse> {
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse'
  if (type === 'DryRun') return { status: 204, headers: { 'x-amzn-requestid': randomUUID() }, body: '' }
  if (type === 'Event') {
    const requestId = invoker.asynchronous.submit(name, event)
    return { status: 202, headers: { 'x-amzn-requestid': requestId }, body: '' }
  }
  if (type !== 'RequestResponse') {
    throw invalidParameter(`X-Amz-Invocation-Type is '${type}'; it may be RequestResponse, Event or DryRun`)
  }
  const { outcome, logResult } = await run(invoker, name, event, request)
  return {
    status: 200,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': outcome.requestId,
      ...version,
      ...(outcome.functionError === null ? {} : { 'x-amz-function-error': outcome.functionError }),
      ...(logResult === null ? {} : { 'x-amz-log-result': logResult }),
    },
    body: outcome.payload,
  }
}

/** InvokeWithResponseStream: the answer in pieces, as an event stream. */
export async function answerStreaming(
  invoker: Invoker,
  name: string,
  event: string,
  request: AwsRequest,
): Promise<AwsResponse> {
  const { outcome, logResult } = await run(invoker, name, event, request)
  return {
    status: 200,
    headers: {
      'content-type': 'application/vnd.amazon.eventstream',
      'x-amzn-requestid': outcome.requestId,
      'x-amzn-remapped-content-type': 'application/json',
      ...version,
    },
    body: streamEvents(outcome, logResult),
  }
}

async function* streamEvents({ payload, functionError }: Outcome, logResult: string | null) {
  if (payload !== '') yield streamEvent('PayloadChunk', 'application/octet-stream', Buffer.from(payload))
  const complete = {
    ErrorCode: functionError,
    ErrorDetails: functionError === null ? null : payload,
    LogResult: logResult,
  }
  const told = Object.fromEntries(Object.entries(complete).filter(([, value]) => value !== null))
  yield streamEvent('InvokeComplete', 'application/json', Buffer.from(JSON.stringify(told)))
}

function streamEvent(type: string, contentType: string, payload: Uint8Array): Buffer {
  return encodeEvent({ ':message-type': 'event', ':event-type': type, ':content-type': contentType }, payload)
}

async function run(invoker: Invoker, name: string, event: string, { headers }: AwsRequest) {
  const requestId = randomUUID()
  const given = headers['x-amzn-trace-id']
  const traceId = typeof given === 'string' && given.startsWith('Root=1-') ? given : makeTraceId(Date.now())
  const tail = headers['x-amz-log-type'] === 'Tail' ? invoker.tails.follow(requestId) : null
  try {
    const outcome = await invoker.invoke(name, event, traceId, requestId)
    return { outcome, logResult: tail === null ? null : (await tail.end()).toString('base64') }
  } catch (error) {
    await tail?.end()
    throw error
  }
}
