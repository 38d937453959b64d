/** Every error this package throws on purpose. `code` is stable; the message says what to do. */
export class SqliteStoreError extends Error {
  readonly code: string
  /** Whether the same call can succeed when it is made again. */
  readonly retryable: boolean

  constructor(code: string, message: string, options?: { cause?: unknown; retryable?: boolean }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.retryable = options?.retryable ?? false
  }
}

/** Other writers were faster, too often or in a transaction that cannot be run again. Nothing was written. */
export class ConflictError extends SqliteStoreError {
  constructor(message: string) {
    super('CONFLICT', message, { retryable: true })
  }
}

/**
 * The bucket never said whether the transaction arrived. It is applied once or not at all; only a repetition under
 * the same key is safe, so it is not `retryable`.
 */
export class CommitUnknownError extends SqliteStoreError {
  constructor(message: string, cause: unknown) {
    super('COMMIT_UNKNOWN', message, { cause })
  }
}

/**
 * Write-behind: what was acknowledged could not be brought into the bucket now. It is still here, and the next persist
 * tries again; the `cause` says what is wrong.
 */
export class PersistError extends SqliteStoreError {
  /** How many acknowledged writes are in this process only. */
  readonly writes: number

  constructor(message: string, writes: number, cause: unknown) {
    super('PERSIST_FAILED', message, { cause, retryable: true })
    this.writes = writes
  }
}

/**
 * Write-behind: another writer was there, so that what was acknowledged can never be published. It is kept as an LTX
 * file beside the database, and the copy follows what the bucket holds.
 */
export class WriteBehindLostError extends SqliteStoreError {
  /** Name of the object that holds what was lost, below the database's own prefix. */
  readonly object: string
  /** The transaction that it was built on. */
  readonly position: number
  /** How many acknowledged writes are in it. */
  readonly writes: number

  constructor(
    message: string,
    lost: { readonly object: string; readonly position: number; readonly writes: number },
    cause?: unknown,
  ) {
    super('WRITE_BEHIND_LOST', message, { cause })
    this.object = lost.object
    this.position = lost.position
    this.writes = lost.writes
  }
}

/** What the bucket holds does not continue what this replica holds: the history was replaced under it. */
export class HistoryChangedError extends SqliteStoreError {
  constructor(message: string) {
    super('HISTORY_CHANGED', message)
  }
}

/**
 * A bookmark cannot be honoured: it is none (`BOOKMARK_MALFORMED`), is of another database (`BOOKMARK_FOREIGN`), or of
 * a transaction that this one does not have (`BOOKMARK_AHEAD`), as the bucket had it when that was found out.
 */
export class BookmarkError extends SqliteStoreError {
  constructor(code: 'BOOKMARK_MALFORMED' | 'BOOKMARK_FOREIGN' | 'BOOKMARK_AHEAD', message: string) {
    super(code, message)
  }
}

/**
 * The database cannot be had from the bucket: an object is missing (`RESTORE_GAP`) or damaged (`RESTORE_CORRUPT`), or
 * there is no room for it here (`RESTORE_NO_SPACE`).
 */
export class RestoreError extends SqliteStoreError {
  constructor(
    code: 'RESTORE_GAP' | 'RESTORE_CORRUPT' | 'RESTORE_NO_SPACE',
    message: string,
    cause?: unknown,
  ) {
    super(code, message, { cause })
  }
}

/** A transaction ran, or waited, for longer than it may. Nothing of it was written. */
export class TransactionTimeoutError extends SqliteStoreError {
  constructor(message: string) {
    super('TRANSACTION_TIMEOUT', message)
  }
}

/** A handle was used after its transaction or read had ended. */
export class HandleClosedError extends SqliteStoreError {
  constructor(message: string) {
    super('HANDLE_CLOSED', message)
  }
}

/** A long read held up newer transactions for longer than it may, and was ended. */
export class ReadInterruptedError extends SqliteStoreError {
  constructor(message: string) {
    super('READ_INTERRUPTED', message, { retryable: true })
  }
}

/** The database was used from inside one of its own open transactions, which would wait for itself. */
export class NestedUseError extends SqliteStoreError {
  constructor(message: string) {
    super('NESTED_USE', message)
  }
}

/** A statement would break the local copy, or silently not hold. It has done nothing. */
export class StatementRefusedError extends SqliteStoreError {
  constructor(message: string) {
    super('STATEMENT_REFUSED', message)
  }
}

export type OperationErrorCode =
  | 'BAD_OPTION'
  /** There is no database, but a file that seems to be it. */
  | 'FILE_NOT_ADOPTED'
  /** There is nothing to restore, export or fork. */
  | 'DATABASE_EMPTY'
  /** The place for a new database holds one. */
  | 'DATABASE_EXISTS'
  /** Somebody has written to the database since the state that a change was made from. */
  | 'DATABASE_MOVED'
  /** A database keeps the page size that it began with. */
  | 'PAGE_SIZE_DIFFERS'
  /** That state cannot be had (any more). */
  | 'NO_RESTORE_POINT'
  | 'FILE_EXISTS'
  /** A local copy was changed since it was pulled. */
  | 'FILE_CHANGED'
  /** Nothing says which state of the database a local file was made from. */
  | 'FILE_NOT_PULLED'
  | 'FILE_NOT_FOUND'
  | 'FILE_NOT_SQLITE'
  /** SQLite cannot open it, or somebody keeps it locked. */
  | 'FILE_UNREADABLE'
  | 'NO_DIRECTORY'
  /** The temporary directory has no room for the copy that is worked on. */
  | 'NO_SPACE'
  /** SQLite found damage in a file, or in what the bucket holds. */
  | 'INTEGRITY_CHECK_FAILED'
  | 'CLOCK_SKEW'
  /** A lifecycle rule of the bucket deletes what a database needs. */
  | 'EXPIRY_RULE'
  | 'CHECK_FAILED'

/** An operation on a whole database was refused or found something wrong. What was there is as it was. */
export class OperationError extends SqliteStoreError {
  constructor(code: OperationErrorCode, message: string, cause?: unknown) {
    super(code, message, { cause })
  }
}

/** The database was used after `close`. */
export class DatabaseClosedError extends SqliteStoreError {
  constructor(description: string) {
    super('DATABASE_CLOSED', `${description} is closed: open it again before using it`)
  }
}
