import type { HttpAnswer } from '../../http/response.ts'
import { statusText } from '../../http/status.ts'
import { withBody } from '../answer.ts'
import { spelledCookies } from '../cookies.ts'
import type { LatticeV2Response } from './event.ts'

/** Throws `ResponseTooLargeError`. */
export function writeLatticeV2Answer(answer: HttpAnswer): LatticeV2Response {
  const { status, headers, cookies } = answer
  const head = {
    statusCode: status,
    statusDescription: `${status} ${statusText(status)}`,
    headers: { ...headers, ...spelledCookies(cookies) },
  }
  return withBody(head, answer)
}
