import {
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely'
import type { EngineName } from './url.ts'

/** What of a Kysely dialect is known before an engine is loaded: the SQL. */
export function dialectOf(engine: EngineName, driver: Driver): Dialect {
  if (engine === 'sqlite') {
    return {
      createDriver: () => driver,
      createAdapter: () => new ThawSqliteAdapter(),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createIntrospector: (db) => new SqliteIntrospector(db),
    }
  }
  return {
    createDriver: () => driver,
    createAdapter: () => new ThawPostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (db) => new PostgresIntrospector(db),
  }
}

/** Kysely's adapter would let one query run at a time, and takes SQLite's schema changes for not transactional. */
class ThawSqliteAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }

  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/**
 * Kysely's adapter takes a lock of the session and gives it back with a statement, which fails in a transaction that
 * has failed and hides why. Inside a transaction a lock that ends with it does the same.
 */
class ThawPostgresAdapter extends PostgresAdapter {
  override async acquireMigrationLock(...args: LockArguments): Promise<void> {
    if (!args[0].isTransaction) return super.acquireMigrationLock(...args)
    await sql`select pg_advisory_xact_lock(3853314791062309107)`.execute(args[0])
  }

  override async releaseMigrationLock(...args: LockArguments): Promise<void> {
    if (!args[0].isTransaction) await super.releaseMigrationLock(...args)
  }
}

type LockArguments = Parameters<PostgresAdapter['acquireMigrationLock']>
