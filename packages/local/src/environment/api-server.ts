import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Answers what belongs to it; false for what does not. */
export type ApiHandler = (request: IncomingMessage, response: ServerResponse) => boolean

/** Where the runtime and the extensions of one environment find their APIs. */
export interface ApiServer {
  /** `host:port`, for `AWS_LAMBDA_RUNTIME_API`. */
  readonly address: string
  close(): void
}

/** Serves these APIs on a loopback port of their own. */
export async function startApiServer(apis: readonly ApiHandler[]): Promise<ApiServer> {
  const server = createServer((request, response) => {
    if (apis.some((answer) => answer(request, response))) return
    refuse(response, 404, 'NotFound', `${request.method} ${request.url} is in no API of an environment`)
  })
  // A connection rests for as long as the function works; Node's five seconds would cut it off.
  server.keepAliveTimeout = 0
  server.requestTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** The body, or null when it has more than `limitBytes`. Rejects when the other side goes away. */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= limitBytes) chunks.push(chunk)
    })
    request.on('error', reject)
    request.on('end', () => resolve(bytes > limitBytes ? null : Buffer.concat(chunks).toString('utf8')))
  })
}

export function accept(response: ServerResponse): void {
  sendJson(response, 202, '{"status":"OK"}')
}

export function refuse(
  response: ServerResponse,
  status: number,
  errorType: string,
  errorMessage: string,
): void {
  sendJson(response, status, JSON.stringify({ errorType, errorMessage }))
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = Buffer.from(body)
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers })
    .end(bytes)
}
