import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SeedError } from '../errors.ts'
import { filesOf, messageOf } from './files.ts'

export type SeedRow = Record<string, string | number | boolean | null>

export interface SeedFile {
  readonly path: string
  readonly table: string
  readonly rows: SeedRow[]
}

/**
 * Reads a folder of seeds: files named `01-users.json` or `users.json`, each an array of rows of that table, by name.
 * Arrays and objects inside a row become JSON text.
 * @throws ConfigError when there is no such folder, SeedError
 */
export async function readSeeds(folder: string): Promise<SeedFile[]> {
  const names = (await filesOf(folder, 'seed', 'THAW_SEED')).filter((name) => name.endsWith('.json'))
  const seeds: SeedFile[] = []
  for (const name of names.sort()) {
    const path = join(folder, name)
    const table = name.slice(0, -'.json'.length).replace(/^\d+-/, '')
    seeds.push({ path, table, rows: parse(path, await readFile(path, 'utf8')) })
  }
  return seeds
}

function parse(path: string, text: string): SeedRow[] {
  let rows: unknown
  try {
    rows = JSON.parse(text)
  } catch (cause) {
    throw new SeedError(`seed ${path} is not JSON: ${messageOf(cause)}`, { file: path, row: null, cause })
  }
  if (!Array.isArray(rows))
    throw new SeedError(`seed ${path} is not an array of rows`, { file: path, row: null })
  return rows.map((row, index) => flat(path, row, index))
}

function flat(path: string, row: unknown, index: number): SeedRow {
  if (typeof row !== 'object' || row === null || Array.isArray(row) || Object.keys(row).length === 0) {
    throw new SeedError(
      `seed ${path}, row ${index}: a row is an object of columns, not ${JSON.stringify(row)}`,
      {
        file: path,
        row: index,
      },
    )
  }
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      column,
      typeof value === 'object' && value !== null ? JSON.stringify(value) : value,
    ]),
  )
}
