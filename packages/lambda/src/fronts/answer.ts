import { ResponseTooLargeError } from '../errors.ts'
import type { HttpAnswer } from '../http/response.ts'

/**
 * The largest answer that is taken from a function, in bytes of its JSON. Lambda's own limit holds for every front
 * but the load balancer, which takes 1 MB: its "Lambda functions as targets". API Gateway's 10 MB are never reached.
 */
export const answerLimitBytes = { Lambda: 6_291_556, 'the load balancer': 1_048_576 } as const

/** `head` with the body behind it, as every front takes it. Throws `ResponseTooLargeError`. */
export function withBody<T extends object>(
  head: T,
  { body, base64 }: HttpAnswer,
  taker: keyof typeof answerLimitBytes = 'Lambda',
): T & { body?: string; isBase64Encoded: boolean } {
  const answer = { ...head, ...(body !== null && { body }), isBase64Encoded: base64 }
  const limit = answerLimitBytes[taker]
  // JSON writes a character in 6 bytes at most, so that a small body needs no second encoding to be sure.
  if ((body?.length ?? 0) * 6 < limit / 2) return answer
  const size = Buffer.byteLength(JSON.stringify(answer))
  if (size > limit) throw new ResponseTooLargeError(size, limit, taker)
  return answer
}
