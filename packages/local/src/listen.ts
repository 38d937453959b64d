import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LocalError } from './errors.ts'
import type { Log } from './log.ts'

export interface ListenOptions {
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
  /** What listens, for people: `the S3 server`. */
  readonly what: string
  readonly log: Log
}

/**
 * Has a server listen, and gives the address by which this machine reaches it: `http://127.0.0.1:3000`. What goes wrong
 * with the server later (no file descriptor is left for a connection) goes to the log.
 *
 * Throws `LocalError` `PORT_IN_USE` or `LISTEN_FAILED`.
 */
export async function listen(server: Server, { host, port, what, log }: ListenOptions): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(listenError(error, { host, port, what }))
    server.once('error', fail)
    server.listen(port, host, () => {
      server.off('error', fail)
      resolve()
    })
  })
  server.on('error', (error) => log(`${what}: ${error.message}`, 'simulator'))
  const address = server.address() as AddressInfo
  return `http://${reachable(host)}:${address.port}`
}

/** Ends a server and every connection to it. */
export function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** An address that stands for all of them is none to connect to. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}

function listenError(
  error: NodeJS.ErrnoException,
  { host, port, what }: Omit<ListenOptions, 'log'>,
): LocalError {
  const cause = { cause: error }
  if (error.code === 'EADDRINUSE') {
    const message = `port ${port} of ${host} is in use; choose another one for ${what}, or 0 for any that is free`
    return new LocalError('PORT_IN_USE', message, cause)
  }
  const message = `${what} cannot listen on port ${port} of ${host}: ${error.message}`
  return new LocalError('LISTEN_FAILED', message, cause)
}
