import type { HttpAnswer, ResponseHead } from '../../http/response.ts'
import { withBody } from '../answer.ts'
import type { ApiGatewayV1Response } from './event.ts'

/** Throws `ResponseTooLargeError`. */
export function writeRestV1Answer(answer: HttpAnswer): ApiGatewayV1Response {
  return withBody(writeRestV1Head(answer), answer)
}

/** What a REST API takes in front of a streamed body. */
export function writeRestV1Head({ status, headers, cookies }: ResponseHead) {
  return {
    statusCode: status,
    headers,
    ...(cookies.length > 0 && { multiValueHeaders: { 'set-cookie': cookies } }),
  }
}
