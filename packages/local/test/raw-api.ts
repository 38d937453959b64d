import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One POST of a runtime. `body` goes on while it is read. */
export interface Post {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly message: IncomingMessage
  accept(): void
}

/** The Runtime API with nothing behind it: a test gives every event and takes every POST. */
export interface RawApi {
  readonly address: string
  /** Answers the runtime's `next`, as soon as it asks. */
  give(event: unknown, headers?: Readonly<Record<string, string>>): Promise<void>
  /** The next POST, as soon as its head is there. */
  taken(): Promise<Post>
  close(): void
}

export async function startRawApi(): Promise<RawApi> {
  const asking = queue<ServerResponse>()
  const posts = queue<Post>()
  const server = createServer((message, response) => {
    const path = (message.url ?? '').replace('/2018-06-01/runtime/', '')
    if (message.method === 'GET') asking.put(response)
    else posts.put({ path, headers: message.headers, message, accept: () => reply(response, 202, '{}') })
  })
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async give(event, headers = {}) {
      const response = await asking.take()
      reply(response, 200, JSON.stringify(event), {
        'lambda-runtime-aws-request-id': 'request-1',
        'lambda-runtime-deadline-ms': String(Date.now() + 30_000),
        ...headers,
      })
    },
    taken: posts.take,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** With its length, as every answer of the Runtime API. */
function reply(
  response: ServerResponse,
  status: number,
  body: string,
  headers: OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}

function queue<T>() {
  const things: T[] = []
  const takers: ((thing: T) => void)[] = []
  return {
    put(thing: T) {
      const taker = takers.shift()
      if (taker === undefined) things.push(thing)
      else taker(thing)
    },
    take: () =>
      new Promise<T>((resolve) => {
        const thing = things.shift()
        if (thing === undefined) takers.push(resolve)
        else resolve(thing)
      }),
  }
}
