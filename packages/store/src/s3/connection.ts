import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http'
import type { Socket } from 'node:net'
import { join, totalLength } from '../bytes.ts'
import type { S3Address } from './address.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

export type ConnectionFault =
  /** No connection came about: nothing was sent. */
  | 'unreachable'
  /** A kept connection turned out to be dead before a byte of the answer came. */
  | 'stale'
  /** The answer did not come, or not whole. */
  | 'broken'
  | 'aborted'

export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  readonly fault: ConnectionFault

  constructor(fault: ConnectionFault, message: string, cause: unknown) {
    super(message, { cause })
    this.fault = fault
  }
}

export interface Connection {
  /** One request, sent once. Throws `ConnectionError` unless the whole answer arrived. */
  send(
    request: Pick<RequestOptions, 'method' | 'path' | 'headers'>,
    body: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<Answer>
  /** Drops the connections that nobody uses. */
  dropIdle(): void
  close(): void
}

export interface ConnectionOptions {
  readonly connectTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly now: () => number
}

/** Older than this by the wall clock, a kept connection is likely dead: the process may have been frozen. */
const keepMs = 5_000
/** Bodies up to this size leave in one piece with their headers. */
const smallBody = 65_536

/** Kept-alive connections to one address. */
export function connectTo(address: S3Address, options: ConnectionOptions): Connection {
  const settings = { keepAlive: true, maxSockets: 128, scheduling: 'lifo' } as const
  // Not by import: that looks at all exports of node:http, and with WebSocket loads the built-in fetch, which
  // would add some 15 ms to every cold start.
  const { Agent, request: open } = process.getBuiltinModule(address.secure ? 'node:https' : 'node:http')
  const agent = new Agent(settings)
  const established = new WeakSet<Socket>()
  /** When a connection last carried an answer. */
  const usedAt = new WeakMap<Socket, number>()

  function drop(condition: (socket: Socket) => boolean): void {
    for (const sockets of Object.values(agent.freeSockets))
      for (const socket of [...(sockets ?? [])]) if (condition(socket)) socket.destroy()
  }

  function dropOld(): void {
    const now = options.now()
    drop((socket) => {
      const age = now - (usedAt.get(socket) ?? 0)
      return age < 0 || age > keepMs
    })
  }

  function send(
    request: Pick<RequestOptions, 'method' | 'path' | 'headers'>,
    body: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<Answer> {
    dropOld()
    return new Promise((resolve, reject) => {
      let socket: Socket | null = null
      let answering = false
      let timer: NodeJS.Timeout | undefined

      const outgoing: ClientRequest = open({
        ...request,
        hostname: address.hostname,
        port: address.port,
        agent,
        timeout: options.idleTimeoutMs,
      })

      const abort = () =>
        outgoing.destroy(new ConnectionError('aborted', 'ended by the caller', signal?.reason))
      signal?.addEventListener('abort', abort)
      if (signal?.aborted) abort()

      const settle = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
      }
      const fail = (error: unknown) => {
        settle()
        reject(error instanceof ConnectionError ? error : new ConnectionError(fault(), text(error), error))
      }
      const fault = (): ConnectionFault => {
        if (!socket || !established.has(socket)) return 'unreachable'
        return usedAt.has(socket) && !answering ? 'stale' : 'broken'
      }

      outgoing.on('socket', (given) => {
        socket = given
        if (established.has(given)) return
        timer = setTimeout(() => {
          const message = `no connection within ${options.connectTimeoutMs} ms`
          outgoing.destroy(new ConnectionError('unreachable', message, undefined))
        }, options.connectTimeoutMs)
        given.once(address.secure ? 'secureConnect' : 'connect', () => {
          established.add(given)
          clearTimeout(timer)
        })
      })
      outgoing.on('timeout', () => {
        if (!socket || !established.has(socket)) return // the other timer's matter
        const message = `the connection stood still for ${options.idleTimeoutMs} ms`
        outgoing.destroy(new ConnectionError('broken', message, undefined))
      })
      outgoing.on('error', fail)
      outgoing.on('response', (incoming) => {
        answering = true
        collect(incoming, request.method ?? 'GET').then((answer) => {
          settle()
          if (socket) usedAt.set(socket, options.now())
          resolve(answer)
        }, fail)
      })

      if (totalLength(body) <= smallBody) outgoing.end(join(body))
      else {
        for (const part of body) outgoing.write(part)
        outgoing.end()
      }
    })
  }

  return {
    send,
    dropIdle: () => drop(() => true),
    close() {
      // Those that are still in use end after their answer.
      agent.maxFreeSockets = 0
      drop(() => true)
    },
  }
}

function collect(incoming: IncomingMessage, method: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = []
    incoming.on('data', (part: Uint8Array) => parts.push(part))
    incoming.on('error', reject)
    incoming.on('end', () => {
      const body = join(parts)
      const promised = incoming.headers['content-length']
      if (
        !incoming.complete ||
        (promised !== undefined && method !== 'HEAD' && body.length !== Number(promised))
      ) {
        const message = `the answer was cut short: ${body.length} of ${promised ?? '?'} bytes`
        reject(new ConnectionError('broken', message, undefined))
        return
      }
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body })
    })
  })
}

function text(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(text).join(', ')
  return error instanceof Error ? error.message : String(error)
}
