import { copyOf, type Source, transferBody } from './body.ts'
import { nativeFetch } from './native.ts'
import { Request, requestState } from './request.ts'
import type { RequestState } from './request-state.ts'

/** The runtime's own `fetch`, which takes stand-ins too. */
export function fetch(input: unknown, init: unknown = undefined): Promise<globalThis.Response> {
  // All else that it is given it knows by its shape.
  return requestState(input) ? send(input, init) : nativeFetch(input as string, init as RequestInit)
}

async function send(input: unknown, init: unknown): Promise<globalThis.Response> {
  const { method, url, headers, body, settings, follows } = requestState(
    new Request(input, init),
  ) as RequestState
  const sent = body && transferBody(body)
  return nativeFetch(url, {
    ...settings,
    method,
    headers: [...headers],
    body: sent && (sent.source === null ? sent.stream : withoutType(sent.source)),
    signal: follows,
    duplex: 'half',
  } as RequestInit)
}

/** The same bytes as what no content type comes of: the request has its own already, or none. */
function withoutType(source: Source): Uint8Array | Blob {
  if (typeof source === 'string') return copyOf(source)
  return 'stream' in source ? new Blob([source]) : source
}
