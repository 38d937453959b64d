import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

export interface FaultyProxy {
  /** The same database, by way of the proxy. */
  readonly url: string
  /** How many connections were made so far. */
  readonly connections: number
  /** Breaks the connection at the next message that contains `text`: before the server has it, or before its answer. */
  breakAt(text: string, when: 'before' | 'after'): void
  /** Passes nothing on any more, and tells nobody, as a network does that forgot a connection. */
  silence(): void
  /** Takes no new connections any more. */
  refuse(): void
  close(): Promise<void>
}

/**
 * Stands between a client and a PostgreSQL server.
 * @param port where to listen, a free one when absent
 */
export async function startProxy(target: string, port = 0): Promise<FaultyProxy> {
  const { hostname, port: serverPort } = new URL(target)
  const sockets = new Set<Socket>()
  let fault: { text: string; when: 'before' | 'after' } | null = null
  let connections = 0
  let pairs: { silent: boolean }[] = []

  const server = createServer((client) => {
    const upstream = connect(Number(serverPort), hostname)
    const pair = { silent: false }
    let swallow = false
    connections++
    pairs.push(pair)
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', end)
      socket.on('close', () => sockets.delete(socket))
    }
    client.on('data', (data) => {
      if (pair.silent) return
      if (fault && data.includes(fault.text)) {
        const { when } = fault
        fault = null
        if (when === 'before') return end()
        swallow = true
      }
      upstream.write(data)
    })
    upstream.on('data', (data) => {
      if (pair.silent) return
      if (swallow) return end()
      client.write(data)
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    get connections() {
      return connections
    },
    breakAt(text, when) {
      fault = { text, when }
    },
    silence() {
      for (const pair of pairs) pair.silent = true
      pairs = []
    },
    refuse() {
      server.close()
    },
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => {
        server.close(() => resolve())
      })
    },
  }
}
