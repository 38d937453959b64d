import type { ClientRequest } from 'node:http'
import { openConnection } from './connection.ts'

export interface NextInvocation {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON. */
  readonly event: string
}

/**
 * What a runtime says to Lambda; every function rejects when the other side is gone. It may say the next thing before
 * the one before was answered.
 */
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
 * A client of the Runtime API, version 2018-06-01, at `host:port`. `node:http` is loaded for the first streamed answer
 * only, and always without `import`: its exports include `fetch`, which costs 24 ms.
 */
export function createRuntimeClient(address: string): RuntimeClient {
  const [host = '', port] = address.split(':')
  const connection = openConnection(host, Number(port))

  const post = async (path: string, body: string, headers: Readonly<Record<string, string>> = {}) => {
    await connection.send('POST', prefix + path, { 'content-type': 'application/json', ...headers }, body)
  }
  const postError = (path: string, error: FunctionError) =>
    post(path, JSON.stringify(error), { 'lambda-runtime-function-error-type': printable(error.errorType) })

  return {
    async next() {
      const { headers, body } = await connection.send('GET', `${prefix}invocation/next`, {})
      return { headers, event: body }
    },
    respond: (requestId, body) => post(`invocation/${requestId}/response`, body),
    stream(requestId) {
      const request = process.getBuiltinModule('node:http').request({
        host,
        port,
        agent: false,
        method: 'POST',
        path: `${prefix}invocation/${requestId}/response`,
        headers: {
          'lambda-runtime-function-response-mode': 'streaming',
          'content-type': 'application/octet-stream',
          trailer: `${errorTypeTrailer}, ${errorBodyTrailer}`,
        },
      })
      return {
        request,
        taken: answered(request),
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

const prefix = '/2018-06-01/runtime/'
const errorTypeTrailer = 'Lambda-Runtime-Function-Error-Type'
const errorBodyTrailer = 'Lambda-Runtime-Function-Error-Body'

function answered(request: ClientRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (incoming) => incoming.resume().on('error', reject).on('end', resolve))
  })
}

/** Headers take nothing else. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?')
}
