import { type Body, bodyOver, isUnusable, streamBody, transferBody } from './body.ts'
import { extractBody } from './extract.ts'
import { Headers } from './headers.ts'
import { defaultSettings, type FetchSettings, readMethod, readSettings, readSignal } from './request-init.ts'
import { baseUrl, tagOf } from './webidl.ts'

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
 * What the arguments of the constructor come to. `stateOf` gives the state of a request of our own, and null for anything
 * else. https://fetch.spec.whatwg.org/#dom-request
 *
 * @throws TypeError for what the standard refuses.
 */
export function readRequest(
  input: unknown,
  given: Record<string, unknown>,
  stateOf: (value: unknown) => RequestState | null,
): RequestState {
  const before = stateOf(input) ?? (tagOf(input) === 'Request' ? foreignState(input as Request) : null)
  const own = stateOf(given)
  const init = own ? initOf(own, given) : given
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
function initOf(
  { settings, follows }: RequestState,
  request: Record<string, unknown>,
): Record<string, unknown> {
  const { method, headers, body, duplex } = request
  return { ...settings, method, headers, body, duplex, signal: follows }
}

function isEmpty(init: object): boolean {
  for (const _name in init) return false
  return true
}
