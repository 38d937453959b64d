import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { inspect } from 'node:util'
import { LocalError } from '../errors.ts'
import { close, listen } from '../listen.ts'
import type { Log } from '../log.ts'
import { isForeign } from '../origin.ts'
import { endUnread } from '../unread.ts'

/** A request to one of the services, read to its end. */
export interface AwsRequest {
  readonly method: string
  /** As sent: percent-encoded, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Aborted when the client has gone away before it was answered. */
  readonly signal: AbortSignal
}

export interface AwsResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Pieces are sent as they come. */
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array>
}

/** Answers requests to one service; null for those to another. */
export type Service = (request: AwsRequest) => Promise<AwsResponse | null> | null

export interface AwsServerOptions {
  readonly host: string
  /** Any that is free when it is 0 or taken. */
  readonly port: number
  readonly log: Log
}

/** What stands for AWS's own endpoints, one port for all services but S3, whose paths are its buckets. */
export interface AwsServer {
  /** `http://127.0.0.1:4100`. */
  readonly url: string
  readonly server: Server
  /** Requests go to the first that answers. */
  serve(service: Service): void
  close(): Promise<void>
}

/** The largest body that a service takes (Lambda, 6 MB), and room to say clearly what was too large. */
const bodyLimitBytes = 16 * 1024 * 1024

/** Throws `LocalError` `LISTEN_FAILED`. */
export async function startAwsServer({ host, port, log }: AwsServerOptions): Promise<AwsServer> {
  const services: Service[] = []
  const server = createServer((incoming, response) => {
    answer(services, incoming, response).catch((error: unknown) => {
      // A client that went away within its request has nobody to answer. One that was read to its end is destroyed too.
      const left = incoming.destroyed && !incoming.complete
      const closed = error instanceof LocalError && error.code === 'CLOSED'
      if (!closed && !left) log(`${incoming.method} ${incoming.url}: ${inspect(error)}`, 'simulator')
      response.destroy()
    })
  })
  const listenOn = (on: number) => listen(server, { host, port: on, what: 'the AWS endpoint', log })
  const url = await listenOn(port).catch((error: LocalError) => {
    if (error.code !== 'PORT_IN_USE' || port === 0) throw error
    return listenOn(0)
  })
  return { url, server, serve: (service) => void services.push(service), close: () => close(server) }
}

async function answer(services: readonly Service[], incoming: IncomingMessage, response: ServerResponse) {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const refuse = (status: number) =>
    endUnread(response.writeHead(status, { connection: 'close', 'content-length': 0 }), Buffer.alloc(0))
  if (isForeign(incoming.headers.origin)) return refuse(403)
  const body = await readBody(incoming)
  if (body === null) return refuse(413)
  const [path = '/', query = ''] = (incoming.url ?? '/').split(/\?(.*)/s)
  const { method = 'GET', headers } = incoming
  const request = { method, path, query: new URLSearchParams(query), headers, body, signal: gone.signal }
  for (const service of services) {
    const found = await service(request)
    if (found === null) continue
    await send(response, found)
    return
  }
  const message = `${request.method} ${path} is no request that the simulator answers`
  await send(response, {
    status: 404,
    headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'UnknownOperationException' },
    body: JSON.stringify({ message }),
  })
}

async function send(response: ServerResponse, { status, headers, body }: AwsResponse): Promise<void> {
  if (typeof body === 'string' || body instanceof Uint8Array) {
    const bytes = Buffer.from(body as string)
    response
      .writeHead(status, { ...headers, ...(status === 204 ? {} : { 'content-length': bytes.length }) })
      .end(bytes)
    return
  }
  response.writeHead(status, headers)
  for await (const piece of body) {
    if (response.destroyed) return
    if (!response.write(piece))
      await new Promise((resolve) => response.once('drain', resolve).once('close', resolve))
  }
  response.end()
}

async function readBody(incoming: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bodyLimitBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}
