import { type Migration, Migrator } from 'kysely/migration'
import type { Engine } from '../engines/engine.ts'
import { MigrationError } from '../errors.ts'
import { isDue, loadMigration, type MigrationFile, messageOf } from './files.ts'
import { establish, type OverConnection, type SeedState } from './state.ts'

/** What a run has applied, in order, and what is to become of the seed. */
export interface Migrated {
  readonly names: string[]
  readonly seed: SeedState
}

/**
 * Applies every migration that the database lacks, all in one transaction, while no other environment does.
 * @throws MigrationError; nothing is applied then
 */
export function migrate(engine: Engine, over: OverConnection, files: MigrationFile[]): Promise<Migrated> {
  return engine.exclusive(async (connection) => {
    const tx = over(connection)
    const { applied, seed } = await establish(engine, connection, tx)
    // With nothing applied yet, Kysely's own tables may be missing too.
    if (!isDue(files, applied) && applied.size > 0) return { names: [], seed }
    const migrator = new Migrator({ db: tx, provider: { getMigrations: () => load(files) } })
    const { error, results = [] } = await migrator.migrateToLatest()
    if (error === undefined) return { names: results.map(({ migrationName }) => migrationName), seed }
    if (error instanceof MigrationError) throw error
    const failed = results.find(({ status }) => status === 'Error')?.migrationName
    const file = files.find(({ name }) => name === failed)?.path ?? null
    const what =
      failed === undefined ? 'the database cannot be migrated' : `migration ${failed} (${file}) failed`
    throw new MigrationError(`${what}, nothing was applied: ${messageOf(error)}`, { file, cause: error })
  })
}

async function load(files: readonly MigrationFile[]): Promise<Record<string, Migration>> {
  const migrations: Record<string, Migration> = {}
  for (const file of files) migrations[file.name] = await loadMigration(file)
  return migrations
}
