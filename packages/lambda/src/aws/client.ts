import { Buffer } from 'node:buffer'
import type { Agent, IncomingMessage } from 'node:http'
import { AwsCallError } from '../errors.ts'
import { type Credentials, sign } from './sign.ts'

export interface AwsRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Behind the path of the endpoint; encoded, begins with `/`. */
  readonly path: string
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly signal?: AbortSignal | undefined
}

export interface AwsAnswer {
  readonly status: number
  readonly body: Buffer
}

export interface AwsClient {
  /** Signs a request and sends it, once. Resolves with any answer; throws `AwsCallError` when none came. */
  send(request: AwsRequest): Promise<AwsAnswer>
}

export interface AwsClientOptions {
  /** The name under which requests are signed: `execute-api`. */
  readonly service: string
  /** Like `https://abc.execute-api.eu-west-1.amazonaws.com/prod`. */
  readonly endpoint: string
  readonly region: string
  /** Asked for each request. */
  readonly credentials: () => Credentials
}

/** Longer unused than this, in ms, a kept connection is likely dead: the environment may have been frozen. */
const keepMs = 5_000
/** How long an answer may take, in ms. */
const idleMs = 10_000

/** A client of one service, over connections that are kept open while they are used. */
export function createAwsClient({ service, endpoint, region, credentials }: AwsClientOptions): AwsClient {
  const { protocol, host, hostname, port, pathname } = new URL(endpoint)
  const base = pathname.replace(/\/$/, '')
  let agent: Agent | null = null
  let usedAt = 0

  return {
    send({ method, path, headers = {}, body = '', signal }) {
      // Not by import, which looks at all exports and loads the built-in fetch for it.
      const http = process.getBuiltinModule(protocol === 'http:' ? 'node:http' : 'node:https')
      const at = Date.now()
      if (Math.abs(at - usedAt) > keepMs) agent = null
      agent ??= new http.Agent({ keepAlive: true, maxSockets: 32, timeout: keepMs })
      usedAt = at
      const target = base + path
      const signed = sign(
        { method, host, path: target, headers, body },
        { service, region, at },
        credentials(),
      )
      return new Promise((resolve, reject) => {
        const outgoing = http.request({
          agent: agent!,
          method,
          hostname: hostname.replace(/^\[|\]$/g, ''),
          port,
          path: target,
          headers: { ...signed, 'content-length': Buffer.byteLength(body) },
          timeout: idleMs,
          signal,
        })
        const fail = (cause: unknown) =>
          reject(new AwsCallError(service, `${method} ${endpoint}${path}`, cause))
        outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${idleMs} ms`)))
        outgoing.on('error', fail)
        outgoing.on('response', (incoming) => {
          collect(incoming).then((bytes) => resolve({ status: incoming.statusCode ?? 0, body: bytes }), fail)
        })
        outgoing.end(body)
      })
    },
  }
}

/** What Lambda gives each function to sign with. */
export function credentialsOfFunction(): Credentials {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new AwsCallError('AWS', 'a request', 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set')
  }
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: AWS_SESSION_TOKEN || undefined,
  }
}

export function regionOfFunction(): string {
  const region = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION
  if (region) return region
  throw new AwsCallError('AWS', 'a request', 'AWS_REGION is not set')
}

async function collect(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  return Buffer.concat(chunks)
}
