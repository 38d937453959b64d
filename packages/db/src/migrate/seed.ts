import { sql, type Transaction } from 'kysely'
import type { Engine } from '../engines/engine.ts'
import { SeedError } from '../errors.ts'
import { messageOf } from './files.ts'
import { readSeeds, type SeedFile, type SeedRow } from './seed-files.ts'
import { type OverConnection, readSeed, type Untyped, writeSeed } from './state.ts'

/** SQLite takes 32,766 parameters a statement, PostgreSQL 65,535. */
const MAX_PARAMETERS = 32_000
const MAX_ROWS = 1_000

/**
 * Fills a new database, in one transaction, unless somebody has done it. When a table of the seed holds rows already,
 * an application without the seed came first: the database is left alone, now and later.
 * @returns how many rows were inserted; null when nothing was to be done
 * @throws SeedError; nothing is inserted then
 */
export async function seed(engine: Engine, over: OverConnection, folder: string): Promise<number | null> {
  const files = await readSeeds(folder)
  return engine.exclusive(async (connection) => {
    const tx = over(connection)
    if ((await readSeed(tx)) !== 'pending') return null
    for (const file of files) {
      if (!(await hasRows(tx, file))) continue
      await writeSeed(tx, 'none')
      return null
    }
    let count = 0
    for (const file of files) {
      await insert(tx, file)
      count += file.rows.length
    }
    await writeSeed(tx, 'done')
    return count
  })
}

async function hasRows(tx: Transaction<Untyped>, { path, table }: SeedFile): Promise<boolean> {
  try {
    const { rows } = await sql`select 1 from ${sql.table(table)} limit 1`.execute(tx)
    return rows.length > 0
  } catch (cause) {
    throw new SeedError(`seed ${path}: table ${table} cannot be read: ${messageOf(cause)}`, {
      file: path,
      row: null,
      cause,
    })
  }
}

async function insert(tx: Transaction<Untyped>, { path, table, rows }: SeedFile): Promise<void> {
  for (let start = 0; start < rows.length; ) {
    const batch = batchAt(rows, start)
    const end = start + batch.length
    try {
      await tx.insertInto(table).values(batch).execute()
    } catch (cause) {
      const where = batch.length === 1 ? `row ${start}` : `rows ${start} to ${end - 1}`
      throw new SeedError(`seed ${path}, ${where}: ${messageOf(cause)}`, { file: path, row: start, cause })
    }
    start = end
  }
}

/** The longest run of rows with the same columns that one statement takes: a column that is left out keeps its default. */
function batchAt(rows: readonly SeedRow[], start: number): SeedRow[] {
  const columnsOf = (row: SeedRow | undefined) => JSON.stringify(Object.keys(row ?? {}))
  const columns = columnsOf(rows[start])
  const limit = Math.min(
    MAX_ROWS,
    Math.max(1, Math.floor(MAX_PARAMETERS / Object.keys(rows[start] ?? {}).length)),
  )
  let end = start + 1
  while (end < rows.length && end - start < limit && columnsOf(rows[end]) === columns) end++
  return rows.slice(start, end)
}
