import type { StatementResult } from '@thaw/sqlite'
import { type CompiledQuery, InsertQueryNode, type QueryResult } from 'kysely'

/** SQL that names the tables of an application in a SQLite database. */
export const SQLITE_USER_TABLES = `select name from sqlite_master where type = 'table'
  and name not like 'sqlite\\_%' escape '\\' and name not like '\\_thaw\\_%' escape '\\'
  and name not like '\\_litestream\\_%' escape '\\' and name not in ('kysely_migration', 'kysely_migration_lock')`

export function isMissingSqliteTable(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('no such table')
}

/** What SQLite did, as Kysely wants to hear it. */
export function toQueryResult<R>(result: StatementResult, query: CompiledQuery): QueryResult<R> {
  const rows = result.rows as R[]
  const numAffectedRows = BigInt(result.changes)
  if (result.changes === 0 || !InsertQueryNode.is(query.query)) return { rows, numAffectedRows }
  return { rows, numAffectedRows, insertId: BigInt(result.lastInsertRowid) }
}
