import { jsonAnswer } from '../answer.ts'
import type { Gateway, Problem } from '../gateway.ts'
import { headerValueBytes, requestLineBytes } from '../headers.ts'
import { readAnswerV2, readHeadV2 } from '../payload-v2/answer.ts'
import { buildHttpApiEvent } from '../payload-v2/event.ts'

/** "HTTP API quotas" of the API Gateway developer guide: request line and header values together. */
const headLimitBytes = 10_240

const problems: Readonly<Record<Problem, readonly [status: number, message: string]>> = {
  'no-route': [404, 'Not Found'],
  refused: [400, 'Bad Request'],
  'head-too-large': [431, 'Request Header Fields Too Large'],
  'body-too-large': [413, 'Request Entity Too Large'],
  'event-too-large': [413, 'Request Entity Too Large'],
  throttled: [429, 'Too Many Requests'],
  'function-failed': [500, 'Internal Server Error'],
  'answer-malformed': [500, 'Internal Server Error'],
  'too-late': [503, 'Service Unavailable'],
}

/** An HTTP API with payload format 2.0. It streams no answers. */
export const httpApi: Gateway = {
  front: 'http-api',
  limits: { bodyBytes: 10 * 1024 * 1024, timeoutMs: 30_000, preludeBytes: 0 },
  checkHead(request) {
    const bytes = requestLineBytes(request) + headerValueBytes(request)
    return bytes > headLimitBytes ? 'head-too-large' : null
  },
  buildEvent: buildHttpApiEvent,
  readAnswer: readAnswerV2,
  readHead: readHeadV2,
  answerProblem(problem) {
    const [status, message] = problems[problem]
    return jsonAnswer(status, { message })
  },
  ownHeaders: ({ gatewayId }) => [['apigw-requestid', gatewayId]],
}
