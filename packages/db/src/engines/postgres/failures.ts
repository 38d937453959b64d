import pg from 'pg'

/** Whether a transaction failed because of what others did at the same time: run again, it may succeed. */
export function isConflict(error: unknown): boolean {
  return hasCode(error, '40001', '40P01')
}

export function isMissingPostgresTable(error: unknown): boolean {
  return hasCode(error, '42P01')
}

/** Whether the server ended the session with this error. */
export function isFatal(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.severity === 'FATAL' || error.severity === 'PANIC')
}

/**
 * Whether an attempt to connect may succeed later: the server is starting, resuming from zero, failing over or
 * full. "No pg_hba.conf entry" is among what Aurora says while it resumes.
 */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError) return error.errors.some(isPassing)
  if (hasCode(error, '57P01', '57P02', '57P03', '53300')) return true
  if (
    hasCode(
      error,
      'ECONNREFUSED',
      'ECONNRESET',
      'ETIMEDOUT',
      'EPIPE',
      'EHOSTUNREACH',
      'ENETUNREACH',
      'EAI_AGAIN',
    )
  )
    return true
  return /timeout expired|Connection terminated|no pg_hba\.conf entry/.test(error.message)
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
