import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { makeGatewayId } from '../ids.ts'
import { isWellSigned } from '../signature.ts'
import type { Connection } from './connection.ts'
import { stage } from './event.ts'
import { messageLimitBytes } from './frames.ts'

const pattern = new RegExp(`^(?:/${stage})?/@connections/([^/?]+)(?:\\?.*)?$`)

/**
 * The management API of a WebSocket API: POST sends, GET tells, DELETE closes. Signatures are not verified, but one
 * that is there must look like one. Returns false, and does nothing, for every other path.
 *
 * Source: https://docs.aws.amazon.com/apigatewaymanagementapi/latest/api/API_Operations.html
 */
export function manageConnections(
  connections: ReadonlyMap<string, Connection>,
  incoming: IncomingMessage,
  response: ServerResponse,
): boolean {
  const [, encoded] = pattern.exec(incoming.url ?? '') ?? []
  if (encoded === undefined) return false
  answer(connections, encoded, incoming)
    .then((reply) => send(response, reply))
    .catch(() => response.destroy())
  return true
}

interface Reply {
  readonly status: number
  /** The error's name, as SDKs read it. */
  readonly error?: string
  readonly body?: unknown
}

const gone: Reply = { status: 410, error: 'GoneException', body: { message: 'Gone' } }

async function answer(
  connections: ReadonlyMap<string, Connection>,
  encoded: string,
  incoming: IncomingMessage,
): Promise<Reply> {
  const data = await readBody(incoming)
  if (!isWellSigned(incoming.headers.authorization))
    return problem(403, 'ForbiddenException', 'The signature is not one of AWS Signature Version 4')
  if (data === null) return problem(413, 'PayloadTooLargeException', 'Message too long')
  const connection = connections.get(decode(encoded))
  if (incoming.method === 'POST') {
    const sent = await connection?.send(isUtf8(data) ? data.toString('utf8') : data)
    return sent === true ? { status: 200 } : gone
  }
  if (incoming.method !== 'GET' && incoming.method !== 'DELETE')
    return problem(403, 'MissingAuthenticationTokenException', 'Missing Authentication Token')
  if (connection === undefined) return gone
  if (incoming.method === 'DELETE') {
    connection.close(1000, 'Connection Closed Normally')
    return { status: 204 }
  }
  const { connectedAt, clientAddress, userAgent } = connection.facts
  return {
    status: 200,
    body: {
      connectedAt: new Date(connectedAt).toISOString(),
      identity: { sourceIp: clientAddress, ...(userAgent !== null && { userAgent }) },
      lastActiveAt: new Date(connection.lastActiveAt()).toISOString(),
    },
  }
}

function problem(status: number, error: string, message: string): Reply {
  return { status, error, body: { message } }
}

/** Null when there is more than a message may have. All of it is read, so that the client hears the answer. */
async function readBody(incoming: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= messageLimitBytes) chunks.push(chunk)
  }
  return bytes <= messageLimitBytes ? Buffer.concat(chunks) : null
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function send(response: ServerResponse, { status, error, body }: Reply): void {
  response.setHeader('x-amzn-requestid', makeGatewayId())
  if (error !== undefined) response.setHeader('x-amzn-errortype', error)
  if (body !== undefined) response.setHeader('content-type', 'application/json')
  response.writeHead(status)
  response.end(body === undefined ? undefined : JSON.stringify(body))
}
