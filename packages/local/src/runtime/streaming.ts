import type { ClientRequest } from 'node:http'
import type { Writable } from 'node:stream'

/** What a streaming function writes its answer to. */
export interface ResponseStream extends Writable {
  /** Throws once something was written. */
  setContentType(type: string): void
  _onBeforeFirstWrite?: ((write: (chunk: string | Uint8Array) => void) => void) | undefined
}

/** How `streamifyResponse` marks a handler: the symbols that Lambda's runtime looks for. */
const streaming = Symbol.for('aws.lambda.runtime.handler.streaming')
const highWaterMark = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')

interface Marked {
  [streaming]?: unknown
  [highWaterMark]?: unknown
}

/** How a handler wants to stream; null for one that does not. */
export function streamingOf(handler: object): { readonly highWaterMark: number | undefined } | null {
  const marks = handler as Marked
  if (marks[streaming] === undefined) return null
  const mark = Number.parseInt(String(marks[highWaterMark]), 10)
  return { highWaterMark: Number.isNaN(mark) ? undefined : mark }
}

/** The global `awslambda` of Lambda's Node runtime, which handlers use while they are loaded. */
export const awslambda = {
  streamifyResponse<T extends object>(handler: T, options?: { readonly highWaterMark?: number }): T {
    const marks = handler as Marked
    marks[streaming] = 'response'
    marks[highWaterMark] = options?.highWaterMark
    return handler
  },

  HttpResponseStream: {
    /**
     * Puts status, headers and cookies before the body: JSON, then eight NUL bytes. As on Lambda they go out with
     * the first `write`, so an answer that ends without one has none.
     */
    from(stream: ResponseStream, prelude: unknown): ResponseStream {
      stream.setContentType('application/vnd.awslambda.http-integration-response')
      stream._onBeforeFirstWrite = (write) => {
        write(JSON.stringify(prelude))
        write(new Uint8Array(8))
      }
      return stream
    },
  },
}

/**
 * A stream into `request`, whose head goes out with the first byte. It takes what `request` takes: a slow reader at
 * its other end slows the function down. What is neither text nor bytes is sent as JSON.
 *
 * Source: `ResponseStream.js` of aws-lambda-nodejs-runtime-interface-client, which hands out less than a `Writable`.
 */
export function createResponseStream(request: ClientRequest, mark: number | undefined): ResponseStream {
  const { Writable } = process.getBuiltinModule('node:stream')
  let started = false

  class Answer extends Writable implements ResponseStream {
    declare _onBeforeFirstWrite?: ResponseStream['_onBeforeFirstWrite']

    setContentType(type: string): void {
      if (started) {
        const error = new Error('the content type is sent already: set it before the first write')
        error.name = 'Runtime.InvalidStreamingOperation'
        throw error
      }
      request.setHeader('content-type', type)
    }

    override write(chunk: unknown, ...rest: unknown[]): boolean {
      if (!started) {
        started = true
        this._onBeforeFirstWrite?.((bytes) => request.write(bytes))
      }
      const plain = typeof chunk === 'string' || chunk instanceof Uint8Array
      return Reflect.apply(super.write, this, [plain ? chunk : JSON.stringify(chunk), ...rest])
    }

    override _write(chunk: Buffer, _encoding: string, done: () => void): void {
      if (request.write(chunk)) done()
      else request.once('drain', done)
    }

    override _final(done: () => void): void {
      request.end(done)
    }
  }

  const stream = new Answer(mark === undefined ? {} : { highWaterMark: mark })
  request.once('error', (error) => stream.destroy(error))
  // A handler that does not listen must not end the process: whoever posts the answer hears of it by itself.
  stream.on('error', () => {})
  return stream
}
