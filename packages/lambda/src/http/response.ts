import { InvalidResponseError } from '../errors.ts'

// Not by import, which looks at all exports and loads files and blobs for it.
const { isUtf8 } = process.getBuiltinModule('node:buffer')

/** What an application answered, before its body is read. */
export interface ResponseParts {
  readonly status: number
  /** Names in lower case; `set-cookie` once for each cookie. One character of a value stands for one byte. */
  readonly headers: Iterable<readonly [name: string, value: string]>
  readonly body: ResponseBody
}

/** The bytes of an answer, to be had once, by `bytes` or by `chunks`. */
export interface ResponseBody {
  /** Reads to the end where that is well-formed text which is there already; otherwise null, and nothing was read. */
  text?(): string | null
  /** Reads to the end. */
  bytes(): Promise<Uint8Array>
  /** Reads as fast as the caller takes. Who leaves early calls `cancel`. */
  chunks(): AsyncIterable<Uint8Array>
  /** Tells whoever makes the bytes that nobody wants them, or the rest of them; `bytes` and `chunks` then end. */
  cancel(): void
}

/** Status and headers, as every front is told them. */
export interface ResponseHead {
  readonly status: number
  /** Names in lower case, repeated ones joined with `, `, without `set-cookie`. */
  readonly headers: Record<string, string>
  /** The value of each `set-cookie`, in order. */
  readonly cookies: string[]
}

/** A response that has been read to its end. */
export interface HttpAnswer extends ResponseHead {
  /** Text, or base64 when `base64` is true; null where HTTP allows no body. */
  readonly body: string | null
  readonly base64: boolean
}

/** A body that is there already. */
export function fixedBody(bytes: Uint8Array): ResponseBody {
  return bodyAtOnce(async () => bytes)
}

/** A body that is had whole or not at all. */
export function bodyAtOnce(
  bytes: ResponseBody['bytes'],
  text: () => string | null = () => null,
): ResponseBody {
  return {
    text,
    bytes,
    async *chunks() {
      yield await bytes()
    },
    cancel() {},
  }
}

/** Headers of one connection, which the front makes for its own. RFC 9110, 7.6.1. No front has trailers. */
const connectionHeaders = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** What is text of `application/…`, beside `…+json` and `…+xml`. */
const textFormats = new Set(['json', 'xml', 'javascript', 'x-www-form-urlencoded', 'x-ndjson', 'yaml'])

/** Whether HTTP allows a body in the answer with `status` to a request with `method`. */
export function allowsBody(status: number, method: string): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304
}

/** Throws `InvalidResponseError` for what cannot be sent. */
export function readHead(response: ResponseParts): ResponseHead {
  const { status } = response
  if (!(status >= 200 && status <= 599)) {
    throw new InvalidResponseError(
      `The application answered with status ${status}. A function can answer with 200 to 599 only.`,
    )
  }
  const headers: Record<string, string> = {}
  const cookies: string[] = []
  for (const [name, value] of response.headers) {
    if (connectionHeaders.has(name)) continue
    const text = headerText(name, value)
    if (name === 'set-cookie') cookies.push(text)
    else headers[name] = Object.hasOwn(headers, name) ? `${headers[name]}, ${text}` : text
  }
  if (status === 204) delete headers['content-length']
  return { status, headers, cookies }
}

/**
 * Reads what the application answered to a request with `method`. Bytes are never changed: a body travels as text
 * only when its type and encoding say so and it is valid UTF-8, otherwise as base64. Throws `InvalidResponseError`
 * for what cannot be sent.
 */
export async function readAnswer(response: ResponseParts, method: string): Promise<HttpAnswer> {
  const head = readHead(response)
  const { headers } = head
  if (!allowsBody(head.status, method)) {
    response.body.cancel()
    return { ...head, body: null, base64: false }
  }
  const isText = isTextual(headers)
  const text = isText ? response.body.text?.() : null
  if (typeof text === 'string') {
    if (headers['content-length'] !== undefined) headers['content-length'] = String(Buffer.byteLength(text))
    return { ...head, body: text, base64: false }
  }
  const { buffer, byteOffset, byteLength } = await response.body.bytes()
  const bytes = Buffer.from(buffer, byteOffset, byteLength)
  if (headers['content-length'] !== undefined) headers['content-length'] = String(byteLength)
  const base64 = byteLength > 0 && !(isText && isUtf8(bytes))
  return { ...head, body: bytes.toString(base64 ? 'base64' : 'utf8'), base64 }
}

// The characters of a header value are bytes; the answer is JSON, whose characters the front writes as UTF-8.
function headerText(name: string, value: string): string {
  if (/^[\t -~]*$/.test(value)) return value
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(value)) {
    throw new InvalidResponseError(
      `The response header ${name} holds a control character. No front can send it.`,
    )
  }
  const bytes = Buffer.from(value, 'latin1')
  return isUtf8(bytes) ? bytes.toString() : value
}

function isTextual(headers: Record<string, string>): boolean {
  const encoding = headers['content-encoding']?.trim().toLowerCase() || 'identity'
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return encoding === 'identity' && isTextType(type)
}

function isTextType(type: string): boolean {
  const [family, format = ''] = type.split('/', 2)
  const isText = family === 'text' || (family === 'application' && textFormats.has(format))
  return isText || format.endsWith('+json') || format.endsWith('+xml')
}
