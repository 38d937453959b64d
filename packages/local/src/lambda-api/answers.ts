import type { AwsResponse } from '../aws/server.ts'
import { LocalError } from '../errors.ts'
import { payloadLimitBytes } from '../limits.ts'

/** A request that Lambda refuses, under the name that SDKs know. */
export class LambdaApiError extends Error {
  override readonly name = 'LambdaApiError'
  readonly status: number
  readonly type: string

  constructor(status: number, type: string, message: string) {
    super(message)
    this.status = status
    this.type = type
  }
}

export function notFound(arn: string, known: readonly string[]): LambdaApiError {
  const message = `Function not found: ${arn}. There are: ${known.join(', ')}`
  return new LambdaApiError(404, 'ResourceNotFoundException', message)
}

export function tooLarge(limitBytes = payloadLimitBytes): LambdaApiError {
  const message = `Request must be smaller than ${limitBytes} bytes for the InvokeFunction operation`
  return new LambdaApiError(413, 'RequestTooLargeException', message)
}

export function invalidParameter(message: string): LambdaApiError {
  return new LambdaApiError(400, 'InvalidParameterValueException', message)
}

/** What Lambda says where the simulator throws; null for what is no refusal. */
export function refusalOf(error: unknown): LambdaApiError | null {
  if (error instanceof LambdaApiError) return error
  if (!(error instanceof LocalError)) return null
  if (error.code === 'TOO_MANY_REQUESTS') {
    return new LambdaApiError(429, 'TooManyRequestsException', `Rate Exceeded: ${error.message}`)
  }
  // Lambda's API does not know Web Functions: they have one of their own.
  if (error.code === 'FUNCTION_IS_WEB')
    return new LambdaApiError(404, 'ResourceNotFoundException', error.message)
  if (error.code === 'EVENT_TOO_LARGE') {
    return new LambdaApiError(413, 'RequestTooLargeException', error.message)
  }
  return null
}

export function showRefusal({ status, type, message }: LambdaApiError, requestId: string): AwsResponse {
  return answerJson(
    status,
    { Type: 'User', Message: message },
    { 'x-amzn-errortype': type, 'x-amzn-requestid': requestId },
  )
}

export function answerJson(status: number, body: unknown, headers: Record<string, string> = {}): AwsResponse {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
}
