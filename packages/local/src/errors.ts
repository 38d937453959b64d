export type LocalErrorCode =
  /** Something else listens on the port already. */
  | 'PORT_IN_USE'
  /** The address cannot be listened on; the reason is the `cause`. */
  | 'LISTEN_FAILED'
  /** Options that exclude each other, or a value out of range. */
  | 'OPTION_INVALID'
  /** The application has no function of that name. */
  | 'FUNCTION_UNKNOWN'
  /** A Web Function takes HTTP requests and no events. */
  | 'FUNCTION_IS_WEB'
  /** There is no environment of that id, or it has ended. */
  | 'ENVIRONMENT_UNKNOWN'
  /** Every environment that may exist is busy (Lambda's 429, `TooManyRequestsException`). */
  | 'TOO_MANY_REQUESTS'
  /** An event over Lambda's limit of 6 MB (Lambda's 413, `RequestTooLargeException`). */
  | 'EVENT_TOO_LARGE'
  /** A function of the application has no package. */
  | 'PACKAGE_MISSING'
  /** A package is no zip archive, or holds what no package may hold. */
  | 'PACKAGE_INVALID'
  /** A function failed, or ended, in the middle of a streamed response. */
  | 'RESPONSE_BROKEN_OFF'
  /** The simulator was closed before the invocation ended. */
  | 'CLOSED'

/** What the simulator cannot do for its caller. Failures of functions are results, not errors. */
export class LocalError extends Error {
  override readonly name = 'LocalError'
  readonly code: LocalErrorCode

  constructor(code: LocalErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
  }
}
