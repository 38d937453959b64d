/** A request as the client sent it, before any fetch class has seen it. */
export interface RequestParts {
  readonly method: string
  /** Scheme, host and port, as `URL` writes an origin. */
  readonly origin: string
  /** Path and query, ASCII, beginning with `/`. */
  readonly target: string
  readonly headers: readonly [name: string, value: string][]
  readonly body: Uint8Array<ArrayBuffer> | null
}

/**
 * Makes the `Request` an application gets. Its `url` is `origin + target`, byte for byte, although the URL
 * parser inside `Request` resolves `..` and rewrites quotes. A body of GET or HEAD is left out: a `Request` cannot
 * hold one.
 */
export function createRequest(parts: RequestParts): Request {
  const url = parts.origin + parts.target
  const body = parts.method === 'GET' || parts.method === 'HEAD' ? null : parts.body
  const request = new Request(url, { method: parts.method, headers: [...parts.headers], body })
  return request.url === url ? request : withExactUrl(request, url)
}

// A router must see `/public/../admin` as sent: the front's own routes and authorizers did.
function withExactUrl(request: Request, url: string): Request {
  const clone = request.clone.bind(request)
  return Object.defineProperties(request, {
    url: { value: url },
    clone: { value: () => withExactUrl(clone(), url) },
  })
}
