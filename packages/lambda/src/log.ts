import type { Arrival } from './invocation.ts'

/** What every structured log line has. */
export interface LogLine {
  readonly level: 'ERROR' | 'WARN' | 'INFO'
  /** ISO 8601. */
  readonly time: string
  readonly message: string
  readonly requestId: string
  /** The X-Ray trace, where there is one. */
  readonly traceId?: string
  readonly coldStart: boolean
  /** What was thrown. */
  readonly error?: LoggedError
}

/** One request and what became of it. */
export interface LogRecord extends LogLine {
  readonly method: string
  /** Without the query, which may hold secrets. */
  readonly path: string
  /** What the client was answered. */
  readonly status: number
  /** From the event's arrival to the end of the answer, in milliseconds. */
  readonly durationMs: number
}

/** One message of a queue that failed, or several that were not begun. */
export interface MessageRecord extends LogLine {
  readonly queue: string
  /** Absent where the line is about several. */
  readonly messageId?: string
  /** How often the message has been received, this time included. */
  readonly receiveCount?: number
}

export interface LoggedError {
  readonly name: string
  readonly message: string
  readonly code?: string | number
  readonly stack?: string
  readonly cause?: LoggedError
  /** The parts of an `AggregateError`. */
  readonly errors?: LoggedError[]
}

/** Plain data of whatever was thrown. Causes are followed to a depth of 8. */
export function describeError(error: unknown, depth = 8): LoggedError {
  if (!(error instanceof Error)) return { name: typeof error, message: describeValue(error) }
  const { code } = error as { code?: unknown }
  return {
    // Anybody can put anything there, also what no JSON can hold.
    name: `${error.name}`,
    message: `${error.message}`,
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(depth > 0 && error.cause !== undefined && { cause: describeError(error.cause, depth - 1) }),
    ...(depth > 0 &&
      error instanceof AggregateError && {
        errors: error.errors.map((part) => describeError(part, depth - 1)),
      }),
  }
}

function describeValue(value: unknown): string {
  try {
    return typeof value === 'object' ? JSON.stringify(value) : String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

/** The beginning of a line about `arrival`. */
export function logLine(
  level: LogLine['level'],
  message: string,
  { requestId, traceId, coldStart }: Arrival,
): LogLine {
  const time = new Date().toISOString()
  return { level, time, message, requestId, ...(traceId !== null && { traceId }), coldStart }
}

/** Writes a record as one line of JSON, where Lambda's log collects it; an error or a warning on standard error. */
export function writeLog(record: LogLine): void {
  const line = JSON.stringify(record)
  if (record.level === 'INFO') console.log(line)
  else console.error(line)
}
