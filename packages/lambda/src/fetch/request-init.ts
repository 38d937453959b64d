import { byteString, oneOf, tagOf } from './webidl.ts'

/** What a request says of how it is to be fetched. The application of a function has little use for it. */
export interface FetchSettings {
  readonly referrer: string
  readonly referrerPolicy: string
  readonly mode: string
  readonly credentials: string
  readonly cache: string
  readonly redirect: string
  readonly integrity: string
  readonly keepalive: boolean
  /** Node's own: through what its `fetch` sends. */
  readonly dispatcher: unknown
}

export const defaultSettings: FetchSettings = {
  referrer: 'about:client',
  referrerPolicy: '',
  mode: 'cors',
  credentials: 'same-origin',
  cache: 'default',
  redirect: 'follow',
  integrity: '',
  keepalive: false,
  dispatcher: undefined,
}

/**
 * `before` as `init` changes it, for a request with `method`. Throws TypeError.
 * https://fetch.spec.whatwg.org/#dom-request
 */
export function readSettings(
  init: Record<string, unknown>,
  before: FetchSettings,
  method: string,
): FetchSettings {
  if (init.window !== undefined && init.window !== null) {
    throw new TypeError("'window' option must be null")
  }
  const mode = oneOf(init.mode, ['navigate', 'same-origin', 'no-cors', 'cors'], 'mode')
  if (mode === 'navigate') throw new TypeError('Request constructor: invalid request mode navigate.')
  const settings: FetchSettings = {
    referrer: init.referrer === undefined ? 'about:client' : readReferrer(`${init.referrer}`),
    referrerPolicy: oneOf(init.referrerPolicy, policies, 'referrerPolicy') ?? '',
    mode: mode ?? (before.mode === 'navigate' ? 'same-origin' : before.mode),
    credentials:
      oneOf(init.credentials, ['omit', 'same-origin', 'include'], 'credentials') ?? before.credentials,
    cache: oneOf(init.cache, caches, 'cache') ?? before.cache,
    redirect: oneOf(init.redirect, ['follow', 'error', 'manual'], 'redirect') ?? before.redirect,
    integrity: init.integrity === undefined ? before.integrity : `${init.integrity}`,
    keepalive: init.keepalive === undefined ? before.keepalive : Boolean(init.keepalive),
    dispatcher: init.dispatcher ?? before.dispatcher,
  }
  oneOf(init.duplex, ['half'], 'duplex')
  oneOf(init.priority, ['high', 'low', 'auto'], 'priority')
  if (settings.cache === 'only-if-cached' && settings.mode !== 'same-origin') {
    throw new TypeError("'only-if-cached' can be set only with 'same-origin' mode")
  }
  if (settings.mode === 'no-cors' && !['GET', 'HEAD', 'POST'].includes(method)) {
    throw new TypeError(`'${method} is unsupported in no-cors mode.`)
  }
  return settings
}

/** `given` as HTTP writes it. Throws TypeError for a method that no request may have. */
export function readMethod(given: unknown): string {
  const method = byteString(given)
  const upper = method.toUpperCase()
  if (['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'].includes(upper)) return upper
  if (!/^[\w!#$%&'*+\-.^`|~]+$/.test(method)) throw new TypeError(`'${method}' is not a valid HTTP method.`)
  if (!['CONNECT', 'TRACE', 'TRACK'].includes(upper)) return method
  throw new TypeError(`'${method}' HTTP method is unsupported.`)
}

/** Throws TypeError for what is no signal; null for none. */
export function readSignal(given: unknown): AbortSignal | null {
  if (given === null || tagOf(given) === 'AbortSignal') return given as AbortSignal | null
  throw new TypeError('RequestInit: Expected signal to be an instance of AbortSignal.')
}

function readReferrer(given: string): string {
  if (given === '') return ''
  const parsed = URL.parse(given)
  if (!parsed) throw new TypeError(`Referrer ${JSON.stringify(given)} is not a valid URL.`)
  return parsed.href
}

const policies = [
  '',
  'no-referrer',
  'no-referrer-when-downgrade',
  'same-origin',
  'origin',
  'strict-origin',
  'origin-when-cross-origin',
  'strict-origin-when-cross-origin',
  'unsafe-url',
]

const caches = ['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached']
