import type { Kysely } from 'kysely'
import type { Schema } from '../schema.ts'
import { BATCH, batches } from './batches.ts'
import type { Rows } from './body.ts'
import { checkReferences } from './references.ts'
import { TABLES, type TableName, tables } from './tables.ts'

/** Rows stored in each table. */
export type Counts = { [T in TableName]: number }

/** Stores every row or, with `RequestError`, none. A row whose key is there already replaces it whole. */
export async function storeRows(tx: Kysely<Schema>, rows: Rows): Promise<Counts> {
  await checkReferences(tx, rows)
  const counts: Counts = { users: 0, accounts: 0, transactions: 0, liabilities: 0 }
  for (const table of TABLES) {
    for (const batch of batches<Schema[TableName]>(rows[table], BATCH)) {
      await upsert(tx, table, batch)
      counts[table] += batch.length
    }
  }
  return counts
}

async function upsert(tx: Kysely<Schema>, table: TableName, rows: Schema[TableName][]): Promise<void> {
  const { key, fields } = tables[table]
  const others = Object.keys(fields).filter((column) => column !== key)
  // Which table it is, and so which columns there are, is known at run time only.
  const untyped = tx as unknown as Kysely<Record<string, Record<string, unknown>>>
  await untyped
    .insertInto(table)
    .values(rows as unknown as Record<string, unknown>[])
    .onConflict((conflict) =>
      conflict
        .column(key)
        .doUpdateSet(({ ref }) =>
          Object.fromEntries(others.map((column) => [column, ref(`excluded.${column}`)])),
        ),
    )
    .execute()
}
