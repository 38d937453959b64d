import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { payloadLimitBytes } from '../limits.ts'

/** What the runtime is told about one invocation. */
export interface RuntimeInvocation {
  readonly requestId: string
  /** JSON. */
  readonly event: string
  /** When the function's time is over, in ms since the epoch. */
  readonly deadlineMs: number
  readonly functionArn: string
  readonly traceId: string
}

/** What a runtime may say; the simulator's side of it. */
export interface RuntimeListener {
  /** It asks for the next invocation: initialised, or done with the one before. */
  onNext(): void
  onResponse(body: string): void
  /** `body` is JSON with `errorType` and `errorMessage`. */
  onError(body: string): void
  onInitError(body: string): void
}

/** The Runtime API of one environment. */
export interface RuntimeApi {
  /** `host:port`, for `AWS_LAMBDA_RUNTIME_API`. */
  readonly address: string
  /** Answers the runtime's pending `next`. */
  deliver(invocation: RuntimeInvocation): void
  close(): void
}

/**
 * Serves the Lambda Runtime API, version 2018-06-01, on a loopback port of its own: any runtime client that
 * works on Lambda works with it. A wrong order of calls is answered as Lambda does, with 400 and 403.
 */
export async function startRuntimeApi(listener: RuntimeListener): Promise<RuntimeApi> {
  let waiting: ServerResponse | null = null
  let requestId: string | null = null

  const server = createServer((request, response) => {
    if (request.method === 'GET' && request.url === `${prefix}/invocation/next`) {
      if (requestId !== null || waiting !== null) {
        refuse(response, 403, 'InvalidStateTransition', 'the invocation before has not been answered')
        return
      }
      waiting = response
      response.once('close', () => {
        if (waiting === response) waiting = null
      })
      listener.onNext()
      return
    }
    readBody(request).then(
      (body) => post(request, body, response),
      // The runtime died while it spoke; its environment notices by itself.
      () => response.destroy(),
    )
  })

  function post(request: IncomingMessage, body: Buffer | null, response: ServerResponse): void {
    const call = readCall(request)
    if (call === null) {
      refuse(response, 404, 'NotFound', `${request.method} ${request.url} is not in the Runtime API`)
    } else if (call.kind === 'init/error') {
      accept(response)
      listener.onInitError(text(body))
    } else if (call.requestId !== requestId) {
      refuse(response, 400, 'InvalidRequestID', `${call.requestId} is not the invocation under way`)
    } else if (body === null && call.kind === 'response') {
      requestId = null
      const failure = { errorType: 'Function.ResponseSizeTooLarge', errorMessage: tooLarge }
      refuse(response, 413, failure.errorType, failure.errorMessage)
      listener.onError(JSON.stringify(failure))
    } else {
      requestId = null
      accept(response)
      if (call.kind === 'error') listener.onError(text(body))
      else listener.onResponse(text(body))
    }
  }

  // A connection rests for as long as the function works; Node's five seconds would cut it off.
  server.keepAliveTimeout = 0
  server.requestTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo

  return {
    address: `127.0.0.1:${port}`,
    deliver(invocation) {
      if (waiting === null) throw new Error('deliver() without a pending next')
      requestId = invocation.requestId
      const bytes = Buffer.from(invocation.event)
      waiting.writeHead(200, {
        'content-type': 'application/json',
        'content-length': bytes.length,
        'lambda-runtime-aws-request-id': invocation.requestId,
        'lambda-runtime-deadline-ms': String(invocation.deadlineMs),
        'lambda-runtime-invoked-function-arn': invocation.functionArn,
        'lambda-runtime-trace-id': invocation.traceId,
      })
      waiting.end(bytes)
      waiting = null
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

const prefix = '/2018-06-01/runtime'

const tooLarge = `Response payload size exceeded maximum allowed payload size (${payloadLimitBytes} bytes).`

type Call =
  | { readonly kind: 'init/error' }
  | { readonly kind: 'response' | 'error'; readonly requestId: string }

/** Which of the calls that post something; null for what is none. */
function readCall(request: IncomingMessage): Call | null {
  if (request.method !== 'POST' || request.url === undefined) return null
  if (request.url === `${prefix}/init/error`) return { kind: 'init/error' }
  const match = /^\/invocation\/([^/]+)\/(response|error)$/.exec(request.url.slice(prefix.length))
  const [, requestId, kind] = match ?? []
  if (!request.url.startsWith(prefix) || requestId === undefined) return null
  return { kind: kind === 'error' ? 'error' : 'response', requestId }
}

/** The body, or null when it is over the limit for answers. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= payloadLimitBytes) chunks.push(chunk)
  }
  return bytes > payloadLimitBytes ? null : Buffer.concat(chunks)
}

function text(body: Buffer | null): string {
  return body === null ? '' : body.toString('utf8')
}

function accept(response: ServerResponse): void {
  const body = '{"status":"OK"}'
  response.writeHead(202, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}

function refuse(response: ServerResponse, status: number, errorType: string, errorMessage: string): void {
  const body = JSON.stringify({ errorType, errorMessage })
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    .end(body)
}
