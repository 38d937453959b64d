import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { Failure } from '../../environment/outcome.ts'
import type { InitFailure, Lease } from '../../environment/web/web-environment.ts'
import { LocalError } from '../../errors.ts'
import { makeRequestId } from '../../ids.ts'
import { within } from '../../within.ts'
import { jsonAnswer } from '../answer.ts'
import type { HeaderField } from '../gateway.ts'
import type { WireHead } from '../request.ts'
import { hasBody, sendAnswer, sendHead } from '../send.ts'
import { sendStream } from '../stream.ts'
import { requestHeaders, responseHeaders } from './headers.ts'

/** Takes a place in an environment of the function, for a request. Throws `LocalError`. */
export type TakePlace = (functionName: string, requestId: string) => Promise<Lease | InitFailure>

/** What became of a request. */
export interface PassedOn {
  readonly requestId: string
  readonly status: number
  /** Who answered. */
  readonly by: string
  /** For the log; empty when it is what one would expect. */
  readonly told: string
  /** Whether a function was asked for a place. */
  readonly reached: boolean
  /** Whether the client went away before the end. */
  readonly clientGone: boolean
  /** Why the answer is not the function's own, or not whole; null when it is both. */
  readonly trouble: WebTrouble | null
}

export type WebTrouble =
  | { readonly kind: 'throttled' }
  /** `begun` when the answer was cut. */
  | {
      readonly kind: 'failed'
      readonly environmentId: string
      readonly failure: Failure
      readonly begun: boolean
    }

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'OPTIONS', 'DELETE'])

/** How long the end of a process may be seen after that of its connections. */
const exitMs = 200

/**
 * Passes a request on to a Web Function, and its answer back, both while they are made. What breaks off before there is
 * an answer is one of Lambda's own, with the reason in `lambda-web-error-type`; what breaks off later is cut.
 *
 * Source: "HTTP requests and responses" and "Request timeout" of Web Functions in the Lambda developer guide.
 */
