import { Agent, type IncomingHttpHeaders, request } from 'node:http'

export interface NextInvocation {
  readonly headers: IncomingHttpHeaders
  /** JSON. */
  readonly event: string
}

/** What a runtime says to Lambda; every function rejects when the other side is gone. */
export interface RuntimeClient {
  next(): Promise<NextInvocation>
  respond(requestId: string, body: string): Promise<void>
  fail(requestId: string, error: FunctionError): Promise<void>
  failInit(error: FunctionError): Promise<void>
}

/** The shape in which Node's runtime reports an error. */
export interface FunctionError {
  readonly errorType: string
  readonly errorMessage: string
  readonly trace: readonly string[]
}

/**
 * A client of the Runtime API, version 2018-06-01, at `host:port`. One connection, kept open: `fetch` would cost
 * 24 ms of every cold start.
 */
export function createRuntimeClient(address: string): RuntimeClient {
  const [host, port] = address.split(':')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })

  const call = (method: string, path: string, body: string, headers: Record<string, string> = {}) =>
    new Promise<NextInvocation>((resolve, reject) => {
      const bytes = Buffer.from(body)
      const options = {
        host,
        port,
        agent,
        method,
        path: `/2018-06-01/runtime/${path}`,
        headers:
          method === 'GET'
            ? headers
            : { ...headers, 'content-type': 'application/json', 'content-length': bytes.length },
      }
      const outgoing = request(options, (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({ headers: incoming.headers, event: Buffer.concat(chunks).toString() }),
        )
      })
      outgoing.on('error', reject)
      outgoing.end(bytes)
    })

  const post = async (path: string, body: string, headers?: Record<string, string>) => {
    await call('POST', path, body, headers)
  }
  const postError = (path: string, error: FunctionError) =>
    post(path, JSON.stringify(error), {
      'lambda-runtime-function-error-type': error.errorType.replaceAll(/[^\x20-\x7e]/g, '?'),
    })

  return {
    next: () => call('GET', 'invocation/next', ''),
    respond: (requestId, body) => post(`invocation/${requestId}/response`, body),
    fail: (requestId, error) => postError(`invocation/${requestId}/error`, error),
    failInit: (error) => postError('init/error', error),
  }
}
