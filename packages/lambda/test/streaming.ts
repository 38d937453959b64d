import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { vi } from 'vitest'
import type { LambdaContext } from '../src/index.ts'
import { lambdaContext } from './events.ts'

/** What Lambda receives of a function that streams. */
export interface Streamed {
  contentType: string | undefined
  /** The JSON before the eight NUL bytes; undefined where there are none. */
  head: Record<string, unknown> | undefined
  body: Buffer
  /** The error that the runtime sent behind the body. */
  error: string | undefined
}

type Handler = (event: unknown, stream: unknown, context: LambdaContext) => Promise<void>

/** Lets `serve` find what Lambda's Node runtime provides, until `vi.unstubAllGlobals`. */
export function stubRuntime(): void {
  vi.stubGlobal('awslambda', { streamifyResponse: (handler: Handler) => handler })
}

/**
 * Invokes a streaming handler as the runtime does: its stream is the body of a chunked request to Lambda, and an
 * error ends that body with trailers.
 */
export async function invokeStreaming(
  handler: unknown,
  event: unknown,
  context = lambdaContext(),
): Promise<Streamed> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    const received = once(server, 'request').then(async ([incoming, response]) => {
      const bytes = await buffer(incoming as IncomingMessage)
      response.end()
      return read(incoming as IncomingMessage, bytes)
    })
    const { port } = server.address() as AddressInfo
    const outgoing = request({
      port,
      method: 'POST',
      headers: { Trailer: 'Lambda-Runtime-Function-Error-Type', 'Content-Type': 'application/octet-stream' },
    })
    const stream = Object.assign(outgoing, {
      setContentType: (type: string) => outgoing.setHeader('content-type', type),
    })
    const done = once(outgoing, 'response')
    try {
      await (handler as Handler)(event, stream, context)
    } catch (error) {
      outgoing.addTrailers({ 'Lambda-Runtime-Function-Error-Type': (error as Error).name })
      outgoing.end()
    }
    await done
    return await received
  } finally {
    server.closeAllConnections()
    await once(server.close(), 'close')
  }
}

function read(incoming: IncomingMessage, bytes: Buffer): Streamed {
  const contentType = incoming.headers['content-type']
  const error = incoming.trailers['lambda-runtime-function-error-type']
  const end = bytes.indexOf(Buffer.alloc(8))
  if (contentType !== 'application/vnd.awslambda.http-integration-response' || end < 0) {
    return { contentType, head: undefined, body: bytes, error }
  }
  return {
    contentType,
    head: JSON.parse(bytes.subarray(0, end).toString()),
    body: bytes.subarray(end + 8),
    error,
  }
}