export async function passOn(
  takePlace: TakePlace,
  functionName: string,
  head: WireHead,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<PassedOn> {
  const requestId = makeRequestId()
  const own: HeaderField[] = [['lambda-web-request-id', requestId]]
  let reached = false
  const passed = (status: number, by: string, told = '', trouble: WebTrouble | null = null): PassedOn => {
    return { requestId, status, by, told, reached, clientGone: told === gone, trouble }
  }
  const refuse = (status: number, message: string, by = message, trouble: WebTrouble | null = null) => {
    const typed: HeaderField[] =
      trouble?.kind === 'failed' ? [...own, ['lambda-web-error-type', trouble.failure.errorType]] : own
    if (!response.destroyed) sendAnswer(response, jsonAnswer(status, { message }), typed)
    return passed(status, by, response.destroyed ? gone : '', trouble)
  }
  if (head.protocol === 'HTTP/1.0') return refuse(505, 'HTTP Version Not Supported')
  if (!methods.has(head.method)) return refuse(400, `Method ${head.method} is not supported`)
  if (incoming.headers.expect !== undefined) return refuse(417, 'Expectation Failed')

  reached = true
  const place = await takePlace(functionName, requestId).catch((error: unknown) => {
    if (error instanceof LocalError && error.code === 'TOO_MANY_REQUESTS') return error
    throw error
  })
  if (place instanceof LocalError) return refuse(429, 'Rate exceeded', place.message, { kind: 'throttled' })
  const { environmentId } = place
  if ('failure' in place) {
    const { failure } = place
    const trouble: WebTrouble = { kind: 'failed', environmentId, failure, begun: false }
    return refuse(502, 'Bad Gateway', `${environmentId}: ${failure.errorMessage}`, trouble)
  }
  own.push(['lambda-web-logstream', place.logStream])
  const by = environmentId + (place.initMs === null ? '' : ` (cold start ${place.initMs.toFixed(0)} ms)`)

  const exchange = startExchange(place, requestId, head, incoming, response)
  let failure: Failure | null = null
  let status = 0
  try {
    const answer = await exchange.answered
    status = answer.statusCode ?? 502
    sendHead(response, { status, headers: responseHeaders(answer.rawHeaders) }, own)
    if (!hasBody(status, incoming.method)) {
      response.end()
      answer.resume()
    } else {
      if (answer.headers['content-length'] === undefined) place.streaming()
      // Out with the head, before there is a body. `flushHeaders` would write its Latin-1 as UTF-8.
      response.write('', 'latin1')
      await sendStream(response, answer)
    }
    return passed(status, by)
  } catch (error) {
    if (exchange.isAbandoned()) return passed(status, by, gone)
    failure = exchange.failure() ?? (await whyBroken(place, error as Error))
    const reason = failure.errorMessage
    const trouble: WebTrouble = { kind: 'failed', environmentId, failure, begun: response.headersSent }
    if (response.headersSent) return passed(status, by, `, which broke off: ${reason}`, trouble)
    const late = failure.errorType === requestTimeout
    const message = late ? 'Gateway Timeout' : 'Bad Gateway'
    return refuse(late ? 504 : 502, message, `${by}: ${reason}`, trouble)
  } finally {
    exchange.end()
    place.release(failure)
  }
}

const gone = ', but the client has gone away'
/** The type of the failure of a request that took too long. */
export const requestTimeout = 'Runtime.RequestTimeout'

interface Exchange {
  /** Resolves as soon as the function's answer begins. */
  readonly answered: Promise<IncomingMessage>
  /** What Lambda ended it for. */
  failure(): Failure | null
  /** Whether the client went away before its end. */
  isAbandoned(): boolean
  end(): void
}

/** Sends the request to the function's server; ends it with its time, and when the client goes away. */
function startExchange(
  { port, timeoutMs }: Lease,
  requestId: string,
  head: WireHead,
  incoming: IncomingMessage,
  response: ServerResponse,
): Exchange {
  const { path, query, method, clientAddress } = head
  const chunked = incoming.headers['transfer-encoding'] !== undefined
  const outgoing: ClientRequest = request({
    host: '127.0.0.1',
    port,
    method,
    path: query === '' ? path : `${path}?${query}`,
    headers: requestHeaders(incoming.rawHeaders, { requestId, clientAddress, chunked }),
    // A connection that outlived a freeze may be closed by its other end at any time.
    agent: false,
  })
  let answer: IncomingMessage | null = null
  let failure: Failure | null = null
  let isAbandoned = response.destroyed
  const abort = (error: Error) => (answer ?? outgoing).destroy(error)
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', (message) => {
      answer = message
      resolve(message)
    })
    outgoing.on('error', reject)
  })
  const timer = setTimeout(() => {
    const errorMessage = `the request took longer than ${timeoutMs / 1000} s`
    failure = { errorType: requestTimeout, errorMessage }
    abort(new Error(errorMessage))
  }, timeoutMs)
  const onClose = () => {
    if (response.writableFinished) return
    isAbandoned = true
    abort(new Error('the client has gone away'))
  }
  response.once('close', onClose)
  if (isAbandoned) onClose()
  else {
    // Out with the head, before there is a body, as it is with an answer.
    if (chunked || incoming.headers['content-length'] !== undefined) outgoing.write('', 'latin1')
    incoming.pipe(outgoing)
  }
  return {
    answered,
    failure: () => failure,
    isAbandoned: () => isAbandoned,
    end() {
      clearTimeout(timer)
      response.off('close', onClose)
      incoming.unpipe(outgoing)
      // What the function did not read would be taken for the next request.
      incoming.resume()
      outgoing.destroy()
    },
  }
}

/** Names the end of the process, if that was it. */
async function whyBroken({ broken }: Lease, error: Error): Promise<Failure> {
  const failure = await within(exitMs, broken)
  return failure ?? { errorType: 'Runtime.ConnectionClosed', errorMessage: error.message }
}
