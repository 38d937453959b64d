import { registryTable } from '@thaw/lambda'
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('entries')
    .addColumn('id', 'text', (c) => c.primaryKey().notNull())
    .addColumn('text', 'text', (c) => c.notNull())
    .addColumn('greeting', 'text')
    .execute()
  await db.schema
    .createTable('census')
    .addColumn('key', 'text', (c) => c.primaryKey().notNull())
    .addColumn('due_at', 'text')
    .addColumn('entries', 'integer', (c) => c.notNull())
    .execute()
  await sql.raw(registryTable()).execute(db)
}
