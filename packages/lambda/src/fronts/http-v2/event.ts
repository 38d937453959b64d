import { type Fields, isObject } from '../fields.ts'

/**
 * Payload format 2.0 of API Gateway's HTTP API, which Function URLs share. Fields that fronts and tools leave out
 * or send as null are marked so. Source:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export interface HttpV2Event {
  readonly version?: string
  readonly routeKey?: string
  /** An HTTP API's is percent-decoded, a Function URL's is as the client sent it. Begins with a named stage. */
  readonly rawPath: string
  /** As the client sent it, without `?`. */
  readonly rawQueryString?: string | null
  readonly cookies?: readonly string[] | null
  /** Repeated ones are joined with commas. */
  readonly headers?: Readonly<Record<string, string | null | undefined>> | null
  /** Decoded, repeated keys joined with commas. */
  readonly queryStringParameters?: Readonly<Record<string, string | null | undefined>> | null
  readonly pathParameters?: Readonly<Record<string, string | undefined>> | null
  readonly stageVariables?: Readonly<Record<string, string | undefined>> | null
  readonly requestContext: HttpV2RequestContext
  readonly body?: string | null
  readonly isBase64Encoded?: boolean | null
}

export interface HttpV2RequestContext {
  readonly http: {
    readonly method: string
    readonly path?: string
    readonly protocol?: string
    readonly sourceIp?: string
    readonly userAgent?: string
  }
  readonly accountId?: string
  readonly apiId?: string
  readonly authorizer?: unknown
  readonly authentication?: unknown
  readonly domainName?: string
  readonly domainPrefix?: string
  readonly requestId?: string
  readonly routeKey?: string
  readonly stage?: string
  readonly time?: string
  readonly timeEpoch?: number
}

/** What a function returns to an HTTP API (payload format 2.0) or a Function URL. */
export interface ApiGatewayV2Response {
  statusCode: number
  headers: Record<string, string>
  /** One `set-cookie` header each. */
  cookies?: string[]
  body?: string
  isBase64Encoded: boolean
}

export function isHttpV2Event(event: Fields): boolean {
  const { rawPath, requestContext } = event
  const http = isObject(requestContext) ? requestContext.http : undefined
  return typeof rawPath === 'string' && isObject(http) && typeof http.method === 'string'
}
