import type { HttpAnswer } from '../../http/response.ts'
import { statusText } from '../../http/status.ts'
import { spelledCookies } from '../cookies.ts'
import { checkAnswerSize } from '../limits.ts'
import type { LatticeV2Response } from './event.ts'

/** Throws `ResponseTooLargeError`. */
export function writeLatticeV2Answer(answer: HttpAnswer): LatticeV2Response {
  const { status, headers, cookies, body, base64 } = answer
  return checkAnswerSize('Lambda', {
    statusCode: status,
    statusDescription: `${status} ${statusText(status)}`,
    headers: { ...headers, ...spelledCookies(cookies) },
    ...(body !== null && { body }),
    isBase64Encoded: base64,
  })
}
