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

/** Takes a place in an environment of the function. Throws `LocalError`. */
export type TakePlace = (functionName: string) => Promise<Lease | InitFailure>

/** What became of a request, for the log. */
export interface PassedOn {
  readonly status: number
  /** Who answered. */
  readonly by: string
  readonly told: string
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
  const refuse = (status: number, message: string, by = message, errorType?: string): PassedOn => {
    // What is left unread would be taken for the next request.
    if (!incoming.complete) response.setHeader('connection', 'close')
    const typed: HeaderField[] =
      errorType === undefined ? own : [...own, ['lambda-web-error-type', errorType]]
    if (!response.destroyed) sendAnswer(response, jsonAnswer(status, { message }), typed)
    return { status, by, told: response.destroyed ? gone : '' }
  }
  if (head.protocol === 'HTTP/1.0') return refuse(505, 'HTTP Version Not Supported')
  if (!methods.has(head.method)) return refuse(400, `Method ${head.method} is not supported`)
  if (incoming.headers.expect !== undefined) return refuse(417, 'Expectation Failed')

  const place = await takePlace(functionName).catch((error: unknown) => {
    if (error instanceof LocalError && error.code === 'TOO_MANY_REQUESTS') return error
    throw error
  })
  if (place instanceof LocalError) return refuse(429, 'Rate exceeded', place.message)
  const { environmentId } = place
  if ('failure' in place) {
    const { errorType, errorMessage } = place.failure
    return refuse(502, 'Bad Gateway', `${environmentId}: ${errorMessage}`, errorType)
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
      // Out with the head, before there is a body. `flushHeaders` would write its Latin-1 as UTF-8.
      response.write('', 'latin1')
      await sendStream(response, answer)
    }
    return { status, by, told: '' }
  } catch (error) {
    if (exchange.isAbandoned()) return { status, by, told: gone }
    failure = exchange.failure() ?? (await whyBroken(place, error as Error))
    const reason = failure.errorMessage
    if (response.headersSent) return { status, by, told: `, which broke off: ${reason}` }
    const late = failure.errorType === timedOut
    const message = late ? 'Gateway Timeout' : 'Bad Gateway'
    return refuse(late ? 504 : 502, message, `${by}: ${reason}`, failure.errorType)
  } finally {
    exchange.end()
    place.release(requestId, failure)
  }
}

const gone = ', but the client has gone away'
const timedOut = 'Runtime.RequestTimeout'

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
    failure = { errorType: timedOut, errorMessage }
    abort(new Error(errorMessage))
  }, timeoutMs)
  const onClose = () => {
    if (response.writableFinished) return
    isAbandoned = true
    abort(new Error('the client has gone away'))
  }
  response.once('close', onClose)
  if (isAbandoned) onClose()
  else incoming.pipe(outgoing)
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
