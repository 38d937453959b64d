import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface CountingProxy {
  /** `http://127.0.0.1:port`. */
  readonly endpoint: string
  /** Methods of the requests that went through, in order. */
  readonly requests: string[]
  close(): void
}

/** Stands between one client and a server, and changes nothing, so that signatures hold. */
export async function startCountingProxy(upstream: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(upstream)
  const agent = new Agent({ keepAlive: true })
  const requests: string[] = []
  const server = createServer((incoming, response) => {
    requests.push(incoming.method ?? '')
    const { method, url: path, headers } = incoming
    const outgoing = request({ hostname, port, method, path, headers, agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.destroy())
    incoming.pipe(outgoing)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close() {
      agent.destroy()
      server.closeAllConnections()
      server.close()
    },
  }
}
