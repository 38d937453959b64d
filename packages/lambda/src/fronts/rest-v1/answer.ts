import type { HttpAnswer, ResponseHead } from '../../http/response.ts'
import { checkAnswerSize } from '../limits.ts'
import type { ApiGatewayV1Response } from './event.ts'

/** Throws `ResponseTooLargeError`. */
export function writeRestV1Answer(answer: HttpAnswer): ApiGatewayV1Response {
  return checkAnswerSize('Lambda', {
    ...writeRestV1Head(answer),
    ...(answer.body !== null && { body: answer.body }),
    isBase64Encoded: answer.base64,
  })
}

/** What a REST API takes in front of a streamed body. */
export function writeRestV1Head({ status, headers, cookies }: ResponseHead) {
  return {
    statusCode: status,
    headers,
    ...(cookies.length > 0 && { multiValueHeaders: { 'set-cookie': cookies } }),
  }
}
