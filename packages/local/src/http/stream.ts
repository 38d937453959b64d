import type { ServerResponse } from 'node:http'
import type { Outcome } from '../environment/outcome.ts'
import { MalformedAnswer } from './gateway.ts'

/** Says that a streamed answer begins with JSON and eight NUL bytes. */
const withPrelude = 'application/vnd.awslambda.http-integration-response'

const separator = Buffer.alloc(8)

type StreamedResponse = NonNullable<Outcome['stream']>

/** A streamed answer whose beginning is there. */
export interface OpenStream {
  /** The JSON before the body; null when the stream has none. */
  readonly prelude: string | null
  readonly contentType: string
  /** Throws when the stream breaks off. */
  readonly body: AsyncIterable<Uint8Array>
}

/**
 * Waits for the beginning of a streamed answer: what stands before its body, or the first of its bytes. Throws what
 * the stream throws, and `MalformedAnswer` when the beginning does not end within `limitBytes`.
 */
export async function openStream(stream: StreamedResponse, limitBytes: number): Promise<OpenStream> {
  const { contentType } = stream
  const chunks = stream.body[Symbol.asyncIterator]()
  if (contentType.toLowerCase() !== withPrelude) {
    const first = await chunks.next()
    return { prelude: null, contentType, body: chain(first.done === true ? null : first.value, chunks) }
  }
  let head: Buffer = Buffer.alloc(0)
  for (;;) {
    const next = await chunks.next()
    if (next.done === true) throw new MalformedAnswer('the stream ended before its body began')
    head = Buffer.concat([head, next.value])
    const end = head.indexOf(separator)
    if (end >= 0 && end <= limitBytes) {
      const rest = head.subarray(end + separator.length)
      return { prelude: head.toString('utf8', 0, end), contentType, body: chain(rest, chunks) }
    }
    if (head.length < limitBytes + separator.length) continue
    void discard({ body: { [Symbol.asyncIterator]: () => chunks } })
    throw new MalformedAnswer(`what stands before the streamed body has more than ${limitBytes} bytes`)
  }
}

async function* chain(first: Uint8Array | null, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first !== null && first.length > 0) yield first
  for (;;) {
    const next = await rest.next()
    if (next.done === true) return
    yield next.value
  }
}

/** Reads a stream that nobody wants to its end: the function runs on, as on Lambda. */
export async function discard(stream: { readonly body: AsyncIterable<Uint8Array> }): Promise<void> {
  try {
    for await (const _ of stream.body);
  } catch {
    // Nobody is left to be told.
  }
}

/**
 * Sends a body as fast as the client takes it; what comes after the client is gone is read and dropped. When the body
 * breaks off, so does the connection, without the end that would make the answer look whole, and its error is thrown.
 */
export async function sendStream(response: ServerResponse, body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of body) {
      if (!response.destroyed && !response.write(chunk)) await drained(response)
    }
    response.end()
  } catch (error) {
    breakOff(response)
    throw error
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

/** What was written already gets to the client. An answer without chunks ends by its connection: that must break. */
function breakOff(response: ServerResponse): void {
  const { socket } = response
  if (response.req.httpVersion === '1.0') socket?.resetAndDestroy()
  else socket?.destroySoon()
}
