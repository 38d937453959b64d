import type { IncomingMessage, ServerResponse } from 'node:http'
import { ServeConfigError } from '../errors.ts'
import type { Exchange } from '../fronts/exchange.ts'
import { asBytes } from '../fronts/headers.ts'
import type { ResponseHead } from '../http/response.ts'
import type { LambdaContext } from '../invocation.ts'
import type { Send } from '../respond.ts'
import { shutDownFirst } from '../shutdown/shutdown.ts'
import { writeBody } from '../stream.ts'
import { openWebRequest } from './exchange.ts'

/** Answers one request; what it cannot answer any more it rejects with. */
export type WebAnswerer = (exchange: Exchange, context: LambdaContext, send: Send) => Promise<void>

/** Longer than whoever is in front keeps a connection, ms: an idle one that ends here may have a request on its way. */
const keepAliveMs = 75_000

/**
 * Listens at `endpoint` (`host:port`, or the same as a URL), as a Web Function has to within 10 seconds of its start.
 * Any number of requests are answered at once. On SIGTERM those under way are finished first.
 *
 * @throws ServeConfigError for an endpoint that is none.
 */
export function listenAt(endpoint: string, answer: WebAnswerer): void {
  const url = URL.parse(endpoint.includes('://') ? endpoint : `http://${endpoint}`)
  const port = Number(url?.port)
  if (!url || !port) {
    throw new ServeConfigError(`AWS_LAMBDA_HTTP_ENDPOINT must be host:port, not ${endpoint}`)
  }
  const server = process.getBuiltinModule('node:http').createServer({ keepAliveTimeout: keepAliveMs })
  let isClosing = false
  server.on('request', (incoming, response) => {
    // A connection that was kept for more requests would hold the server open.
    response.on('close', () => isClosing && server.closeIdleConnections())
    respond(incoming, response, answer).catch((error) => response.destroy(error))
  })
  server.listen(port, url.hostname.replace(/^\[|\]$/g, ''))
  shutDownFirst(async () => {
    isClosing = true
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
}

async function respond(
  incoming: IncomingMessage,
  response: ServerResponse,
  answer: WebAnswerer,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const { 'lambda-web-request-id': given } = incoming.headers
  const requestId = typeof given === 'string' ? given : process.getBuiltinModule('node:crypto').randomUUID()
  const exchange = openWebRequest(incoming, requestId, Buffer.concat(chunks))
  await answer(exchange, contextOf(requestId), async (head, body, signal) => {
    const { status, headers, cookies } = head as ResponseHead
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, asBytes(value))
    if (cookies.length > 0) response.setHeader('set-cookie', cookies.map(asBytes))
    response.writeHead(status)
    await writeBody(response, body, signal)
  })
}

/** What a function with events is told with each. A Web Function is told of no time limit. */
function contextOf(awsRequestId: string): LambdaContext {
  const { env } = process
  return {
    awsRequestId,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME ?? '',
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION ?? '',
    invokedFunctionArn: '',
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? '',
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME ?? '',
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME ?? '',
    getRemainingTimeInMillis: () => Number.POSITIVE_INFINITY,
  }
}
