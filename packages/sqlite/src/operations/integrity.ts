import type { DatabaseSync } from 'node:sqlite'
import { OperationError } from '../errors.ts'

const SHOWN = 5
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

/**
 * Has SQLite look at every page and every index.
 * @param name of the database in the message
 * @throws OperationError `INTEGRITY_CHECK_FAILED`
 */
export function checkIntegrity(db: DatabaseSync, name: string): void {
  const found = orDamaged(name, () => db.prepare(`PRAGMA integrity_check(${SHOWN})`).all())
  const lines = found.flatMap((row) => Object.values(row).map(String))
  if (lines.length === 1 && lines[0] === 'ok') return
  throw damaged(name, lines.join('; '))
}

/** Runs `fn`; what SQLite throws becomes an error that names the database. */
export function orDamaged<T>(name: string, fn: () => T): T {
  try {
    return fn()
  } catch (error) {
    throw sqliteCode(error) === null ? error : damaged(name, messageOf(error), error)
  }
}

/** Whether SQLite itself says that a file is damaged. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB
}

/** The primary result code of an error of SQLite; null for any other error. */
export function sqliteCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : null
}

/** What an error says, without its class. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export function damaged(name: string, found: string, cause?: unknown): OperationError {
  return new OperationError(
    'INTEGRITY_CHECK_FAILED',
    `${name} does not pass the integrity check of SQLite: ${found}. Take an earlier copy of it`,
    cause,
  )
}
