import { payloadLimitBytes } from '../../limits.ts'
import { jsonAnswer } from '../answer.ts'
import type { Gateway, HttpAnswer, Problem } from '../gateway.ts'
import { readAnswerV2, readHeadV2 } from '../payload-v2/answer.ts'
import { buildFunctionUrlEvent } from '../payload-v2/event.ts'

/** A Function URL, which Lambda answers itself: its errors are Lambda's. */
export const functionUrl: Gateway = {
  front: 'function-url',
  limits: { bodyBytes: payloadLimitBytes, timeoutMs: null, preludeBytes: 64 * 1024 },
  checkHead: () => null,
  buildEvent: buildFunctionUrlEvent,
  readAnswer: readAnswerV2,
  readHead: readHeadV2,
  answerProblem,
  ownHeaders: ({ requestId, traceId }) => [
    ['x-amzn-requestid', requestId],
    ['x-amzn-trace-id', traceId],
  ],
}

function answerProblem(problem: Problem): HttpAnswer {
  switch (problem) {
    case 'no-route':
      return refusal(404, 'ResourceNotFoundException', { Message: null })
    case 'refused':
      return refusal(400, 'BadRequestException', { Message: null })
    case 'head-too-large':
      return refusal(431, 'RequestHeaderFieldsTooLarge', { Message: null })
    case 'throttled':
      return refusal(429, 'TooManyRequestsException', { Type: 'User', message: 'Rate Exceeded.' })
    case 'body-too-large':
    case 'event-too-large':
      return refusal(413, 'RequestTooLargeException', {
        Type: 'User',
        message: `Request must be smaller than ${payloadLimitBytes} bytes for the InvokeFunction operation`,
      })
    case 'function-failed':
    case 'answer-malformed':
    case 'too-late':
      return {
        status: 502,
        headers: [['content-type', 'application/json']],
        body: Buffer.from('Internal Server Error'),
      }
  }
}

function refusal(status: number, errorType: string, value: object): HttpAnswer {
  return jsonAnswer(status, value, [['x-amzn-errortype', errorType]])
}
