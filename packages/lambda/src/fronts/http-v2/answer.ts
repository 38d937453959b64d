import { Buffer } from 'node:buffer'
import { ResponseTooLargeError } from '../../errors.ts'
import type { HttpAnswer } from '../../http/response.ts'

/** What a function returns to an HTTP API (payload format 2.0) or a Function URL. */
export interface ApiGatewayV2Response {
  statusCode: number
  headers: Record<string, string>
  /** One `set-cookie` header each. */
  cookies?: string[]
  body?: string
  isBase64Encoded: boolean
}

/** The largest answer that Lambda takes from a function, in bytes of its JSON. */
export const responseLimitBytes = 6_291_556

/** Throws `ResponseTooLargeError`. */
export function writeHttpV2Answer(answer: HttpAnswer): ApiGatewayV2Response {
  const response: ApiGatewayV2Response = {
    statusCode: answer.status,
    headers: answer.headers,
    ...(answer.cookies.length > 0 && { cookies: answer.cookies }),
    ...(answer.body !== null && { body: answer.body }),
    isBase64Encoded: answer.base64,
  }
  checkSize(response)
  return response
}

function checkSize(response: ApiGatewayV2Response): void {
  // JSON writes a character in 6 bytes at most, so that a small body needs no second encoding to be sure.
  if ((response.body?.length ?? 0) * 6 < responseLimitBytes / 2) return
  const size = Buffer.byteLength(JSON.stringify(response))
  if (size > responseLimitBytes) throw new ResponseTooLargeError(size, responseLimitBytes)
}
