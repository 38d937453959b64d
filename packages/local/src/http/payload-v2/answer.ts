import {
  isObject,
  parseJson,
  readBody,
  readCookies,
  readHeaders,
  readStatus,
  withContentType,
} from '../answer.ts'
import { type AnswerHead, type HttpAnswer, MalformedAnswer } from '../gateway.ts'

/**
 * What an HTTP API or a Function URL makes of a function's answer, payload format 2.0. An object with `statusCode` is a
 * response; anything else is the body of a 200 with content type `application/json`. `multiValueHeaders` means nothing
 * here. Throws `MalformedAnswer`.
 *
 * Source: "Lambda function response for format 2.0" of the API Gateway developer guide, and answers seen on AWS:
 * text without `statusCode` goes out as it is, JSON or not, and a response without a type is `text/plain`.
 */
export function readAnswerV2(payload: string): HttpAnswer {
  const answer = parseJson(payload)
  if (!isObject(answer) || !('statusCode' in answer)) {
    return { status: 200, headers: [['content-type', 'application/json']], body: Buffer.from(payload) }
  }
  const { statusCode, headers, cookies, body, isBase64Encoded } = answer
  return {
    status: readStatus(statusCode),
    headers: [...withContentType(readHeaders(headers), 'text/plain; charset=utf-8'), ...readCookies(cookies)],
    body: readBody(body, isBase64Encoded),
  }
}

/**
 * The head of a streamed answer: of the JSON before it, or with no more than its type where there is none. Throws
 * `MalformedAnswer`.
 */
export function readHeadV2(prelude: string | null, contentType: string): AnswerHead {
  if (prelude === null) return { status: 200, headers: [['content-type', contentType]] }
  const head = parseJson(prelude)
  if (!isObject(head)) throw new MalformedAnswer('what stands before the eight NUL bytes is no JSON object')
  const { statusCode = 200, headers, cookies } = head
  return {
    status: readStatus(statusCode),
    headers: [...withContentType(readHeaders(headers), 'application/octet-stream'), ...readCookies(cookies)],
  }
}
