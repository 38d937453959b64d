import { payloadLimitBytes } from '../limits.ts'
import type { Outcome } from './outcome.ts'
import type { StreamedResponse } from './streamed-response.ts'

/** An outcome whose answer is all there. */
export type WholeOutcome = Pick<Outcome, 'functionError'> & { readonly payload: string | Buffer }

/**
 * The outcome for somebody who takes no answer in pieces, whether the function streams or not; one that breaks off has
 * failed. Whoever invokes must read the answer, here or by `stream`: a function waits for its reader.
 */
export async function whole({ payload, functionError, stream }: Outcome): Promise<WholeOutcome> {
  if (stream === null) return { payload, functionError }
  try {
    return { payload: await collect(stream), functionError }
  } catch (error) {
    return { payload: brokenOff(error), functionError: 'Unhandled' }
  }
}

/** The bytes of a streamed answer. Throws what the stream throws, and when they are more than a whole answer may have. */
export async function collect({ body }: StreamedResponse): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body) {
    bytes += piece.length
    if (bytes > payloadLimitBytes) throw new ResponseTooLarge()
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** What a caller is told of an answer that broke off, JSON. */
export function brokenOff(error: unknown): string {
  const { name: errorType, message: errorMessage } = error instanceof Error ? error : new Error(String(error))
  return JSON.stringify({ errorType, errorMessage })
}

class ResponseTooLarge extends Error {
  override readonly name = 'Function.ResponseSizeTooLarge'

  constructor() {
    super(`Response payload size exceeded maximum allowed payload size (${payloadLimitBytes} bytes).`)
  }
}
