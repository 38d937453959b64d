import type { Writable } from 'node:stream'
import { ResponseTooLargeError, StreamClosedError } from './errors.ts'
import { fixedBody, type ResponseBody } from './http/response.ts'
import type { LambdaContext } from './invocation.ts'

/** The stream to which a streaming function writes its answer: what Lambda's runtime hands out. */
export interface ResponseStream extends Writable {
  setContentType(type: string): void
}

export type StreamHandler = (
  event: unknown,
  responseStream: ResponseStream,
  context: LambdaContext,
) => Promise<void>

/** What Lambda's Node runtime puts into the global `awslambda`. */
interface StreamingRuntime {
  streamifyResponse(handler: StreamHandler): unknown
}

/** The streaming side of the runtime; null where there is none, as in tests. */
export function streamingRuntime(): StreamingRuntime | null {
  const { awslambda } = globalThis as { awslambda?: Partial<StreamingRuntime> }
  return typeof awslambda?.streamifyResponse === 'function' ? (awslambda as StreamingRuntime) : null
}

/** The largest streamed answer that Lambda takes, in bytes. */
const streamLimitBytes = 200 * 1024 * 1024

/** Writes an answer that is whole already, for whoever invoked a streaming function without a front that streams. */
export async function writeWhole(stream: ResponseStream, answer: object): Promise<void> {
  stream.setContentType('application/json')
  await writeAll(stream, [], fixedBody(Buffer.from(JSON.stringify(answer))))
}

/**
 * Writes a head, then a body as fast as the stream takes it. Rejects with what the body throws, with
 * `StreamClosedError` when the stream ends early, with the reason of `signal`, and with `ResponseTooLargeError`; the
 * stream is then left open, so that the runtime can tell the front that the answer broke off.
 *
 * The format is Lambda's `application/vnd.awslambda.http-integration-response`: JSON, eight NUL bytes, the body. It
 * is written here and not by `HttpResponseStream.from`, which leaves it out when the body is empty.
 */
export async function writeStreamed(
  stream: ResponseStream,
  head: object,
  body: ResponseBody,
  signal: AbortSignal,
): Promise<void> {
  stream.setContentType('application/vnd.awslambda.http-integration-response')
  await writeAll(stream, [Buffer.from(JSON.stringify(head)), Buffer.alloc(8)], body, signal)
}

/** Writes a body as `writeStreamed` does, to a response of Node, whose head does not wait for the first bytes. */
export async function writeBody(stream: Writable, body: ResponseBody, signal: AbortSignal): Promise<void> {
  // Not by `flushHeaders`, which encodes the characters that stand for bytes.
  await writeAll(stream, [Buffer.of()], body, signal)
}

async function writeAll(
  stream: Writable,
  first: Uint8Array[],
  body: ResponseBody,
  signal?: AbortSignal,
): Promise<void> {
  let closed: Error | null = null
  let wake = () => {}
  const breakOff = (error: Error) => {
    closed ??= error
    body.cancel()
    wake()
  }
  const onClose = (error?: Error) => breakOff(new StreamClosedError(error))
  const onAbort = () => breakOff(signal?.reason)
  signal?.addEventListener('abort', onAbort)
  const onDrain = () => wake()
  stream.on('close', onClose).on('error', onClose).on('drain', onDrain)
  // One that was closed before says so no more.
  if (stream.destroyed) onClose()

  const write = async (chunk: Uint8Array) => {
    if (closed) throw closed
    const drained = new Promise<void>((resolve) => {
      wake = resolve
    })
    if (!stream.write(chunk)) await drained
    if (closed) throw closed
  }
  try {
    if (first.length > 0) await write(Buffer.concat(first))
    let size = 0
    for await (const chunk of body.chunks()) {
      size += chunk.byteLength
      if (size > streamLimitBytes) throw new ResponseTooLargeError(size, streamLimitBytes, 'a stream')
      await write(chunk)
    }
    if (closed) throw closed
    stream.end()
  } catch (error) {
    body.cancel()
    // What the body threw because it was cancelled is no reason.
    throw closed ?? error
  } finally {
    // Not the one for errors: what the runtime meets afterwards would end the process.
    stream.off('close', onClose).off('drain', onDrain)
    signal?.removeEventListener('abort', onAbort)
  }
}
