import type { HttpAnswer, ResponseHead } from '../../http/response.ts'
import { checkAnswerSize } from '../limits.ts'
import type { ApiGatewayV2Response } from './event.ts'

/** Throws `ResponseTooLargeError`. */
export function writeHttpV2Answer(answer: HttpAnswer): ApiGatewayV2Response {
  return checkAnswerSize('Lambda', {
    ...writeHttpV2Head(answer),
    ...(answer.body !== null && { body: answer.body }),
    isBase64Encoded: answer.base64,
  })
}

/** What a Function URL takes in front of a streamed body. */
export function writeHttpV2Head({ status, headers, cookies }: ResponseHead) {
  return { statusCode: status, headers, ...(cookies.length > 0 && { cookies }) }
}
