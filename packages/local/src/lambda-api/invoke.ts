import { randomUUID } from 'node:crypto'
import type { AwsRequest, AwsResponse } from '../aws/server.ts'
import type { Outcome } from '../environment/outcome.ts'
import { brokenOff, whole } from '../environment/whole.ts'
import { makeTraceId, readTraceId } from '../ids.ts'
import { payloadLimitBytes } from '../limits.ts'
import type { Asynchronous } from '../sources/asynchronous.ts'
import { asynchronousLimitBytes } from '../sources/asynchronous.ts'
import { invalidParameter, LambdaApiError, tooLarge } from './answers.ts'
import { encodeEvent } from './event-stream.ts'
import type { Tail, Tails } from './tail.ts'

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
  const { outcome, tail } = await run(invoker, name, event, request)
  const { payload, functionError } = await whole(outcome)
  const logResult = await logOf(tail)
  return {
    status: 200,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': outcome.requestId,
      ...version,
      ...(functionError === null ? {} : { 'x-amz-function-error': functionError }),
      ...(logResult === null ? {} : { 'x-amz-log-result': logResult }),
    },
    body: payload,
  }
}

/** InvokeWithResponseStream: the answer in pieces, as an event stream. */
export async function answerStreaming(
  invoker: Invoker,
  name: string,
  event: string,
  request: AwsRequest,
): Promise<AwsResponse> {
  const { outcome, tail } = await run(invoker, name, event, request)
  return {
    status: 200,
    headers: {
      'content-type': 'application/vnd.amazon.eventstream',
      'x-amzn-requestid': outcome.requestId,
      'x-amzn-remapped-content-type': outcome.stream?.contentType ?? 'application/json',
      ...version,
    },
    body: streamEvents(outcome, tail),
  }
}

async function* streamEvents(outcome: Outcome, tail: Tail | null) {
  try {
    const failure = yield* pieces(outcome)
    const LogResult = await logOf(tail)
    const complete = {
      ...(failure === null ? {} : { ErrorCode: 'Unhandled', ErrorDetails: failure }),
      ...(LogResult === null ? {} : { LogResult }),
    }
    yield streamEvent('InvokeComplete', 'application/json', Buffer.from(JSON.stringify(complete)))
  } finally {
    // A client that goes away ends this anywhere.
    tail?.drop()
  }
}

/** The events of an answer's pieces; returns what it failed of, JSON. */
async function* pieces({ payload, functionError, stream }: Outcome) {
  try {
    for await (const piece of stream?.body ?? [Buffer.from(payload)]) {
      if (piece.length > 0) yield streamEvent('PayloadChunk', 'application/octet-stream', piece)
    }
    return functionError === null ? null : payload
  } catch (error) {
    return brokenOff(error)
  }
}

function streamEvent(type: string, contentType: string, payload: Uint8Array): Buffer {
  return encodeEvent({ ':message-type': 'event', ':event-type': type, ':content-type': contentType }, payload)
}

async function run(invoker: Invoker, name: string, event: string, { headers }: AwsRequest) {
  const requestId = randomUUID()
  const given = headers['x-amzn-trace-id']
  const traceId = readTraceId(String(given)) ?? makeTraceId(Date.now())
  const tail = headers['x-amz-log-type'] === 'Tail' ? invoker.tails.follow(requestId) : null
  try {
    const outcome = await invoker.invoke(name, event, traceId, requestId)
    return { outcome, tail }
  } catch (error) {
    tail?.drop()
    throw error
  }
}

async function logOf(tail: Tail | null): Promise<string | null> {
  return tail === null ? null : (await tail.end()).toString('base64')
}
