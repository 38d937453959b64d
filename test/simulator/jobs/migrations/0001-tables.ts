import { registryTable } from '@thaw/lambda'
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>) {
  // Nothing forbids the same job twice: work that is done twice is seen.
  await db.schema
    .createTable('results')
    .addColumn('job', 'text', (column) => column.notNull())
    .execute()
  await sql.raw(registryTable()).execute(db)
}
