import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>) {
  await db.schema
    .createTable('notes')
    .addColumn('text', 'text', (column) => column.notNull())
    .execute()
}
