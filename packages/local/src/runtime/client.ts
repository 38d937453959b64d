import type {
  Agent,
  ClientRequest,
  IncomingHttpHeaders,
  IncomingMessage,
  OutgoingHttpHeaders,
} from 'node:http'

export interface NextInvocation {
  readonly headers: IncomingHttpHeaders
  /** JSON. */
  readonly event: string
}

/** What a runtime says to Lambda; every function rejects when the other side is gone. */
export interface RuntimeClient {
  next(): Promise<NextInvocation>
  respond(requestId: string, body: string): Promise<void>
  /** Begins an answer that is sent while it is made. */
  stream(requestId: string): StreamedPost
  fail(requestId: string, error: FunctionError): Promise<void>
  failInit(error: FunctionError): Promise<void>
}

export interface StreamedPost {
  /** Takes the body; nothing is sent before its first byte. */
  readonly request: ClientRequest
  /** Resolves when the answer has been taken; rejects when the other side is gone. */
  readonly taken: Promise<void>
  /** Its end, which is still to come, will say that it broke off. */
  breakOff(error: FunctionError): void
}

/** The shape in which Node's runtime reports an error. */
export interface FunctionError {
  readonly errorType: string
  readonly errorMessage: string
  readonly trace: readonly string[]
}

/**
 * A client of the Runtime API, version 2018-06-01, at `host:port`. One connection, kept open: `fetch` would cost
 * 24 ms of every cold start, and so would an `import` of `node:http`, whose exports include it.
 */
export function createRuntimeClient(address: string): RuntimeClient {
  const http = process.getBuiltinModule('node:http')
  const [host, port] = address.split(':')
  const agent: Agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const start = (method: string, path: string, headers: OutgoingHttpHeaders) =>
    http.request({ host, port, agent, method, path: `/2018-06-01/runtime/${path}`, headers })

  const post = async (path: string, body: string, headers?: OutgoingHttpHeaders) => {
    const bytes = Buffer.from(body)
    const typed = { ...headers, 'content-type': 'application/json', 'content-length': bytes.length }
    const request = start('POST', path, typed)
    request.end(bytes)
    await answerTo(request)
  }
  const postError = (path: string, error: FunctionError) =>
    post(path, JSON.stringify(error), { 'lambda-runtime-function-error-type': printable(error.errorType) })

  return {
    next() {
      const request = start('GET', 'invocation/next', {})
      request.end()
      return answerTo(request)
    },
    respond: (requestId, body) => post(`invocation/${requestId}/response`, body),
    stream(requestId) {
      const request = start('POST', `invocation/${requestId}/response`, {
        'lambda-runtime-function-response-mode': 'streaming',
        'content-type': 'application/octet-stream',
        trailer: `${errorTypeTrailer}, ${errorBodyTrailer}`,
      })
      return {
        request,
        taken: answerTo(request).then(() => {}),
        breakOff(error) {
          request.addTrailers({
            [errorTypeTrailer]: printable(error.errorType),
            [errorBodyTrailer]: Buffer.from(JSON.stringify(error)).toString('base64'),
          })
        },
      }
    },
    fail: (requestId, error) => postError(`invocation/${requestId}/error`, error),
    failInit: (error) => postError('init/error', error),
  }
}

const errorTypeTrailer = 'Lambda-Runtime-Function-Error-Type'
const errorBodyTrailer = 'Lambda-Runtime-Function-Error-Body'

function answerTo(request: ClientRequest): Promise<NextInvocation> {
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (incoming: IncomingMessage) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () =>
        resolve({ headers: incoming.headers, event: Buffer.concat(chunks).toString() }),
      )
    })
  })
}

/** Headers take nothing else. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?')
}
