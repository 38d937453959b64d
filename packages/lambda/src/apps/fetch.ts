import { InvalidResponseError } from '../errors.ts'
import { type Body, readBytes, takeText } from '../fetch/body.ts'
import { pairsOf } from '../fetch/headers.ts'
import { requestOver, Request as StandIn } from '../fetch/request.ts'
import { responseBody } from '../fetch/response.ts'
import type { RequestParts } from '../http/request.ts'
import { bodyAtOnce, type ResponseBody, type ResponseParts } from '../http/response.ts'
import type { Application, LambdaEnv } from './application.ts'

export type FetchHandler = (request: Request, env: LambdaEnv) => Response | Promise<Response>

/** A fetch-style application: Hono or anything else with `fetch`, or a bare function. */
export type FetchApp = FetchHandler | { readonly fetch: FetchHandler }

export function fetchApplication(app: FetchApp): Application {
  const handle: FetchHandler = typeof app === 'function' ? app : (request, env) => app.fetch(request, env)
  return async (request, { event, lambdaContext }) => {
    const requestContext = event.requestContext ?? {}
    return readResponse(await handle(createRequest(request), { event, requestContext, lambdaContext }))
  }
}

/**
 * Makes the `Request` an application gets. Its `url` is `origin + target`, byte for byte, although the URL
 * parser inside Node's `Request` resolves `..` and rewrites quotes. A body of GET or HEAD is left out: a `Request` cannot
 * hold one.
 */
export function createRequest(parts: RequestParts): Request {
  const url = parts.origin + parts.target
  const body = parts.method === 'GET' || parts.method === 'HEAD' ? null : parts.body
  if ((globalThis.Request as unknown) === StandIn) {
    return requestOver(parts.method, url, parts.headers, body) as unknown as Request
  }
  const request = new Request(url, { method: parts.method, headers: Object.fromEntries(parts.headers), body })
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

/** The parts of a `Response`. Throws `InvalidResponseError` for what is none. */
export function readResponse(response: Response): ResponseParts {
  // By shape, not by class: frameworks and polyfills bring responses of their own.
  if (typeof response?.status !== 'number' || typeof response.arrayBuffer !== 'function') {
    throw new InvalidResponseError(
      `The application answered with ${response === null ? 'null' : typeof response}, not with a Response.`,
    )
  }
  const body = responseBody(response)
  return {
    status: response.status,
    headers: pairsOf(response.headers) ?? response.headers,
    body: body === null || body?.source != null ? sourceBody(body) : bodyOf(response),
  }
}

/** The body of a stand-in that has it already, or has none: no stream in between. */
function sourceBody(body: Body | null): ResponseBody {
  return bodyAtOnce(
    () => readBytes(body),
    () => body && takeText(body),
  )
}

function bodyOf(response: Response): ResponseBody {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  async function* chunks() {
    // A response of another class may have no stream, and one that was read before says so here.
    reader = response.bodyUsed ? undefined : response.body?.getReader?.()
    if (!reader) {
      yield new Uint8Array(await response.arrayBuffer())
      return
    }
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield checkChunk(value)
    }
  }
  return {
    // Not by `arrayBuffer`, which nobody could cancel.
    async bytes() {
      const all: Uint8Array[] = []
      for await (const chunk of chunks()) all.push(chunk)
      return Buffer.concat(all)
    },
    chunks,
    cancel() {
      const stream = reader ?? response.body
      stream?.cancel?.().catch(() => {})
    },
  }
}

function checkChunk(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  throw new InvalidResponseError(`The response's body is a stream of ${typeof chunk}s, not of Uint8Arrays.`)
}
