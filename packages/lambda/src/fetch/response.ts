import { type Body, cloneBody, isUnusable, isUsed, readBytes, readText, streamOf } from './body.ts'
import { readBlob, readForm } from './convert.ts'
import { extractBody } from './extract.ts'
import { cloneHeaders, freezeHeaders, Headers } from './headers.ts'
import {
  asInterface,
  baseUrl,
  byteString,
  dictionary,
  inspect,
  inspectWith,
  isInstance,
  needArguments,
} from './webidl.ts'

/** The body of a response of this class; undefined for one of another class. */
export let responseBody: (response: unknown) => Body | null | undefined

/** Stands in for `Response`. https://fetch.spec.whatwg.org/#response-class */
export class Response {
  #body: Body | null = null
  #headers: Headers
  #status = 200
  #statusText = ''
  #type: 'default' | 'error' = 'default'

  static {
    responseBody = (response) =>
      typeof response === 'object' && response !== null && #body in response ? response.#body : undefined
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(this, Response, 'Response', value)
  }

  static error(): Response {
    const response = new Response()
    response.#type = 'error'
    response.#status = 0
    freezeHeaders(response.#headers)
    return response
  }

  static json(data: unknown, init: unknown = {}): Response {
    needArguments(arguments.length, 1, 'Response.json')
    const text: string | undefined = JSON.stringify(data)
    if (text === undefined) throw new TypeError('Value is not JSON serializable')
    const response = new Response(null, init)
    if (hasNoBody(response.#status)) throw noBodyError(response.#status)
    response.#body = extractBody(text).body
    if (!response.#headers.has('content-type')) response.#headers.set('content-type', 'application/json')
    return response
  }

  static redirect(url: string | URL, status = 302): Response {
    needArguments(arguments.length, 1, 'Response.redirect')
    const parsed = URL.parse(`${url}`, baseUrl())
    const code = unsignedShort(status)
    if (!parsed) throw new TypeError(`Failed to parse URL from ${url}`)
    if (![301, 302, 303, 307, 308].includes(code)) throw new RangeError(`Invalid status code ${status}`)
    const response = new Response()
    response.#status = code
    response.#headers.set('location', parsed.href)
    freezeHeaders(response.#headers)
    return response
  }

  constructor(body: unknown = null, init: unknown = undefined) {
    const { headers, status, statusText } = dictionary(init, 'Response constructor')
    this.#headers = new Headers(headers)
    const code = status === undefined ? 200 : unsignedShort(status)
    const phrase = statusText === undefined ? '' : byteString(statusText)
    if (code < 200 || code > 599) {
      throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.')
    }
    if (phrase !== '' && !/^[\t -~\x80-\xff]*$/.test(phrase)) throw new TypeError('Invalid statusText')
    this.#status = code
    this.#statusText = phrase
    if (body === null) return
    if (hasNoBody(code)) throw noBodyError(code)
    const extracted = extractBody(body)
    this.#body = extracted.body
    if (extracted.type !== null && !this.#headers.has('content-type')) {
      this.#headers.set('content-type', extracted.type)
    }
  }

  get type(): string {
    return this.#type
  }

  get url(): string {
    this.#type
    return ''
  }

  get redirected(): boolean {
    this.#type
    return false
  }

  get status(): number {
    return this.#status
  }

  get ok(): boolean {
    return this.#status >= 200 && this.#status <= 299
  }

  get statusText(): string {
    return this.#statusText
  }

  get headers(): Headers {
    return this.#headers
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#body && streamOf(this.#body)
  }

  get bodyUsed(): boolean {
    return isUsed(this.#body)
  }

  clone(): Response {
    if (isUnusable(this.#body)) {
      throw new TypeError('Response.clone: Body has already been consumed.')
    }
    const copy = new Response()
    copy.#type = this.#type
    copy.#status = this.#status
    copy.#statusText = this.#statusText
    copy.#headers = cloneHeaders(this.#headers)
    copy.#body = this.#body && cloneBody(this.#body)
    return copy
  }

  async blob(): Promise<Blob> {
    return readBlob(this.#body, this.#headers)
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await readBytes(this.#body)).buffer
  }

  async text(): Promise<string> {
    return readText(this.#body)
  }

  async json(): Promise<unknown> {
    return JSON.parse(await readText(this.#body))
  }

  async formData(): Promise<FormData> {
    return readForm(this.#body, this.#headers)
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return readBytes(this.#body)
  }

  [inspect](_depth: number, options: object, print: (value: unknown, options: object) => string): string {
    const { status, statusText, headers, body, bodyUsed, ok, redirected, type, url } = this
    const shown = { status, statusText, headers, body, bodyUsed, ok, redirected, type, url }
    return inspectWith('Response', shown, options, print)
  }
}

asInterface(Response, 'Response')

function unsignedShort(value: unknown): number {
  const number = Math.trunc(Number(value))
  return Number.isFinite(number) ? number & 0xffff : 0
}

function hasNoBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304
}

function noBodyError(status: number): TypeError {
  return new TypeError(`Response constructor: Invalid response status code ${status}`)
}
