import { MalformedEventError, NotHttpEventError } from '../../errors.ts'

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

/** Throws `NotHttpEventError`, which says what was seen, unless `event` has the shape of payload format 2.0. */
export function checkHttpV2Event(event: unknown): asserts event is HttpV2Event {
  const { rawPath, requestContext } = isObject(event) ? event : {}
  const http = isObject(requestContext) ? requestContext.http : undefined
  if (typeof rawPath === 'string' && isObject(http) && typeof http.method === 'string') return
  throw new NotHttpEventError(describe(event))
}

function describe(event: unknown): string {
  if (event === undefined || event === null) return String(event)
  if (Array.isArray(event)) return 'an array'
  if (!isObject(event)) return `a ${typeof event}`
  const keys = Object.keys(event)
  if (keys.length === 0) return 'an empty object'
  return `an object with the keys ${keys.slice(0, 20).join(', ')}${keys.length > 20 ? ', …' : ''}`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A field that is a string, or null when it is absent. Throws `MalformedEventError` for anything else. */
export function text(value: unknown, field: string): string | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return value
  throw new MalformedEventError(field, `must be a string, not ${typeof value}.`)
}

/** The pairs of a map of strings without those that are null. Throws `MalformedEventError`. */
export function textPairs(value: unknown, field: string): [name: string, value: string][] {
  if (value === undefined || value === null) return []
  if (!isObject(value)) throw new MalformedEventError(field, `must be an object, not ${describe(value)}.`)
  return Object.entries(value).flatMap(([name, entry]): [string, string][] => {
    const entryText = text(entry, `${field}.${name}`)
    return entryText === null ? [] : [[name, entryText]]
  })
}

/** A list of strings; absent is empty. Throws `MalformedEventError`. */
export function textList(value: unknown, field: string): string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new MalformedEventError(field, `must be an array, not ${typeof value}.`)
  return value.map((entry, index) => {
    if (typeof entry === 'string') return entry
    throw new MalformedEventError(`${field}[${index}]`, 'must be a string.')
  })
}
