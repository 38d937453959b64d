/** The command line itself is wrong. Ends the process with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code = 'USAGE'
}

/** A function could not be invoked. `code` is Lambda's own name, or `FUNCTION_UNKNOWN` or `SIMULATOR_UNREACHABLE`. */
export class InvokeError extends Error {
  override readonly name = 'InvokeError'
  readonly code: string

  constructor(code: string, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
  }
}
