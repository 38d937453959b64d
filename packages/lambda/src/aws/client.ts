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

/** Requests to one address, over connections that are kept open while they are used. */
export interface HttpClient {
  /** Sends once. Resolves with any answer; rejects when none came. `target` is path and query. */
  send(
    method: string,
    target: string,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array,
    signal?: AbortSignal,
  ): Promise<AwsAnswer>
}

export function createHttpClient(address: string): HttpClient {
  const { protocol, hostname, port } = new URL(address)
  let agent: Agent | null = null
  let usedAt = 0
  return {
    send(method, target, headers, body, signal) {
      // Not by import, which looks at all exports and loads the built-in fetch for it.
      const http = process.getBuiltinModule(protocol === 'http:' ? 'node:http' : 'node:https')
      const now = Date.now()
      if (Math.abs(now - usedAt) > keepMs) agent = null
      agent ??= new http.Agent({ keepAlive: true, maxSockets: 32, timeout: keepMs })
      usedAt = now
      return new Promise((resolve, reject) => {
        const outgoing = http.request({
          agent: agent!,
          method,
          hostname: hostname.replace(/^\[|\]$/g, ''),
          port,
          path: target,
          headers: { ...headers, 'content-length': Buffer.byteLength(body) },
          timeout: idleMs,
          ...(signal && { signal }),
        })
        outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${idleMs} ms`)))
        outgoing.on('error', reject)
        outgoing.on('response', (incoming) => {
          collect(incoming).then(
            (bytes) => resolve({ status: incoming.statusCode ?? 0, body: bytes }),
            reject,
          )
        })
        outgoing.end(body)
      })
    },
  }
}

/** A client of one service, which signs. */
export function createAwsClient({ service, endpoint, region, credentials }: AwsClientOptions): AwsClient {
  const { host, pathname } = new URL(endpoint)
  const base = pathname.replace(/\/$/, '')
  const http = createHttpClient(endpoint)
  return {
    async send({ method, path, headers = {}, body = '', signal }) {
      const target = base + path
      const scope = { service, region, at: Date.now() }
      const signed = sign({ method, host, path: target, headers, body }, scope, credentials())
      return http.send(method, target, signed, body, signal).catch((cause) => {
        throw new AwsCallError(`${service} did not answer ${method} ${endpoint}${path}`, cause)
      })
    },
  }
}

/** What Lambda gives each function to sign with. */
export function credentialsOfFunction(): Credentials {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw cannotAsk('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are')
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
  throw cannotAsk('AWS_REGION is')
}

function cannotAsk(missing: string): AwsCallError {
  return new AwsCallError(
    'AWS cannot be asked',
    `${missing} not set. Lambda sets what is needed; elsewhere, set it yourself.`,
  )
}

async function collect(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  return Buffer.concat(chunks)
}
