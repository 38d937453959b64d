import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { ConnectionFacts } from './event.ts'
import { frameLimitBytes, frameWatcher } from './frames.ts'

export interface ConnectionLimits {
  /** How long nothing may come or go, in ms: 10 minutes on AWS. */
  readonly idleMs: number
  /** How long a connection may last, in ms: 2 hours on AWS. */
  readonly lifetimeMs: number
}

export interface ConnectionHooks {
  onMessage(text: string): void
  onClose(code: number, reason: string): void
}

/** An open connection. */
export interface Connection {
  readonly facts: ConnectionFacts
  /** When something last came or went, in ms since the epoch. */
  lastActiveAt(): number
  /** Sends a text, or bytes that are none. False when the connection has ended. */
  send(data: Uint8Array | string): Promise<boolean>
  close(code: number, reason: string): void
  /** Cuts it off. */
  destroy(): void
}

/** How long a client may take to answer a close frame. */
const closeGraceMs = 2000

/** Watches over an accepted socket: its limits, what it may send, and its end. */
export function openConnection(
  facts: ConnectionFacts,
  client: WebSocket,
  socket: Duplex,
  limits: ConnectionLimits,
  hooks: ConnectionHooks,
): Connection {
  let active = Date.now()
  let ending: { readonly code: number; readonly reason: string } | null = null

  const end = (code: number, reason: string) => {
    if (ending !== null) return
    ending = { code, reason }
    client.close(code, reason)
    setTimeout(() => client.terminate(), closeGraceMs).unref()
  }
  const goAway = () => end(1001, 'Going away')
  const idle = setTimeout(goAway, limits.idleMs)
  const lifetime = setTimeout(goAway, limits.lifetimeMs)
  const touch = () => {
    active = Date.now()
    idle.refresh()
  }

  const isTooLong = frameWatcher(frameLimitBytes)
  // Before the library's own listener, so that a frame is refused before it is a message.
  socket.prependListener('data', (bytes: Uint8Array) => {
    touch()
    if (ending === null && isTooLong(bytes)) end(1009, 'Message too big')
  })
  client.on('message', (data: Buffer, isBinary: boolean) => {
    if (ending !== null) return
    if (isBinary) end(1003, 'Binary is not supported')
    else hooks.onMessage(data.toString('utf8'))
  })
  // The library closes by itself what breaks the protocol, with the right code; 'close' follows.
  client.on('error', () => {})
  client.on('close', (code: number, reason: Buffer) => {
    clearTimeout(idle)
    clearTimeout(lifetime)
    if (ending !== null) hooks.onClose(ending.code, ending.reason)
    else hooks.onClose(code, reason.length > 0 ? reason.toString('utf8') : (reasons[code] ?? ''))
  })

  return {
    facts,
    lastActiveAt: () => active,
    send: (data) =>
      new Promise((resolve) => {
        if (ending !== null || client.readyState !== client.OPEN) return resolve(false)
        touch()
        client.send(data, { binary: typeof data !== 'string' }, (error) => resolve(!error))
      }),
    close: end,
    destroy: () => client.terminate(),
  }
}

/** What API Gateway says where the client said nothing; the second is our wording. */
const reasons: Readonly<Record<number, string>> = {
  1005: 'Client-side close frame status not set',
  1006: 'Connection closed abnormally',
}
