/** An answer with its JSON. */
export interface Answer {
  status: number
  type: string | null
  // What an answer holds is what the tests are about: they check it, not the compiler.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  json: any
}

export interface Client {
  get(path: string): Promise<Answer>
  /** A body that is no text or bytes is sent as JSON. */
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
}

/** Requests to a running application; `path` is sent as it is. */
export function client(url: string): Client {
  const send = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(url.replace(/\/$/, '') + path, init)
    const text = await response.text()
    const type = response.headers.get('content-type')
    if (!type?.includes('json')) throw new Error(`${init.method} ${path}: ${response.status} ${type} ${text}`)
    return { status: response.status, type, json: JSON.parse(text) }
  }
  return {
    get: (path) => send(path, { method: 'GET' }),
    post: (path, body, headers = {}) =>
      send(path, {
        method: 'POST',
        ...(body !== undefined && {
          body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
        }),
        headers: { 'content-type': 'application/json', ...headers },
      }),
  }
}
