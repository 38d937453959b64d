import { ServeConfigError } from '../errors.ts'
import type { RequestParts } from './request.ts'
import { fixedBody, type ResponseParts } from './response.ts'

/** Which pages of other origins may use the application. https://fetch.spec.whatwg.org/#http-cors-protocol */
export interface CorsOptions {
  /** `'*'` for all, or origins as browsers write them: `https://app.example.com`, `http://localhost:5173`. */
  readonly origins: '*' | readonly string[]
  /** GET, HEAD, PUT, PATCH, POST and DELETE when absent. */
  readonly methods?: readonly string[]
  /** Request headers that pages may set; whatever they ask for when absent. */
  readonly headers?: readonly string[]
  /** Response headers that pages may read beside those that every page may. */
  readonly exposedHeaders?: readonly string[]
  /** Lets pages send cookies and credentials; not with `origins: '*'`. False when absent. */
  readonly credentials?: boolean
  /** How long browsers may keep the answer to a preflight request. Their own default when absent. */
  readonly maxAgeSeconds?: number
}

export interface Cors {
  /** The answer to a preflight request, which the application does not see; null for any other request. */
  preflight(request: RequestParts): ResponseParts | null
  /** `response` with what the browser must be told. What the application itself says of CORS stays. */
  allow(request: RequestParts, response: ResponseParts): ResponseParts
}

/** @throws ServeConfigError for options that no browser could work with. */
export function createCors(options: CorsOptions): Cors {
  checkOptions(options)
  const { origins, credentials = false, maxAgeSeconds, exposedHeaders = [] } = options
  const methods = (options.methods ?? ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE']).join(', ')

  function originHeaders(request: RequestParts): [string, string][] {
    if (origins === '*') return [['access-control-allow-origin', '*']]
    const origin = request.headers.get('origin')
    if (origin === undefined || !origins.includes(origin)) return []
    const allowed: [string, string][] = [['access-control-allow-origin', origin]]
    if (credentials) allowed.push(['access-control-allow-credentials', 'true'])
    return allowed
  }

  return {
    preflight(request) {
      const asked = request.headers.get('access-control-request-method')
      if (request.method !== 'OPTIONS' || asked === undefined || !request.headers.has('origin')) return null
      const headers = originHeaders(request)
      if (headers.length > 0) {
        const askedHeaders = request.headers.get('access-control-request-headers')
        const allowedHeaders = options.headers?.join(', ') ?? askedHeaders
        headers.push(['access-control-allow-methods', methods])
        if (allowedHeaders) headers.push(['access-control-allow-headers', allowedHeaders])
        if (maxAgeSeconds !== undefined) headers.push(['access-control-max-age', String(maxAgeSeconds)])
      }
      headers.push(['vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'])
      return { status: 204, headers, body: fixedBody(new Uint8Array()) }
    },
    allow(request, response) {
      const headers = [...response.headers]
      if (headers.some(([name]) => name === 'access-control-allow-origin')) return response
      const allowed = originHeaders(request)
      headers.push(...allowed)
      if (allowed.length > 0 && exposedHeaders.length > 0) {
        headers.push(['access-control-expose-headers', exposedHeaders.join(', ')])
      }
      // Caches must not give one origin's answer to another, nor an answer without any to a page.
      if (origins !== '*') headers.push(['vary', 'Origin'])
      return { ...response, headers }
    },
  }
}

/**
 * The origins that an environment variable lists: `*`, or origins with commas between, or a JSON array of them; null
 * when it is absent or empty.
 */
export function readOrigins(variable: string | undefined): CorsOptions['origins'] | null {
  const text = variable?.trim() ?? ''
  if (text === '') return null
  const list = text.startsWith('[') ? parseList(text) : text.split(',').map((origin) => origin.trim())
  return list.length === 1 && list[0] === '*' ? '*' : list.filter((origin) => origin !== '')
}

function parseList(text: string): string[] {
  try {
    return JSON.parse(text).map(String)
  } catch {
    throw new ServeConfigError(`CORS_ORIGINS begins like a JSON array but is none: ${text}`)
  }
}

function checkOptions({ origins, credentials, maxAgeSeconds }: CorsOptions): void {
  if (origins === '*') {
    if (!credentials) return
    throw new ServeConfigError(
      "cors: browsers refuse credentials together with origins: '*'. List the origins.",
    )
  }
  if (!Array.isArray(origins)) throw new ServeConfigError("cors.origins must be '*' or an array of origins.")
  for (const origin of origins) {
    if (URL.parse(origin)?.origin === origin || origin === 'null') continue
    throw new ServeConfigError(
      `cors: ${JSON.stringify(origin)} is no origin. It must be like https://app.example.com, without a path.`,
    )
  }
  if (maxAgeSeconds !== undefined && !(Number.isInteger(maxAgeSeconds) && maxAgeSeconds >= 0)) {
    throw new ServeConfigError('cors.maxAgeSeconds must be a whole number of seconds.')
  }
}
