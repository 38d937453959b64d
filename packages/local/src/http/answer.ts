import { validateHeaderName, validateHeaderValue } from 'node:http'
import { type HeaderField, type HttpAnswer, MalformedAnswer } from './gateway.ts'

/** What a function's answer is read as, before anything about it is known. */
export type Fields = Readonly<Record<string, unknown>>

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

/** The value of a JSON text; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A status of 200 to 599, as a number or as its digits. Throws `MalformedAnswer`. */
export function readStatus(value: unknown): number {
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value
  if (typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599) return status
  throw new MalformedAnswer(`statusCode is ${JSON.stringify(value)}; it must be a number from 200 to 599`)
}

/** Headers with one value each. Throws `MalformedAnswer`. */
export function readHeaders(value: unknown): HeaderField[] {
  const headers: HeaderField[] = []
  for (const [name, content] of entriesOf(value, 'headers')) {
    if (typeof content !== 'string' && typeof content !== 'number' && typeof content !== 'boolean') {
      throw new MalformedAnswer(`header '${name}' is ${JSON.stringify(content)}; it must be one text`)
    }
    headers.push(checkHeader(name, String(content)))
  }
  return headers
}

/** Headers with a list of values each. Throws `MalformedAnswer`. */
export function readMultiValueHeaders(value: unknown): HeaderField[] {
  const headers: HeaderField[] = []
  for (const [name, list] of entriesOf(value, 'multiValueHeaders')) {
    if (!Array.isArray(list) || !list.every((content) => typeof content === 'string')) {
      throw new MalformedAnswer(
        `header '${name}' of multiValueHeaders is ${JSON.stringify(list)}; it must be a list of texts`,
      )
    }
    for (const content of list) headers.push(checkHeader(name, content))
  }
  return headers
}

function entriesOf(value: unknown, field: string): [string, unknown][] {
  if (value === undefined || value === null) return []
  if (!isObject(value)) throw new MalformedAnswer(`${field} must be an object of names and values`)
  return Object.entries(value).filter(([name]) => !dropped.has(name.toLowerCase()))
}

/** A `set-cookie` header for each of a list. Throws `MalformedAnswer`. */
export function readCookies(value: unknown): HeaderField[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || !value.every((cookie) => typeof cookie === 'string')) {
    throw new MalformedAnswer('cookies must be a list of texts')
  }
  return value.map((cookie) => checkHeader('set-cookie', cookie))
}

function checkHeader(name: string, value: string): HeaderField {
  try {
    // Node writes header values as Latin-1: one character of it for each byte of UTF-8.
    const bytes = /[^\0-\x7f]/.test(value) ? Buffer.from(value).toString('latin1') : value
    validateHeaderName(name)
    validateHeaderValue(name, bytes)
    return [name, bytes]
  } catch (error) {
    throw new MalformedAnswer(`header '${name}' cannot be sent: ${JSON.stringify(value)}`, { cause: error })
  }
}

/** The bytes of a body. Throws `MalformedAnswer`. */
export function readBody(body: unknown, isBase64Encoded: unknown): Buffer {
  if (body === undefined || body === null) return Buffer.alloc(0)
  if (typeof body !== 'string')
    throw new MalformedAnswer(`body is ${typeof body}; it must be text (JSON.stringify it)`)
  if (isBase64Encoded !== true) return Buffer.from(body)
  if (body.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(body)) {
    throw new MalformedAnswer('isBase64Encoded is true, but the body is no base64')
  }
  return Buffer.from(body, 'base64')
}

/** `headers`, with the type of the body last when they do not say it. */
export function withContentType(headers: readonly HeaderField[], type: string): readonly HeaderField[] {
  const isSaid = headers.some(([name]) => name.toLowerCase() === 'content-type')
  return isSaid ? headers : [...headers, ['content-type', type]]
}

/** An answer of a gateway's own. */
export function jsonAnswer(status: number, value: unknown, headers: readonly HeaderField[] = []): HttpAnswer {
  return {
    status,
    headers: [['content-type', 'application/json'], ...headers],
    body: Buffer.from(JSON.stringify(value)),
  }
}
