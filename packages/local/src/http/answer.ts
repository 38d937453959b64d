import { validateHeaderName, validateHeaderValue } from 'node:http'

/** What goes back to the client. */
export interface HttpAnswer {
  readonly status: number
  /** Several of one name stay several. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
}

/** The function's answer is not one that an HTTP API can send on; the message says why. */
export class MalformedAnswer extends Error {
  override readonly name = 'MalformedAnswer'
}

/** Set by the connection itself. */
const dropped = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * What an HTTP API makes of a function's answer, payload format 2.0. An object with `statusCode` is a response;
 * anything else is the body of a 200 with content type `application/json`. `multiValueHeaders` means nothing here.
 * Throws `MalformedAnswer`.
 *
 * Source: "Lambda function response for format 2.0" of the API Gateway developer guide, and answers seen on AWS:
 * text without `statusCode` goes out as it is, JSON or not, and a response without a type is `text/plain`.
 */
export function readAnswer(payload: string): HttpAnswer {
  const answer = parse(payload)
  if (!isObject(answer) || !('statusCode' in answer)) {
    return { status: 200, headers: [['content-type', 'application/json']], body: Buffer.from(payload) }
  }
  const headers = readHeaders(answer.headers)
  if (!headers.some(([name]) => name.toLowerCase() === 'content-type')) {
    headers.push(['content-type', 'text/plain; charset=utf-8'])
  }
  headers.push(...readCookies(answer.cookies))
  return {
    status: readStatus(answer.statusCode),
    headers,
    body: readBody(answer.body, answer.isBase64Encoded),
  }
}

function parse(payload: string): unknown {
  try {
    return JSON.parse(payload)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readStatus(value: unknown): number {
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value
  if (typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599) return status
  throw new MalformedAnswer(`statusCode is ${JSON.stringify(value)}; it must be a number from 200 to 599`)
}

function readHeaders(value: unknown): [string, string][] {
  if (value === undefined || value === null) return []
  if (!isObject(value)) throw new MalformedAnswer('headers must be an object of names and values')
  const headers: [string, string][] = []
  for (const [name, content] of Object.entries(value)) {
    if (dropped.has(name.toLowerCase())) continue
    if (typeof content !== 'string' && typeof content !== 'number' && typeof content !== 'boolean') {
      throw new MalformedAnswer(`header '${name}' is ${JSON.stringify(content)}; it must be one text`)
    }
    headers.push(checked(name, String(content)))
  }
  return headers
}

function readCookies(value: unknown): [string, string][] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || !value.every((cookie) => typeof cookie === 'string')) {
    throw new MalformedAnswer('cookies must be a list of texts')
  }
  return value.map((cookie) => checked('set-cookie', cookie))
}

function checked(name: string, value: string): [string, string] {
  try {
    // Node writes header values as Latin-1: one character of it for each byte of UTF-8.
    const bytes = Buffer.from(value).toString('latin1')
    validateHeaderName(name)
    validateHeaderValue(name, bytes)
    return [name, bytes]
  } catch (error) {
    throw new MalformedAnswer(`header '${name}' cannot be sent: ${JSON.stringify(value)}`, { cause: error })
  }
}

function readBody(body: unknown, isBase64Encoded: unknown): Buffer {
  if (body === undefined || body === null) return Buffer.alloc(0)
  if (typeof body !== 'string')
    throw new MalformedAnswer(`body is ${typeof body}; it must be text (JSON.stringify it)`)
  if (isBase64Encoded !== true) return Buffer.from(body)
  if (body.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(body)) {
    throw new MalformedAnswer('isBase64Encoded is true, but the body is no base64')
  }
  return Buffer.from(body, 'base64')
}
