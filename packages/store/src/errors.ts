/** What went wrong, in a word that does not change between versions. */
export type StoreErrorCode =
  /** The store refused the credentials, or they do not permit this. */
  | 'STORE_ACCESS_DENIED'
  /** There is no such bucket (or folder). */
  | 'STORE_NO_BUCKET'
  /** No connection came about: nothing was sent. */
  | 'STORE_UNREACHABLE'
  /** The store was reached and did not do its work: 5xx, 429, a time-out, a connection that broke. */
  | 'STORE_UNAVAILABLE'
  /** The answer makes no sense: cut short, or not what the protocol says. */
  | 'STORE_BAD_ANSWER'
  /** The object no longer has the etag that was asked for. */
  | 'STORE_CHANGED'
  /** The request was signed too far from the store's own clock. */
  | 'STORE_CLOCK_SKEW'
  /** The bucket lives in another region. */
  | 'STORE_WRONG_REGION'
  /** The store accepts conditional puts and ignores the condition: it cannot hold a database. */
  | 'STORE_IGNORES_CONDITIONS'
  /** A name or a range that no store takes. */
  | 'STORE_BAD_KEY'
  | 'STORE_BAD_RANGE'
  /** The caller's signal ended the operation. */
  | 'STORE_ABORTED'
  /** Every other refusal. */
  | 'STORE_REFUSED'

export type StoreOperation = 'get' | 'head' | 'put' | 'list' | 'delete' | 'probe'

export interface StoreErrorDetails {
  readonly operation: StoreOperation
  /** `ObjectStore.description` of the store that was asked. */
  readonly store: string
  readonly key?: string | undefined
  /** HTTP status, where there was an answer. */
  readonly answered?: number | undefined
  /** Default false. */
  readonly unknown?: boolean | undefined
  readonly cause?: unknown
}

const passing: ReadonlySet<StoreErrorCode> = new Set([
  'STORE_UNREACHABLE',
  'STORE_UNAVAILABLE',
  'STORE_CLOCK_SKEW',
])

/** An operation on a store failed. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  readonly operation: StoreOperation
  readonly store: string
  readonly key: string | undefined
  /** HTTP status of the store's answer. Not `status`, which would make it that of whoever fails because of it. */
  readonly answered: number | undefined
  /** True when the store may have done what was asked: a put may be in effect now, or come into effect later. */
  readonly unknown: boolean

  constructor(code: StoreErrorCode, message: string, details: StoreErrorDetails) {
    const what = details.key === undefined ? '' : ` '${details.key}'`
    super(
      `${details.operation}${what} in ${details.store}: ${message}`,
      details.cause === undefined ? undefined : { cause: details.cause },
    )
    this.code = code
    this.operation = details.operation
    this.store = details.store
    this.key = details.key
    this.answered = details.answered
    this.unknown = details.unknown ?? false
  }

  /**
   * True when nothing was done and the store may well do it later: it was out of reach, or out of order, or this
   * machine's clock was wrong, as it is for a while after a freeze.
   */
  get retryable(): boolean {
    return !this.unknown && passing.has(this.code)
  }
}

export type StoreConfigErrorCode =
  | 'STORE_URL_INVALID'
  | 'STORE_SCHEME_UNKNOWN'
  | 'STORE_BUCKET_MISSING'
  | 'STORE_REGION_MISSING'
  | 'STORE_CREDENTIALS_MISSING'

/** The address of a store, or what belongs to it, is not usable. Its message never shows a secret. */
export class StoreConfigError extends Error {
  override readonly name = 'StoreConfigError'
  readonly code: StoreConfigErrorCode

  constructor(code: StoreConfigErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
