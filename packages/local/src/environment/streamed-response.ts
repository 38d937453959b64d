import type { IncomingMessage } from 'node:http'
import { LocalError } from '../errors.ts'
import type { Failure } from './outcome.ts'

/** An answer that is read while the function makes it. */
export interface StreamedResponse {
  /** As the runtime declared it. */
  readonly contentType: string
  /**
   * To be read once. Throws `LocalError` `RESPONSE_BROKEN_OFF` when the function failed on the way. The function
   * waits for whoever reads; once reading has stopped early, the rest goes nowhere and the function runs on.
   */
  readonly body: AsyncIterable<Uint8Array>
}

/** The runtime's side of a streamed response. */
export interface IncomingStream {
  readonly response: StreamedResponse
  /** Resolves when the runtime has sent all: with null, or with why the response is not whole. */
  readonly finished: Promise<Failure | null>
}

/** Reads a response that the runtime streams: chunks, then perhaps trailers that tell of an error. */
export function readStream(request: IncomingMessage, limitBytes: number): IncomingStream {
  const state: { failure: Failure | null } = { failure: null }
  const finished = new Promise<Failure | null>((resolve) => {
    const end = () => {
      state.failure ??= request.complete ? trailingFailure(request) : brokenOff
      resolve(state.failure)
    }
    request.on('error', () => {})
    request.once('end', end)
    request.once('close', end)
  })

  async function* body(): AsyncGenerator<Uint8Array> {
    let bytes = 0
    try {
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        bytes += chunk.length
        if (bytes > limitBytes) {
          state.failure = tooLarge(limitBytes)
          break
        }
        yield chunk
      }
    } catch {
      // The connection to the runtime is gone, which `finished` tells as well.
      state.failure ??= brokenOff
    } finally {
      request.resume()
    }
    const failure = state.failure ?? trailingFailure(request)
    if (failure !== null) throw brokenOffError(failure)
  }

  const contentType = request.headers['content-type'] ?? 'application/octet-stream'
  return { response: { contentType, body: body() }, finished }
}

const brokenOff: Failure = {
  errorType: 'Runtime.ExitError',
  errorMessage: 'the environment ended before the response did',
}

function tooLarge(limitBytes: number): Failure {
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${limitBytes} bytes).`
  return { errorType: 'Function.ResponseSizeTooLarge', errorMessage }
}

function brokenOffError({ errorType, errorMessage }: Failure): LocalError {
  return new LocalError('RESPONSE_BROKEN_OFF', `the response broke off: ${errorType}: ${errorMessage}`)
}

/** The body of the error comes in base64, since trailers are headers. */
function trailingFailure(request: IncomingMessage): Failure | null {
  const type = request.trailers['lambda-runtime-function-error-type']
  if (type === undefined) return null
  const body = Buffer.from(request.trailers['lambda-runtime-function-error-body'] ?? '', 'base64').toString()
  try {
    return { errorType: type, errorMessage: String(JSON.parse(body).errorMessage ?? body) }
  } catch {
    return { errorType: type, errorMessage: body }
  }
}
