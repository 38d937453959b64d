/** Every error that this package throws on purpose. `code` is stable; the message says what to do. */
export class DatabaseError extends Error {
  readonly code: string
  /** Whether the same call can succeed when it is made again. */
  readonly retryable: boolean

  constructor(code: string, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.retryable = options.retryable ?? false
  }
}

/** `DATABASE_URL`, a folder or another setting is missing or makes no sense. Passwords are never shown. */
export class ConfigError extends DatabaseError {
  constructor(message: string, cause?: unknown) {
    super('DATABASE_CONFIG', message, { cause })
  }
}

/** The local file cannot be opened. */
export class OpenError extends DatabaseError {
  constructor(message: string, cause?: unknown) {
    super('OPEN_FAILED', message, { cause })
  }
}

/** No connection to the server came about; nothing was sent. */
export class ConnectError extends DatabaseError {
  constructor(message: string, options: { cause: unknown; retryable: boolean }) {
    super('CONNECT_FAILED', message, options)
  }
}

/** The connection broke while a statement was under way, in a transaction that the server rolls back. */
export class ConnectionLostError extends DatabaseError {
  constructor(description: string, cause: unknown) {
    super('CONNECTION_LOST', `the connection to ${description} broke: nothing was committed, try again`, {
      cause,
      retryable: true,
    })
  }
}

/** Others changed what this transaction read or wrote. It was undone as a whole. */
export class ConflictError extends DatabaseError {
  constructor(message: string, cause?: unknown) {
    super('CONFLICT', message, { cause, retryable: true })
  }
}

/**
 * What was written is in effect or it is not: the answer was lost. Not `retryable`, because only a repetition with the
 * same `key` is harmless.
 */
export class CommitUnknownError extends DatabaseError {
  constructor(message: string, cause?: unknown) {
    super('COMMIT_UNKNOWN', message, { cause, retryable: false })
  }
}

/** The database was busy for longer than one waits. Nothing was done. */
export class BusyError extends DatabaseError {
  constructor(message: string, cause?: unknown) {
    super('DATABASE_BUSY', message, { cause, retryable: true })
  }
}

/** The database was used from inside one of its own open transactions, which would wait for itself. */
export class NestedUseError extends DatabaseError {
  constructor(what: string) {
    super(
      'NESTED_USE',
      `the database was used inside its own ${what}, which would wait for itself: ` +
        `use the object that the function was given ("tx") for everything in it`,
    )
  }
}

/** A transaction was used after its function had ended. */
export class TransactionEndedError extends DatabaseError {
  constructor() {
    super(
      'TRANSACTION_ENDED',
      'this transaction has ended: use it only inside its function, and await everything there',
    )
  }
}

/** A statement failed, was caught, and the server undid the whole transaction for it. Nothing was written. */
export class TransactionAbortedError extends DatabaseError {
  constructor(cause: unknown) {
    super(
      'TRANSACTION_ABORTED',
      'nothing was written: a statement of this transaction failed, and PostgreSQL then undoes all of it, ' +
        'even if the error is caught (use `on conflict`, or a savepoint)',
      { cause },
    )
  }
}

/** A value that the database cannot hold was given as a parameter. The statement was not run. */
export class ParameterError extends DatabaseError {
  constructor(message: string) {
    super('BAD_PARAMETER', message)
  }
}

/** The text holds more than one statement. None was run. */
export class StatementError extends DatabaseError {
  constructor(message: string) {
    super('BAD_STATEMENT', message)
  }
}

/** The `key` of an `atomic` call is not usable. */
export class KeyError extends DatabaseError {
  constructor(message: string) {
    super('BAD_KEY', message)
  }
}

/** A migration failed. Nothing of any pending migration is applied; the next use tries again. */
export class MigrationError extends DatabaseError {
  /** The migration's file; null when the fault is not one file's. */
  readonly file: string | null

  constructor(message: string, options: { file: string | null; cause?: unknown }) {
    super('MIGRATION_FAILED', message, { cause: options.cause, retryable: isRetryable(options.cause) })
    this.file = options.file
  }
}

/** The seed cannot be used. None of it is in the database; the next use tries again. */
export class SeedError extends DatabaseError {
  readonly file: string
  /** Position of the row in the file, from 0; null when the fault is not one row's. */
  readonly row: number | null

  constructor(message: string, options: { file: string; row: number | null; cause?: unknown }) {
    super('SEED_FAILED', message, { cause: options.cause, retryable: isRetryable(options.cause) })
    this.file = options.file
    this.row = options.row
  }
}

/** The database was used after `shutdown` or `destroy`. */
export class ClosedError extends DatabaseError {
  constructor(description: string) {
    super('DATABASE_CLOSED', `${description} is closed: connect again before using it`)
  }
}

function isRetryable(cause: unknown): boolean {
  return cause instanceof DatabaseError && cause.retryable
}
