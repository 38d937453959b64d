import { CompiledQuery, type DatabaseConnection, sql, type Transaction } from 'kysely'
import type { Engine } from '../engines/engine.ts'

/**
 * What is to become of the seed, decided when the database is first migrated: `pending` when it was empty then,
 * `none` when it held tables of an application already.
 */
export type SeedState = 'pending' | 'done' | 'none'

export interface State {
  /** Names of the migrations that were applied. */
  readonly applied: ReadonlySet<string>
  readonly seed: SeedState
}

/** What a migration sees of the database: no schema is known to the compiler. */
export type Untyped = Record<string, Record<string, unknown>>

/** Kysely over the connection of a transaction. */
export type OverConnection = (connection: DatabaseConnection) => Transaction<Untyped>

const LOOK = `select name as migration, null as seed from kysely_migration
  union all select null, value from _thaw_state where name = 'seed'`

/** The state in one cheap read; null for a database that Thaw never migrated. */
export async function look(engine: Engine): Promise<State | null> {
  const connection = await engine.acquire()
  try {
    const { rows } = await connection.executeQuery<{ migration: string | null; seed: SeedState | null }>(
      CompiledQuery.raw(LOOK),
    )
    const seed = rows.find((row) => row.seed !== null)?.seed
    if (!seed) return null
    return { applied: new Set(rows.flatMap(({ migration }) => migration ?? [])), seed }
  } catch (error) {
    if (engine.isMissingTable(error)) return null
    throw error
  } finally {
    await connection.release()
  }
}

/** The state, created where there is none, inside an exclusive transaction. */
export async function establish(
  engine: Engine,
  connection: DatabaseConnection,
  tx: Transaction<Untyped>,
): Promise<State> {
  await sql`create table if not exists _thaw_state (name text primary key, value text not null)`.execute(tx)
  const applied = await appliedMigrations(tx)
  const known = await readSeed(tx)
  if (known !== null) return { applied, seed: known }
  const tables = await connection.executeQuery(CompiledQuery.raw(engine.userTables))
  const seed = tables.rows.length === 0 && applied.size === 0 ? 'pending' : 'none'
  await sql`insert into _thaw_state (name, value) values ('seed', ${seed})`.execute(tx)
  return { applied, seed }
}

export async function readSeed(tx: Transaction<Untyped>): Promise<SeedState | null> {
  const { rows } = await sql<{ value: SeedState }>`select value from _thaw_state where name = 'seed'`.execute(
    tx,
  )
  return rows[0]?.value ?? null
}

export async function writeSeed(tx: Transaction<Untyped>, seed: SeedState): Promise<void> {
  await sql`update _thaw_state set value = ${seed} where name = 'seed'`.execute(tx)
}

async function appliedMigrations(tx: Transaction<Untyped>): Promise<Set<string>> {
  const tables = await tx.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some(({ name }) => name === 'kysely_migration')) return new Set()
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(tx)
  return new Set(rows.map(({ name }) => name))
}
