/** The command line itself is wrong. Ends the process with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code = 'USAGE'
}

/** `thaw dev` cannot run the project. */
export class DevError extends Error {
  override readonly name = 'DevError'
  readonly code: 'ALREADY_RUNNING'

  constructor(code: 'ALREADY_RUNNING', message: string) {
    super(message)
    this.code = code
  }
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
