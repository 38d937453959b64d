import { type Fields, isObject } from '../fields.ts'

/**
 * The event of a VPC Lattice service with event structure V2. Source:
 * https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
 */
export interface LatticeV2Event {
  readonly version?: string
  readonly method: string
  /** As the client sent it, with the query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, readonly string[] | null | undefined>> | null
  readonly queryStringParameters?: Readonly<Record<string, readonly string[] | null | undefined>> | null
  readonly requestContext: LatticeV2RequestContext
  readonly body?: string | null
  readonly isBase64Encoded?: boolean | null
}

export interface LatticeV2RequestContext {
  readonly serviceNetworkArn?: string
  readonly serviceArn?: string
  readonly targetGroupArn?: string
  readonly region?: string
  readonly timeEpoch?: string
  readonly identity?: Readonly<Record<string, unknown>>
}

/** What a function returns to VPC Lattice. A name has one value only. */
export interface LatticeV2Response {
  statusCode: number
  /** `200 OK`. */
  statusDescription: string
  headers: Record<string, string>
  body?: string
  isBase64Encoded: boolean
}

export function isLatticeV2Event(event: Fields): boolean {
  const { method, path, requestContext } = event
  if (typeof method !== 'string' || typeof path !== 'string' || !isObject(requestContext)) return false
  return typeof requestContext.serviceArn === 'string' || typeof requestContext.serviceNetworkArn === 'string'
}
