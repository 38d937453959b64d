import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'

/** First line and headers of a request as they came over the wire. */
export interface WireHead {
  readonly method: string
  /** As sent: percent-encoded, without the query; begins with `/`. */
  readonly path: string
  /** As sent, without the `?`; empty when there is none. */
  readonly query: string
  /** `HTTP/1.1`. */
  readonly protocol: string
  /** Names and values in turn, as sent. */
  readonly headers: readonly string[]
  /** With its port; empty when the client named none. */
  readonly host: string
  readonly clientAddress: string
  /** The port that it came in by. */
  readonly port: number
}

/** A request as it came over the wire. */
export interface WireRequest extends WireHead {
  readonly body: Uint8Array
}

export function readHead(incoming: IncomingMessage): WireRequest {
  // A client may send the whole address ('GET http://host/path'), as to a proxy.
  const url = incoming.url ?? '/'
  const target = url.startsWith('/') ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  return {
    method: incoming.method ?? 'GET',
    path: path.startsWith('/') ? path : `/${path}`,
    query: mark < 0 ? '' : target.slice(mark + 1),
    protocol: `HTTP/${incoming.httpVersion}`,
    headers: incoming.rawHeaders.map(decodeHeader),
    host: incoming.headers.host ?? '',
    body: noBody,
    clientAddress: (incoming.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    port: incoming.socket.localPort ?? 0,
  }
}

const noBody = new Uint8Array()

/** Node reads header bytes as Latin-1. An event is JSON, where they are text: that of UTF-8, if they are that. */
export function decodeHeader(text: string): string {
  if (!/[\x80-\xff]/.test(text)) return text
  const bytes = Buffer.from(text, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : text
}

/** Whether the client says that its body is larger than that. A body in chunks has no size yet. */
export function isAnnouncedLarger({ headers }: IncomingMessage, limitBytes: number): boolean {
  return Number(headers['content-length'] ?? 0) > limitBytes
}

/** Reads the body to its end; null when it is larger than `limitBytes`, and the rest of it is not read then. */
export async function readBody(incoming: IncomingMessage, limitBytes: number): Promise<Uint8Array | null> {
  const { headers } = incoming
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return noBody
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > limitBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}
