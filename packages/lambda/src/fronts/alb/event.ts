import { type Fields, isObject } from '../fields.ts'

/**
 * The event of an Application Load Balancer. Its target group says whether it has the maps of single values or, with
 * `lambda.multi_value_headers.enabled`, those of lists. Source:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
 */
export interface AlbEvent {
  readonly requestContext: { readonly elb: { readonly targetGroupArn?: string } }
  readonly httpMethod: string
  /** As the client sent it. */
  readonly path: string
  /** Of repeated ones the last. */
  readonly headers?: Readonly<Record<string, string | null | undefined>> | null
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[] | null | undefined>> | null
  /** Names and values as the client sent them, not decoded; of repeated ones the last. */
  readonly queryStringParameters?: Readonly<Record<string, string | null | undefined>> | null
  /** Names and values as the client sent them, not decoded. */
  readonly multiValueQueryStringParameters?: Readonly<
    Record<string, readonly string[] | null | undefined>
  > | null
  readonly body?: string | null
  readonly isBase64Encoded?: boolean | null
}

/** What a function returns to a load balancer: headers in the form in which the event had them. */
export interface AlbResponse {
  statusCode: number
  /** `200 OK`. */
  statusDescription: string
  headers?: Record<string, string>
  multiValueHeaders?: Record<string, string[]>
  body?: string
  isBase64Encoded: boolean
}

export function isAlbEvent(event: Fields): boolean {
  const { requestContext, httpMethod, path } = event
  const isElb = isObject(requestContext) && isObject(requestContext.elb)
  return isElb && typeof httpMethod === 'string' && typeof path === 'string'
}
