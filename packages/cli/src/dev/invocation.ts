import { request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { SimulatorInfo } from '@thaw/local'
import { InvokeError } from '../errors.ts'

export interface Invocation {
  /** Of Lambda's API. */
  readonly awsUrl: string
  readonly functionName: string
  /** JSON; null is the event of its schedule for a schedule's function, and `{}` for others. */
  readonly payload: string | null
  /** Only hands it over. */
  readonly asynchronous: boolean
  /** Asks for the end of the function's log. */
  readonly log: boolean
}

export interface Answer {
  /** JSON; empty for an asynchronous invocation. */
  readonly payload: string
  readonly failed: boolean
  readonly requestId: string
  /** Lines. */
  readonly log: readonly string[]
}

/** Invokes a function of a simulator. Throws `InvokeError` when the function is not there or cannot be invoked. */
export async function invoke(invocation: Invocation, { name, functions }: SimulatorInfo): Promise<Answer> {
  const { awsUrl, functionName, payload, asynchronous, log } = invocation
  const fn = functions.find((candidate) => candidate.name === functionName)
  if (fn === undefined) throw unknownFunction(functionName, name, functions)
  const path =
    fn.kind === 'schedule' && payload === null
      ? `/thaw/schedules/${functionName}/invocations`
      : `/2015-03-31/functions/${functionName}/invocations`
  const { status, headers, body } = await post(awsUrl + path, payload ?? '', {
    'x-amz-invocation-type': asynchronous ? 'Event' : 'RequestResponse',
    ...(log && !asynchronous ? { 'x-amz-log-type': 'Tail' } : {}),
  })
  if (status >= 300) {
    const { Message: message = body } = readJson(body)
    throw new InvokeError(String(headers['x-amzn-errortype'] ?? `answer ${status}`), String(message))
  }
  const tail = Buffer.from(String(headers['x-amz-log-result'] ?? ''), 'base64').toString('utf8')
  return {
    payload: body,
    failed: headers['x-amz-function-error'] !== undefined,
    requestId: String(headers['x-amzn-requestid']),
    log: tail.split('\n').filter((line) => line !== ''),
  }
}

export function unknownFunction(
  functionName: string,
  app: string,
  functions: readonly { readonly name: string }[],
): InvokeError {
  const known = functions.map(({ name }) => name).join(', ')
  return new InvokeError(
    'FUNCTION_UNKNOWN',
    `'${app}' has no function '${functionName}'; there are: ${known}`,
  )
}

/** Waits for as long as the function takes, which `fetch` does not. */
async function post(url: string, body: string, headers: Readonly<Record<string, string>>) {
  const { promise, resolve, reject } = Promise.withResolvers<import('node:http').IncomingMessage>()
  request(
    url,
    { method: 'POST', headers: { ...headers, 'content-length': Buffer.byteLength(body) } },
    resolve,
  )
    .on('error', reject)
    .end(body)
  const response = await promise
  const { statusCode = 0 } = response
  return { status: statusCode, headers: response.headers, body: (await buffer(response)).toString('utf8') }
}

function readJson(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}
