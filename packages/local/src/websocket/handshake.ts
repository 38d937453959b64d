import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WholeOutcome } from '../environment/whole.ts'

/** What the function behind `$connect` made of a client. */
export interface Verdict {
  /** 2xx takes the client in; anything else is what it is refused with. */
  readonly status: number
  /** The subprotocol that the function chose. */
  readonly protocol: string | null
  readonly body: string
}

/**
 * Whether a request to upgrade is one that a WebSocket server can take, so that no function lets in who cannot come in.
 *
 * Source: RFC 6455, section 4.2.1.
 */
export function isHandshake({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '') &&
    headers['sec-websocket-version'] === '13'
  )
}

/** Reads the answer of `$connect`. What is no answer with a status is 502, as a failed function is. */
export function readVerdict(outcome: WholeOutcome): Verdict {
  const answer = outcome.functionError === null ? parse(String(outcome.payload)) : {}
  const status = Number(answer.statusCode)
  if (!Number.isInteger(status) || status < 200 || status > 599)
    return { status: 502, protocol: null, body: '' }
  const headers = Object.entries(Object(answer.headers) as Record<string, unknown>)
  const [, protocol = null] = headers.find(([name]) => name.toLowerCase() === 'sec-websocket-protocol') ?? []
  return {
    status,
    protocol: typeof protocol === 'string' ? protocol : null,
    body: typeof answer.body === 'string' ? answer.body : '',
  }
}

function parse(payload: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(payload))
  } catch {
    return {}
  }
}

/** Answers a request to upgrade with a refusal, and ends its connection: also of a client that leaves its side open. */
export function refuse(socket: Duplex, status: number, body: string): void {
  const text = Buffer.from(body)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`,
    'content-type: application/json',
    `content-length: ${text.length}`,
    'connection: close',
  ]
  socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), text]), () => socket.destroy())
}
