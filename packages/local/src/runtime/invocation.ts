import type { NextInvocation } from './client.ts'

/** The context object of Lambda's Node runtime. */
export interface Context {
  readonly awsRequestId: string
  readonly [name: string]: unknown
}

/** Also hands the trace on, to where AWS's SDKs look for it. */
export function contextOf({ headers }: NextInvocation): Context {
  const header = (name: string): string => headers[name] ?? ''
  const traceId = header('lambda-runtime-trace-id')
  if (traceId === '') delete process.env._X_AMZN_TRACE_ID
  else process.env._X_AMZN_TRACE_ID = traceId
  const deadlineMs = Number(header('lambda-runtime-deadline-ms'))
  return {
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: json(header('lambda-runtime-client-context')),
    identity: json(header('lambda-runtime-cognito-identity')),
    invokedFunctionArn: header('lambda-runtime-invoked-function-arn'),
    awsRequestId: header('lambda-runtime-aws-request-id'),
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  }
}

function json(text: string): unknown {
  return text === '' ? undefined : JSON.parse(text)
}
