import type { Engine } from '../engines/engine.ts'
import { isDue, listMigrations } from './files.ts'
import { look, type OverConnection } from './state.ts'

/** Absolute paths; null for none. */
export interface Folders {
  readonly migrations: string | null
  readonly seed: string | null
}

/** What making a database ready came to. */
export interface Preparation {
  /** Names of the migrations that this process has applied, in order. */
  readonly migrations: readonly string[]
  /** How many rows this process has seeded; null when there was nothing to seed, or another process did it. */
  readonly seededRows: number | null
}

/**
 * Brings a database to where the application wants it, exactly once however many environments begin together: migrations
 * in one transaction, the seed in the next. A database where nothing is to be done costs one read.
 * @throws ConfigError, MigrationError, SeedError
 */
export async function prepare(engine: Engine, over: OverConnection, folders: Folders): Promise<Preparation> {
  if (folders.migrations === null && folders.seed === null) return { migrations: [], seededRows: null }
  const files = folders.migrations === null ? [] : await listMigrations(folders.migrations)
  const state = await look(engine)
  // What runs once in a database's life is not loaded at every start.
  const migrated =
    state !== null && !isDue(files, state.applied)
      ? { names: [], seed: state.seed }
      : await (await import('./migrate.ts')).migrate(engine, over, files)
  const seededRows =
    folders.seed !== null && migrated.seed === 'pending'
      ? await (await import('./seed.ts')).seed(engine, over, folders.seed)
      : null
  return { migrations: migrated.names, seededRows }
}
