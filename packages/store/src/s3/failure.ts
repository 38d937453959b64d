import { StoreError, type StoreErrorCode, type StoreOperation } from '../errors.ts'
import { type Answer, ConnectionError } from './connection.ts'
import { element } from './xml.ts'

/** Which request failed. */
export interface Context {
  readonly operation: StoreOperation
  readonly store: string
  /** For messages. */
  readonly endpoint: string
  readonly key?: string | undefined
  /** A step towards a put that brings no object about, whatever becomes of it. */
  readonly preparing?: boolean
}

/** S3's own word for what went wrong, from the body of an answer; null without one. */
export function errorCode(answer: Answer): string | null {
  return element(text(answer), 'Code')
}

/** The error for an answer that is not what was hoped for. */
export function refusal(answer: Answer, context: Context): StoreError {
  const said = errorCode(answer)
  const { status } = answer
  const passing = isPassing(status, said)
  const code = passing ? 'STORE_UNAVAILABLE' : codeOf(status, said, answer)
  const quoted = [`HTTP ${status}`, said, element(text(answer), 'Message')].filter(Boolean).join(', ')
  const advice = adviceFor(code, answer)
  return new StoreError(code, `${quoted}${advice && `; ${advice}`}`, {
    ...base(context),
    answered: status,
    unknown: passing && writes(context),
  })
}

/** The error for an answer that never came, or not whole. */
export function interruption(error: unknown, context: Context): StoreError {
  if (!(error instanceof ConnectionError)) throw error
  const details = { ...base(context), cause: error }
  if (error.fault === 'unreachable')
    return new StoreError(
      'STORE_UNREACHABLE',
      `cannot connect to ${context.endpoint}: ${error.message}`,
      details,
    )
  const code = error.fault === 'aborted' ? 'STORE_ABORTED' : 'STORE_UNAVAILABLE'
  return new StoreError(code, `${context.endpoint}: ${error.message}`, {
    ...details,
    unknown: writes(context),
  })
}

/** The error for an answer that does not say what it must. */
export function nonsense(message: string, answer: Answer, context: Context): StoreError {
  const details = { ...base(context), answered: answer.status, unknown: writes(context) }
  return new StoreError('STORE_BAD_ANSWER', `${context.endpoint}: ${message}`, details)
}

function base({ operation, store, key }: Context) {
  return { operation, store, key }
}

function writes({ operation, preparing }: Context): boolean {
  return (operation === 'put' && !preparing) || operation === 'delete'
}

/** The store may do at another time what it did not do now. 501 says that it never will. */
function isPassing(status: number, said: string | null): boolean {
  return (status >= 500 && status !== 501) || status === 429 || status === 408 || said === 'RequestTimeout'
}

const denials = new Set(['ExpiredToken', 'InvalidToken', 'TokenRefreshRequired', 'InvalidAccessKeyId'])

function codeOf(status: number, said: string | null, answer: Answer): StoreErrorCode {
  if (said === 'RequestTimeTooSkewed') return 'STORE_CLOCK_SKEW'
  if (said === 'NoSuchBucket') return 'STORE_NO_BUCKET'
  if (status === 301 || status === 307 || said === 'IllegalLocationConstraintException')
    return 'STORE_WRONG_REGION'
  if (said === 'AuthorizationHeaderMalformed' && regionOf(answer)) return 'STORE_WRONG_REGION'
  if (status === 401 || status === 403 || (said !== null && denials.has(said))) return 'STORE_ACCESS_DENIED'
  return 'STORE_REFUSED'
}

function adviceFor(code: StoreErrorCode, answer: Answer): string {
  const region = regionOf(answer)
  switch (code) {
    case 'STORE_WRONG_REGION':
      return `the bucket is in ${region ?? 'another region'}: set its region in the URL or in AWS_REGION`
    case 'STORE_NO_BUCKET':
      return 'create the bucket, or correct its name'
    case 'STORE_CLOCK_SKEW':
      return 'set the clock of this machine'
    case 'STORE_ACCESS_DENIED':
      return 'check the credentials, and that they allow s3:GetObject, PutObject, DeleteObject and ListBucket'
    default:
      return ''
  }
}

function regionOf(answer: Answer): string | null {
  const header = answer.headers['x-amz-bucket-region']
  return typeof header === 'string' ? header : element(text(answer), 'Region')
}

function text(answer: Answer): string {
  return new TextDecoder().decode(answer.body.subarray(0, 65_536))
}
