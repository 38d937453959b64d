import { type Fields, isObject } from '../fields.ts'

/**
 * The proxy event of API Gateway's REST API, which HTTP APIs with payload format 1.0 share. Written by hand,
 * `httpMethod` and `path` are enough. Source:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
export interface RestV1Event {
  /** `1.0` from an HTTP API; a REST API writes none. */
  readonly version?: string
  readonly resource?: string
  readonly httpMethod: string
  /** As the client sent it, without the stage, with the base path of a custom domain. */
  readonly path: string
  /** Of repeated ones the last. */
  readonly headers?: Readonly<Record<string, string | null | undefined>> | null
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[] | null | undefined>> | null
  /** Decoded; of repeated ones the last. */
  readonly queryStringParameters?: Readonly<Record<string, string | null | undefined>> | null
  /** Decoded. */
  readonly multiValueQueryStringParameters?: Readonly<
    Record<string, readonly string[] | null | undefined>
  > | null
  readonly pathParameters?: Readonly<Record<string, string | undefined>> | null
  readonly stageVariables?: Readonly<Record<string, string | undefined>> | null
  readonly requestContext?: RestV1RequestContext | null
  readonly body?: string | null
  readonly isBase64Encoded?: boolean | null
}

export interface RestV1RequestContext {
  readonly accountId?: string
  readonly apiId?: string
  readonly authorizer?: unknown
  readonly domainName?: string
  readonly httpMethod?: string
  readonly identity?: Readonly<Record<string, unknown>>
  /** The path with the stage. */
  readonly path?: string
  readonly protocol?: string
  readonly requestId?: string
  readonly requestTime?: string
  readonly requestTimeEpoch?: number
  readonly resourceId?: string | null
  readonly resourcePath?: string
  readonly stage?: string
}

/**
 * What a function returns to a REST API, or to an HTTP API with payload format 1.0. One key more, and API Gateway
 * answers 502.
 */
export interface ApiGatewayV1Response {
  statusCode: number
  headers: Record<string, string>
  /** Joined to `headers` by the front; only here can a name have several values. */
  multiValueHeaders?: { 'set-cookie': string[] }
  body?: string
  isBase64Encoded: boolean
}

/** A WebSocket API writes such events too; a connection gives it away. */
export function isRestV1Event(event: Fields): boolean {
  const { httpMethod, path, requestContext } = event
  if (typeof httpMethod !== 'string' || typeof path !== 'string') return false
  return !isObject(requestContext) || requestContext.connectionId === undefined
}
