import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { requestLimitBytes } from '../limits.ts'

/** A request as it came over the wire. */
export interface WireRequest {
  readonly method: string
  /** As sent: percent-encoded, without the query; begins with `/`. */
  readonly path: string
  /** As sent, without the `?`; empty when there is none. */
  readonly query: string
  /** `HTTP/1.1`. */
  readonly protocol: string
  /** Names and values in turn, as sent. */
  readonly headers: readonly string[]
  readonly body: Uint8Array
  readonly clientAddress: string
  /** The port that it came in by. */
  readonly port: number
}

/** Reads a request to its end; null when its body is over the limit of an HTTP API (10 MB). */
export async function readRequest(incoming: IncomingMessage): Promise<WireRequest | null> {
  const body = await readBody(incoming)
  if (body === null) return null
  // A client may send the whole address ('GET http://host/path'), as to a proxy.
  const target = (incoming.url ?? '/').replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  return {
    method: incoming.method ?? 'GET',
    path: path.startsWith('/') ? path : `/${path}`,
    query: mark < 0 ? '' : target.slice(mark + 1),
    protocol: `HTTP/${incoming.httpVersion}`,
    headers: incoming.rawHeaders.map(decodeHeader),
    body,
    clientAddress: (incoming.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    port: incoming.socket.localPort ?? 0,
  }
}

/** Node reads header bytes as Latin-1. An event is JSON, where they are text: that of UTF-8, if they are that. */
export function decodeHeader(text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : text
}

async function readBody(incoming: IncomingMessage): Promise<Uint8Array | null> {
  if (Number(incoming.headers['content-length'] ?? 0) > requestLimitBytes) return null
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > requestLimitBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}
