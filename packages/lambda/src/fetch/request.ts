import {
  type Body,
  bodyOver,
  cloneBody,
  isUnusable,
  isUsed,
  readBytes,
  readText,
  streamBody,
  streamOf,
  transferBody,
} from './body.ts'
import { readBlob, readForm } from './convert.ts'
import { extractBody } from './extract.ts'
import { Headers, headersOver } from './headers.ts'
import { defaultSettings, type FetchSettings, readMethod, readSettings, readSignal } from './request-init.ts'
import {
  asInterface,
  baseUrl,
  dictionary,
  inspect,
  inspectWith,
  isInstance,
  needArguments,
  tagOf,
} from './webidl.ts'

/** What a request is made of. */
export interface RequestState {
  readonly method: string
  readonly url: string
  readonly headers: Headers
  readonly body: Body | null
  readonly settings: FetchSettings
  /** Aborts the request; null where nothing does. */
  readonly follows: AbortSignal | null
}

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
    this.#state = construct(input, dictionary(init, 'Request constructor'))
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

/** https://fetch.spec.whatwg.org/#dom-request */
function construct(input: unknown, given: Record<string, unknown>): RequestState {
  const before = requestState(input) ?? (tagOf(input) === 'Request' ? foreignState(input as Request) : null)
  const init = requestState(given) ? initOf(given as unknown as Request) : given
  const url = before ? before.url : readUrl(input)
  const method = init.method === undefined ? (before?.method ?? 'GET') : readMethod(init.method)
  const earlier = before?.settings ?? defaultSettings
  const settings = isEmpty(init) ? earlier : readSettings(init, earlier, method)
  const follows = init.signal === undefined ? (before?.follows ?? null) : readSignal(init.signal)
  const headers = new Headers(init.headers === undefined ? before?.headers : init.headers)
  return {
    method,
    url,
    headers,
    body: readBody(init, before?.body ?? null, method, headers, settings),
    settings,
    follows,
  }
}

function readUrl(input: unknown): string {
  const text = `${input}`
  const url = URL.parse(text, baseUrl())
  if (!url) throw new TypeError(`Failed to parse URL from ${text}`)
  if (url.username === '' && url.password === '') return url.href
  throw new TypeError(`Request cannot be constructed from a URL that includes credentials: ${text}`)
}

function readBody(
  init: Record<string, unknown>,
  before: Body | null,
  method: string,
  headers: Headers,
  settings: FetchSettings,
): Body | null {
  const { body: given = null } = init
  if ((given !== null || before) && (method === 'GET' || method === 'HEAD')) {
    throw new TypeError('Request with GET/HEAD method cannot have body.')
  }
  if (given === null) {
    if (isUnusable(before))
      throw new TypeError('Cannot construct a Request with a Request object that has already been used.')
    return before && transferBody(before)
  }
  if (tagOf(given) === 'ReadableStream') {
    if (settings.keepalive) throw new TypeError('keepalive cannot be set when the body is a stream.')
    if (settings.mode === 'no-cors') throw new TypeError('A stream cannot be sent in no-cors mode.')
  }
  const { body, type } = extractBody(given)
  if (type !== null && !headers.has('content-type')) headers.set('content-type', type)
  if (body.source === null && init.duplex === undefined) {
    throw new TypeError('RequestInit: duplex option is required when sending a body.')
  }
  return body
}

/** What a request of another class says of itself. */
function foreignState(request: Request): RequestState {
  const { method, url, body, signal } = request
  return {
    method,
    url,
    headers: new Headers(request.headers),
    body: body && (request.bodyUsed || body.locked ? { ...bodyOver(''), isTaken: true } : streamBody(body)),
    settings: { ...readSettings({}, defaultSettings, method), ...pickSettings(request) },
    follows: signal,
  }
}

function pickSettings(request: Request): Partial<FetchSettings> {
  const { referrer, referrerPolicy, mode, credentials, cache, redirect, integrity, keepalive } = request
  return { referrer, referrerPolicy, mode, credentials, cache, redirect, integrity, keepalive }
}

/** A request that is given as an init, without making it a signal that nobody has. */
function initOf(request: Request): Record<string, unknown> {
  const { method, headers, body, duplex } = request
  const { settings, follows } = requestState(request) as RequestState
  return { ...settings, method, headers, body, duplex, signal: follows }
}

function isEmpty(init: object): boolean {
  for (const _name in init) return false
  return true
}
