import {
  isObject,
  parseJson,
  readBody,
  readHeaders,
  readMultiValueHeaders,
  readStatus,
  withContentType,
} from '../answer.ts'
import { type HttpAnswer, MalformedAnswer } from '../gateway.ts'

/** Bytes of the JSON that a function may answer with. */
const answerLimitBytes = 1024 * 1024

/**
 * What a load balancer makes of a function's answer. It reads `multiValueHeaders` when its target group has multi-value
 * headers and `headers` otherwise, never both. In `headers` names that differ in case alone are headers of their own,
 * by which several cookies get through. Throws `MalformedAnswer`.
 *
 * Source: "Respond to the load balancer" of "Lambda functions as targets".
 */
export function readAlbAnswer(payload: string, multiValue: boolean): HttpAnswer {
  const bytes = Buffer.byteLength(payload)
  if (bytes > answerLimitBytes) {
    throw new MalformedAnswer(`the answer has ${bytes} bytes, and a load balancer takes ${answerLimitBytes}`)
  }
  const answer = parseJson(payload)
  if (!isObject(answer))
    throw new MalformedAnswer('the answer is no object with statusCode, headers and body')
  const { statusCode, statusDescription, headers, multiValueHeaders, body, isBase64Encoded } = answer
  if (typeof statusCode !== 'number') {
    throw new MalformedAnswer(`statusCode is ${JSON.stringify(statusCode)}; a load balancer wants a number`)
  }
  const fields = multiValue ? readMultiValueHeaders(multiValueHeaders) : readHeaders(strings(headers))
  return {
    status: readStatus(statusCode),
    ...readReason(statusDescription),
    headers: withContentType(fields, 'application/octet-stream'),
    body: readBody(body, isBase64Encoded),
  }
}

/** It takes no numbers for header values. */
function strings(headers: unknown): unknown {
  for (const [name, value] of Object.entries(isObject(headers) ? headers : {})) {
    if (typeof value !== 'string') {
      throw new MalformedAnswer(`header '${name}' is ${JSON.stringify(value)}; it must be one text`)
    }
  }
  return headers
}

/** `404 Not Found` has a reason. */
function readReason(description: unknown): { reason?: string } {
  if (description === undefined || description === null) return {}
  if (typeof description !== 'string') throw new MalformedAnswer('statusDescription must be a text')
  const reason = /^\d{3} ([\x20-\x7e]+)$/.exec(description)?.[1]
  return reason === undefined ? {} : { reason }
}
