import { type AwsClient, createAwsClient, credentialsOfFunction, regionOfFunction } from '../aws/client.ts'
import { type Credentials, encode } from '../aws/sign.ts'
import { ConnectionError, ServeConfigError } from '../errors.ts'
import { getInvocation } from '../invocation.ts'
import { endpointOf } from './event.ts'
import type { ConnectionRegistry } from './registry.ts'

export interface ConnectionsOptions {
  /** Knows the connections for `broadcast`. */
  readonly registry: ConnectionRegistry
  /**
   * Where connections are managed: `https://{api}.execute-api.{region}.amazonaws.com/{stage}`. When absent, the
   * variable `AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI`, and inside `socket` the API of the event.
   */
  readonly endpoint?: string
  /** When absent, `AWS_REGION`. */
  readonly region?: string
  /** When absent, those of the function, which must be allowed `execute-api:ManageConnections`. */
  readonly credentials?: Credentials
}

/** What became of a broadcast. */
export interface Broadcast {
  readonly sent: number
  /** Connections that were closed, and are forgotten now. */
  readonly gone: number
  readonly failed: readonly { readonly connectionId: string; readonly error: ConnectionError }[]
}

/** The connections of a WebSocket API, from whichever function. */
export interface Connections {
  /**
   * Sends a text, bytes, or anything else as JSON; at most 128 KB.
   *
   * @returns false when the connection is closed; it is then forgotten.
   * @throws ConnectionError
   */
  send(connectionId: string, data: unknown): Promise<boolean>
  /**
   * Sends to every connection under `topic`, those of all clients when absent. One that fails stops no other; what the
   * registry throws is thrown when all have been sent to.
   */
  broadcast(data: unknown, topic?: string): Promise<Broadcast>
  /** Closes and forgets. Throws `ConnectionError`. */
  disconnect(connectionId: string): Promise<void>
  join(connectionId: string, topic: string): Promise<void>
  leave(connectionId: string, topic: string): Promise<void>
  readonly registry: ConnectionRegistry
}

/** The topic of all connections. */
export const everybody = '$all'

const sendersAtOnce = 32

/** The connections of a WebSocket API, spoken to over its management API: `/@connections/{id}`, signed. */
export function createConnections(options: ConnectionsOptions): Connections {
  const { registry } = options
  const clients = new Map<string, AwsClient>()

  function client(): AwsClient {
    const endpoint =
      options.endpoint ??
      process.env.AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI ??
      endpointOf(getInvocation()?.event)
    if (!endpoint) {
      throw new ServeConfigError(
        'connections: which API to speak to is known inside socket() only. Elsewhere give createConnections an ' +
          'endpoint, or set AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI.',
      )
    }
    const known = clients.get(endpoint)
    if (known) return known
    const region = options.region ?? regionOfFunction()
    const credentials = () => options.credentials ?? credentialsOfFunction()
    const made = createAwsClient({ service: 'execute-api', endpoint, region, credentials })
    clients.set(endpoint, made)
    return made
  }

  /** Whether the connection was there. */
  async function call(
    method: 'POST' | 'DELETE',
    connectionId: string,
    body = new Uint8Array(),
  ): Promise<boolean> {
    const path = `/@connections/${encode(connectionId)}`
    const signal = getInvocation()?.signal
    const { status, body: answer } = await client()
      .send({ method, path, body, signal })
      .catch((error) => {
        throw new ConnectionError(connectionId, null, error.message, error)
      })
    if (status === 410) return false
    if (status >= 200 && status < 300) return true
    throw new ConnectionError(connectionId, status, answer.toString().slice(0, 500))
  }

  async function send(connectionId: string, data: unknown): Promise<boolean> {
    const isThere = await call('POST', connectionId, bytesOf(data))
    if (!isThere) await registry.remove(null, connectionId)
    return isThere
  }

  return {
    registry,
    send,
    async broadcast(data, topic = everybody) {
      const bytes = bytesOf(data)
      const waiting = (await registry.list(topic)).values()
      const failed: { connectionId: string; error: ConnectionError }[] = []
      /** Such as those of a registry that cannot forget. */
      const others: unknown[] = []
      let sent = 0
      let gone = 0
      const sender = async () => {
        for (const connectionId of waiting) {
          try {
            if (await send(connectionId, bytes)) sent++
            else gone++
          } catch (error) {
            if (error instanceof ConnectionError) failed.push({ connectionId, error })
            else others.push(error)
          }
        }
      }
      await Promise.all(Array.from({ length: sendersAtOnce }, sender))
      if (others.length > 0) throw others[0]
      return { sent, gone, failed }
    },
    async disconnect(connectionId) {
      await call('DELETE', connectionId)
      await registry.remove(null, connectionId)
    },
    join: (connectionId, topic) => registry.add(topic, connectionId),
    leave: (connectionId, topic) => registry.remove(topic, connectionId),
  }
}

function bytesOf(data: unknown): Uint8Array<ArrayBuffer> {
  if (ArrayBuffer.isView(data)) {
    const { buffer, byteOffset, byteLength } = data
    return new Uint8Array(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer)
  }
  if (data instanceof ArrayBuffer) return new Uint8Array(data.slice())
  return new TextEncoder().encode(typeof data === 'string' ? data : JSON.stringify(data))
}
