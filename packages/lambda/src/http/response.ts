import { Buffer, isUtf8 } from 'node:buffer'
import { InvalidResponseError } from '../errors.ts'

/** A response that has been read to its end. */
export interface HttpAnswer {
  readonly status: number
  /** Names in lower case, repeated ones joined with `, `, without `set-cookie`. */
  readonly headers: Record<string, string>
  /** The value of each `set-cookie`, in order. */
  readonly cookies: string[]
  /** Text, or base64 when `base64` is true; null where HTTP allows no body. */
  readonly body: string | null
  readonly base64: boolean
}

/** Headers of one connection, which the front makes for its own. RFC 9110, 7.6.1. */
const connectionHeaders = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

const textType =
  /^(?:text\/|application\/(?:json|xml|javascript|x-www-form-urlencoded|x-ndjson|yaml)$)|\+(?:json|xml)$/

/**
 * Reads what the application answered to a request with `method`. Bytes are never changed: a body travels as text
 * only when its type and encoding say so and it is valid UTF-8, otherwise as base64. Throws
 * `InvalidResponseError` for what is no response or cannot be sent.
 */
export async function readResponse(response: Response, method: string): Promise<HttpAnswer> {
  checkResponse(response)
  const { headers, cookies } = readHeaders(response)
  if (method === 'HEAD' || response.status === 204 || response.status === 304) {
    if (response.status === 204) delete headers['content-length']
    if (!response.bodyUsed) await response.body?.cancel()
    return { status: response.status, headers, cookies, body: null, base64: false }
  }
  const bytes = Buffer.from(await response.arrayBuffer())
  if (headers['content-length'] !== undefined) headers['content-length'] = String(bytes.length)
  const text = isTextual(headers) && isUtf8(bytes)
  const body = bytes.toString(text ? 'utf8' : 'base64')
  return { status: response.status, headers, cookies, body, base64: !text }
}

// By shape, not by class: frameworks and polyfills bring responses of their own.
function checkResponse(response: Response): void {
  if (typeof response?.status !== 'number' || typeof response.arrayBuffer !== 'function') {
    throw new InvalidResponseError(
      `The application answered with ${response === null ? 'null' : typeof response}, not with a Response.`,
    )
  }
  if (!(response.status >= 200 && response.status <= 599)) {
    throw new InvalidResponseError(
      `The application answered with status ${response.status}. A function can answer with 200 to 599 only.`,
    )
  }
}

function readHeaders(response: Response): Pick<HttpAnswer, 'headers' | 'cookies'> {
  const headers: Record<string, string> = {}
  const cookies: string[] = []
  for (const [name, value] of response.headers) {
    if (connectionHeaders.has(name)) continue
    if (name === 'set-cookie') cookies.push(headerText(name, value))
    else headers[name] = headerText(name, value)
  }
  return { headers, cookies }
}

// The characters of a header value are bytes; the answer is JSON, whose characters the front writes as UTF-8.
function headerText(name: string, value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(value)) {
    throw new InvalidResponseError(
      `The response header ${name} holds a control character. No front can send it.`,
    )
  }
  if (!/[\x80-\xff]/.test(value)) return value
  const bytes = Buffer.from(value, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : value
}

function isTextual(headers: Record<string, string>): boolean {
  const encoding = headers['content-encoding']?.trim().toLowerCase() || 'identity'
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  return encoding === 'identity' && type !== undefined && textType.test(type)
}
