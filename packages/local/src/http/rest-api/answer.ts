import {
  type Fields,
  isObject,
  parseJson,
  readBody,
  readCookies,
  readHeaders,
  readMultiValueHeaders,
  readStatus,
  withContentType,
} from '../answer.ts'
import { type AnswerHead, type HeaderField, type HttpAnswer, MalformedAnswer } from '../gateway.ts'

const answerKeys = new Set(['statusCode', 'headers', 'multiValueHeaders', 'body', 'isBase64Encoded'])

/** Sent on under another name: `x-amzn-Remapped-WWW-Authenticate`. */
const remapped = new Set([
  'authorization',
  'content-md5',
  'date',
  'host',
  'server',
  'user-agent',
  'www-authenticate',
])

/**
 * What a REST API makes of a function's answer: of these keys only, or it is malformed (a `cookies` key, which an HTTP
 * API takes, is). Values of `headers` and `multiValueHeaders` come together, one that is in both comes once. Base64
 * is decoded where the API has binary media types, and goes out as it is otherwise. Throws `MalformedAnswer`.
 *
 * Source: "Output format of a Lambda function for proxy integration" and "Important notes" (headers that are remapped) of
 * the API Gateway developer guide.
 */
export function readRestAnswer(payload: string, binaryMediaTypes: readonly string[]): HttpAnswer {
  const answer = parseJson(payload)
  if (!isObject(answer))
    throw new MalformedAnswer('the answer is no object with statusCode, headers and body')
  const strange = Object.keys(answer).filter((key) => !answerKeys.has(key))
  if (strange.length > 0) {
    const known = [...answerKeys].join(', ')
    throw new MalformedAnswer(`a REST API takes no ${strange.join(', ')} in an answer; it takes ${known}`)
  }
  const { statusCode, body, isBase64Encoded } = answer
  return {
    status: readStatus(statusCode),
    headers: withContentType(mergeHeaders(answer), 'application/json'),
    body: readBody(body, isBase64Encoded === true && binaryMediaTypes.length > 0),
  }
}

/**
 * The head of a streamed answer. Without the JSON and eight NUL bytes before the body a REST API has no answer. Throws
 * `MalformedAnswer`.
 *
 * Source: "Set up a Lambda proxy integration with payload response streaming" of the API Gateway developer guide.
 */
export function readRestHead(prelude: string | null): AnswerHead {
  const head = prelude === null ? null : parseJson(prelude)
  if (!isObject(head)) {
    throw new MalformedAnswer('a streamed answer must begin with a JSON object and eight NUL bytes')
  }
  const { statusCode = 200, cookies } = head
  return {
    status: readStatus(statusCode),
    headers: [...withContentType(mergeHeaders(head), 'application/json'), ...readCookies(cookies)],
  }
}

function mergeHeaders({ headers, multiValueHeaders }: Fields): HeaderField[] {
  const multi = readMultiValueHeaders(multiValueHeaders)
  const same = ([name, value]: HeaderField) =>
    multi.some(([other, content]) => other.toLowerCase() === name.toLowerCase() && content === value)
  const single = readHeaders(headers).filter((field) => !same(field))
  return [...multi, ...single].map(([name, value]) => [
    remapped.has(name.toLowerCase()) ? `x-amzn-Remapped-${name}` : name,
    value,
  ])
}
