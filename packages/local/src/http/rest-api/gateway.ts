import { jsonAnswer } from '../answer.ts'
import type { Gateway, Problem } from '../gateway.ts'
import { headerValueBytes, requestLineBytes } from '../headers.ts'
import { readRestAnswer, readRestHead } from './answer.ts'
import { buildRestEvent } from './event.ts'

/** "Quotas for configuring and running a REST API": all header values together, and the URL of a regional API. */
const headLimitBytes = 10_240

/** All of them: what an application answers in base64 would go out as base64 otherwise. */
const binaryMediaTypes = ['*/*']

const problems: Readonly<Record<Problem, readonly [status: number, errorType: string, message: string]>> = {
  'no-route': [403, 'MissingAuthenticationTokenException', 'Missing Authentication Token'],
  refused: [400, 'BadRequestException', 'Bad Request'],
  'head-too-large': [431, 'RequestHeaderFieldsTooLargeException', 'Request Header Fields Too Large'],
  'body-too-large': [413, 'RequestTooLargeException', 'HTTP content length exceeded 10485760 bytes.'],
  'event-too-large': [413, 'RequestTooLargeException', 'Request Too Long'],
  throttled: [500, 'InternalServerErrorException', 'Internal server error'],
  'function-failed': [502, 'InternalServerErrorException', 'Internal server error'],
  'answer-malformed': [502, 'InternalServerErrorException', 'Internal server error'],
  'too-late': [504, 'InternalServerErrorException', 'Endpoint request timed out'],
}

/**
 * A regional REST API with Lambda proxy integrations, streamed where the function streams.
 *
 * Sources: "Lambda proxy integrations", "Gateway response types", "Handling Lambda errors with an API Gateway API" and
 * "response transfer mode" of AWS's guides; messages as clients report them.
 */
export const restApi: Gateway = {
  front: 'rest-api',
  limits: { bodyBytes: 10 * 1024 * 1024, timeoutMs: 29_000, preludeBytes: 16 * 1024 },
  checkHead(request) {
    const bytes = Math.max(headerValueBytes(request), requestLineBytes(request))
    return bytes > headLimitBytes ? 'head-too-large' : null
  },
  buildEvent: (request, context) => buildRestEvent(request, context, binaryMediaTypes),
  readAnswer: (payload) => readRestAnswer(payload, binaryMediaTypes),
  readHead: readRestHead,
  answerProblem(problem) {
    const [status, errorType, message] = problems[problem]
    return jsonAnswer(status, { message }, [['x-amzn-errortype', errorType]])
  },
  ownHeaders: ({ requestId, gatewayId, traceId }) => [
    ['x-amzn-requestid', requestId],
    ['x-amz-apigw-id', gatewayId],
    ['x-amzn-trace-id', traceId],
  ],
}
