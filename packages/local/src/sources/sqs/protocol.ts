import { randomUUID } from 'node:crypto'
import type { AwsRequest, AwsResponse } from '../../aws/server.ts'
import { actions, type Queues } from './actions.ts'
import { SqsError } from './errors.ts'
import { isObject, type Parameters } from './parameters.ts'
import { readQuery, showXml } from './query.ts'

/**
 * Answers a request to SQS: JSON protocol 1.0 (`X-Amz-Target: AmazonSQS.…`), or the query protocol of older clients.
 * Null for a request to something else. Signatures are not looked at.
 */
export async function answerSqs(request: AwsRequest, queues: Queues): Promise<AwsResponse | null> {
  const { 'x-amz-target': target = '', 'content-type': type = '' } = request.headers
  if (request.method !== 'POST') return null
  if (String(target).startsWith('AmazonSQS.'))
    return await answerJson(String(target).slice(10), request, queues)
  const isForm = type.startsWith('application/x-www-form-urlencoded')
  return isForm && isAddress.test(request.path) ? await answerQuery(request, queues) : null
}

/** Of SQS itself or of a queue: clients of other services may say that they send a form as well. */
const isAddress = /^\/(\d+\/[^/]+\/?)?$/

async function answerJson(name: string, request: AwsRequest, queues: Queues): Promise<AwsResponse> {
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': randomUUID() }
  try {
    const result = await run(name, readJson(request.body), request, queues)
    return { status: 200, headers, body: JSON.stringify(result) }
  } catch (error) {
    if (!(error instanceof SqsError)) throw error
    const body = JSON.stringify({ __type: `com.amazonaws.sqs#${error.code}`, message: error.message })
    return { status: 400, headers: { ...headers, 'x-amzn-query-error': `${error.queryCode};Sender` }, body }
  }
}

async function answerQuery(request: AwsRequest, queues: Queues): Promise<AwsResponse> {
  const requestId = randomUUID()
  const headers = { 'content-type': 'text/xml', 'x-amzn-requestid': requestId }
  const { Action: name, ...from } = readQuery(request.body.toString('utf8'), request.path)
  try {
    const result = await run(String(name), from, request, queues)
    return { status: 200, headers, body: showXml(String(name), result, requestId) }
  } catch (error) {
    if (!(error instanceof SqsError)) throw error
    const failure = { Type: 'Sender', Code: error.queryCode, Message: error.message }
    return { status: 400, headers, body: showXml('Error', failure, requestId) }
  }
}

async function run(name: string, from: Parameters, { signal }: AwsRequest, queues: Queues): Promise<unknown> {
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined
  if (action !== undefined) return await action(from, { queues, signal })
  const known = Object.keys(actions).join(', ')
  throw new SqsError(
    'UnsupportedOperation',
    `There is no ${name} here: the queues are those that the application declares. There are: ${known}`,
  )
}

function readJson(body: Buffer): Parameters {
  try {
    const value: unknown = JSON.parse(body.toString('utf8') || '{}')
    if (isObject(value)) return value
  } catch {}
  throw new SqsError('MalformedInput', 'The body must be a JSON object.')
}
