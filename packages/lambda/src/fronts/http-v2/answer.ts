import type { HttpAnswer, ResponseHead } from '../../http/response.ts'
import { withBody } from '../answer.ts'
import type { ApiGatewayV2Response } from './event.ts'

/** Throws `ResponseTooLargeError`. */
export function writeHttpV2Answer(answer: HttpAnswer): ApiGatewayV2Response {
  return withBody(writeHttpV2Head(answer), answer)
}

/** What a Function URL takes in front of a streamed body. */
export function writeHttpV2Head({ status, headers, cookies }: ResponseHead) {
  return { statusCode: status, headers, ...(cookies.length > 0 && { cookies }) }
}
