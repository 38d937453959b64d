import { bodyOver, cloneBody, isUnusable, isUsed, readBytes, readText, streamOf } from './body.ts'
import { readBlob, readForm } from './convert.ts'
import { Headers, headersOver } from './headers.ts'
import { defaultSettings } from './request-init.ts'
import { type RequestState, readRequest } from './request-state.ts'
import { asInterface, dictionary, inspect, inspectWith, isInstance, needArguments } from './webidl.ts'

/**
 * A request with exactly these parts: `url` is not parsed; headers (names in lower case, values joined) and bytes are
 * copied only when somebody could change them.
 */
export function requestOver(
  method: string,
  url: string,
  headers: ReadonlyMap<string, string>,
  body: Uint8Array<ArrayBuffer> | null,
): Request {
  return new Request(
    made({
      method,
      url,
      headers: headersOver(headers),
      body: body && { ...bodyOver(body), isShared: true },
      settings: defaultSettings,
      follows: null,
    }),
  )
}

/** The state of a request of this class; null for anything else. */
export let requestState: (request: unknown) => RequestState | null

/** Takes the place of the constructor's arguments for requests that are made here. */
let next: RequestState | null = null

function made(state: RequestState): string {
  next = state
  return ''
}

/** Stands in for `Request`. https://fetch.spec.whatwg.org/#request-class */
export class Request {
  readonly #state: RequestState
  #signal: AbortSignal | null = null

  static {
    requestState = (request) =>
      typeof request === 'object' && request !== null && #state in request ? request.#state : null
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(this, Request, 'Request', value)
  }

  constructor(input: unknown, init: unknown = undefined) {
    if (next) {
      this.#state = next
      next = null
      return
    }
    needArguments(arguments.length, 1, 'Request constructor')
    this.#state = readRequest(input, dictionary(init, 'Request constructor'), requestState)
  }

  get method(): string {
    return this.#state.method
  }

  get url(): string {
    return this.#state.url
  }

  get headers(): Headers {
    return this.#state.headers
  }

  get destination(): string {
    this.#state
    return ''
  }

  get referrer(): string {
    return this.#state.settings.referrer
  }

  get referrerPolicy(): string {
    return this.#state.settings.referrerPolicy
  }

  get mode(): string {
    return this.#state.settings.mode
  }

  get credentials(): string {
    return this.#state.settings.credentials
  }

  get cache(): string {
    return this.#state.settings.cache
  }

  get redirect(): string {
    return this.#state.settings.redirect
  }

  get integrity(): string {
    return this.#state.settings.integrity
  }

  get keepalive(): boolean {
    return this.#state.settings.keepalive
  }

  get isReloadNavigation(): boolean {
    this.#state
    return false
  }

  get isHistoryNavigation(): boolean {
    this.#state
    return false
  }

  get signal(): AbortSignal {
    // The first of a process costs milliseconds, and few look at it.
    const { follows } = this.#state
    this.#signal ??= follows ? AbortSignal.any([follows]) : new AbortController().signal
    return this.#signal
  }

  get body(): ReadableStream<Uint8Array> | null {
    const { body } = this.#state
    return body && streamOf(body)
  }

  get bodyUsed(): boolean {
    return isUsed(this.#state.body)
  }

  get duplex(): string {
    this.#state
    return 'half'
  }

  clone(): Request {
    const { headers, body, ...rest } = this.#state
    if (isUnusable(body)) throw new TypeError('unusable')
    return new Request(made({ ...rest, headers: new Headers(headers), body: body && cloneBody(body) }))
  }

  async blob(): Promise<Blob> {
    return readBlob(this.#state.body, this.headers)
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await readBytes(this.#state.body)).buffer
  }

  async text(): Promise<string> {
    return readText(this.#state.body)
  }

  async json(): Promise<unknown> {
    const text = await readText(this.#state.body)
    try {
      return JSON.parse(text)
    } catch (error) {
      // What the client sent is its mistake: where nobody catches this, it is answered so.
      throw Object.assign(error as SyntaxError, { status: 400 })
    }
  }

  async formData(): Promise<FormData> {
    return readForm(this.#state.body, this.headers)
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return readBytes(this.#state.body)
  }

  [inspect](_depth: number, options: object, print: (value: unknown, options: object) => string): string {
    const { method, url, headers, ...rest } = this.#state
    const { dispatcher, ...settings } = rest.settings
    const { isReloadNavigation, isHistoryNavigation, signal } = this
    const about = { ...settings, isReloadNavigation, isHistoryNavigation, signal }
    const shown = { method, url, headers, destination: '', ...about }
    return inspectWith('Request', shown, options, print)
  }
}

asInterface(Request, 'Request')
