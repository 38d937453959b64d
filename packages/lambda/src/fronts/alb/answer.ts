import type { HttpAnswer } from '../../http/response.ts'
import { statusText } from '../../http/status.ts'
import { withBody } from '../answer.ts'
import { spelledCookies } from '../cookies.ts'
import type { AlbEvent, AlbResponse } from './event.ts'

/**
 * Answers with the maps that the event came with: a load balancer ignores the others. Throws
 * `ResponseTooLargeError`.
 */
export function writeAlbAnswer(answer: HttpAnswer, event: AlbEvent): AlbResponse {
  const { status, headers, cookies } = answer
  const head = {
    statusCode: status,
    statusDescription: `${status} ${statusText(status)}`,
    ...(event.multiValueHeaders
      ? { multiValueHeaders: listed(headers, cookies) }
      : { headers: { ...headers, ...spelledCookies(cookies) } }),
  }
  return withBody(head, answer, 'the load balancer')
}

function listed(headers: Record<string, string>, cookies: string[]): Record<string, string[]> {
  const lists: Record<string, string[]> = {}
  for (const [name, value] of Object.entries(headers)) lists[name] = [value]
  if (cookies.length > 0) lists['set-cookie'] = cookies
  return lists
}
