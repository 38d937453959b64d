import { transferBody } from './body.ts'
import { nativeFetch } from './native.ts'
import { Request, type RequestState, requestState } from './request.ts'

/** The runtime's own `fetch`, which takes stand-ins too. */
export function fetch(input: unknown, init?: unknown): Promise<globalThis.Response> {
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
    body: sent && (sent.source ?? sent.stream),
    signal: follows,
    duplex: 'half',
  } as RequestInit)
}
