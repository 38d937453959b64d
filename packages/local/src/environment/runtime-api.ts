import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { payloadLimitBytes, streamLimitBytes } from '../limits.ts'
import { type ApiHandler, accept, readBody, refuse, sendJson } from './api-server.ts'
import type { Failure } from './outcome.ts'
import { readStream, type StreamedResponse } from './streamed-response.ts'

/** What the runtime is told about one invocation. */
export interface RuntimeInvocation {
  readonly requestId: string
  /** JSON. */
  readonly event: string
  /** When the function's time is over, in ms since the epoch. */
  readonly deadlineMs: number
  readonly functionArn: string
  readonly traceId: string
  /** What has become of the environment's clock since the invocation before; nothing when absent. */
  readonly clock?: ClockShift
}

/** How a wall clock is wrong. */
export interface ClockShift {
  /** By how much it is ahead, in ms; behind when negative. */
  readonly offsetMs: number
  /** After how long it is set right, in ms; null for never. */
  readonly forMs: number | null
}

/** What a runtime may say; the simulator's side of it. */
export interface RuntimeListener {
  /** It asks for the next invocation: initialised, or done with the one before. */
  onNext(): void
  onResponse(body: string): void
  /** A response begins; `onStreamed` follows when it has ended, with what went wrong on the way. */
  onStream(response: StreamedResponse): void
  onStreamed(failure: Failure | null): void
  /** `body` is JSON with `errorType` and `errorMessage`. */
  onError(body: string): void
  onInitError(body: string): void
}

/** The Runtime API of one environment. */
export interface RuntimeApi {
  readonly answer: ApiHandler
  /** Whether the runtime has asked for an invocation and got none yet. */
  readonly asking: boolean
  /** Answers the runtime's pending `next`. */
  deliver(invocation: RuntimeInvocation): void
}

export interface RuntimeLimits {
  readonly payloadBytes: number
  readonly streamBytes: number
}

const lambdaLimits: RuntimeLimits = { payloadBytes: payloadLimitBytes, streamBytes: streamLimitBytes }

/**
 * The Lambda Runtime API, version 2018-06-01: any runtime client that works on Lambda works with it. A wrong order
 * of calls is answered as Lambda does, with 400 and 403.
 */
export function createRuntimeApi(listener: RuntimeListener, limits = lambdaLimits): RuntimeApi {
  let waiting: ServerResponse | null = null
  let requestId: string | null = null
  let streaming = false
  /** A call that is not over, and the connection by which it came. */
  let posting: { readonly socket: Socket; readonly over: Promise<void> } | null = null

  async function next(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Sent right behind a call, it comes after it.
    if (posting?.socket === request.socket) await posting.over
    if (requestId !== null || waiting !== null) {
      refuse(response, 403, 'InvalidStateTransition', 'the invocation before has not been answered')
      return
    }
    waiting = response
    response.once('close', () => {
      if (waiting === response) waiting = null
    })
    listener.onNext()
  }

  async function post(call: Call, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isCurrent = () => call.kind === 'init/error' || (call.requestId === requestId && !streaming)
    if (isCurrent() && call.kind === 'response' && isStreaming(request)) {
      await stream(request, response)
      return
    }
    const body = await readBody(request, limits.payloadBytes)
    if (call.kind === 'init/error') {
      accept(response)
      listener.onInitError(body ?? '')
    } else if (!isCurrent()) {
      refuse(response, 400, 'InvalidRequestID', `${call.requestId} is not the invocation under way`)
    } else if (body === null && call.kind === 'response') {
      requestId = null
      const errorMessage = `Response payload size exceeded maximum allowed payload size (${limits.payloadBytes} bytes).`
      const failure = { errorType: 'Function.ResponseSizeTooLarge', errorMessage }
      refuse(response, 413, failure.errorType, failure.errorMessage)
      listener.onError(JSON.stringify(failure))
    } else {
      requestId = null
      accept(response)
      if (call.kind === 'error') listener.onError(body ?? '')
      else listener.onResponse(body ?? '')
    }
  }

  async function stream(request: IncomingMessage, response: ServerResponse): Promise<void> {
    streaming = true
    const incoming = readStream(request, limits.streamBytes)
    listener.onStream(incoming.response)
    const failure = await incoming.finished
    // A runtime that went away can be told nothing, and its environment notices by itself.
    if (!request.complete) return
    requestId = null
    streaming = false
    if (failure?.errorType === 'Function.ResponseSizeTooLarge') {
      refuse(response, 413, failure.errorType, failure.errorMessage)
    } else {
      accept(response)
    }
    listener.onStreamed(failure)
  }

  return {
    get asking() {
      return waiting !== null
    },
    answer(request, response) {
      if (request.url?.startsWith(`${prefix}/`) !== true) return false
      if (request.method === 'GET' && request.url === `${prefix}/invocation/next`) {
        void next(request, response)
        return true
      }
      const call = readCall(request.method, request.url)
      if (call === null) return false
      // The runtime died while it spoke; its environment notices by itself.
      const over = post(call, request, response).catch(() => void response.destroy())
      const current = { socket: request.socket, over }
      posting = current
      void over.then(() => {
        if (posting === current) posting = null
      })
      return true
    },
    deliver(invocation) {
      if (waiting === null) throw new Error('deliver() without a pending next')
      requestId = invocation.requestId
      const response = waiting
      waiting = null
      sendJson(response, 200, invocation.event, {
        'lambda-runtime-aws-request-id': invocation.requestId,
        'lambda-runtime-deadline-ms': String(invocation.deadlineMs),
        'lambda-runtime-invoked-function-arn': invocation.functionArn,
        'lambda-runtime-trace-id': invocation.traceId,
        ...(invocation.clock !== undefined && { 'thaw-clock': JSON.stringify(invocation.clock) }),
      })
    },
  }
}

const prefix = '/2018-06-01/runtime'

type Call =
  | { readonly kind: 'init/error' }
  | { readonly kind: 'response' | 'error'; readonly requestId: string }

/** Which of the calls that post something; null for what is none. */
function readCall(method: string | undefined, url: string): Call | null {
  if (method !== 'POST') return null
  if (url === `${prefix}/init/error`) return { kind: 'init/error' }
  const match = /^\/invocation\/([^/]+)\/(response|error)$/.exec(url.slice(prefix.length))
  const [, requestId, kind] = match ?? []
  if (requestId === undefined) return null
  return { kind: kind === 'error' ? 'error' : 'response', requestId }
}

function isStreaming(request: IncomingMessage): boolean {
  return request.headers['lambda-runtime-function-response-mode'] === 'streaming'
}
