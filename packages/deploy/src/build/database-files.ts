import { readdir, readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { LoadedApp } from '@thaw/app'
import { BuildError, type SourceProblem } from '../errors.ts'

/** What of the database goes into every package. */
export interface DatabaseFiles {
  /** Sources of migrations, relative to the root, by their name without ending. */
  readonly migrations: ReadonlyMap<string, string>
  /** Bytes of seed files by their place in the zip: `data/01-users.json`. */
  readonly seeds: ReadonlyMap<string, Uint8Array>
  /** Where they are in the zip, as variables for `@thaw/db`, relative to the function's folder. */
  readonly environment: Readonly<Record<string, string>>
}

/** Reads the folders of migrations and seeds. Throws `BuildError` for two migrations of one name and bad JSON. */
export async function readDatabaseFiles({ app, root }: LoadedApp): Promise<DatabaseFiles> {
  const { migrations: migrationFolder, seed: seedFolder } = app.database ?? {}
  const problems: SourceProblem[] = []
  const migrations = new Map<string, string>()
  const seeds = new Map<string, Uint8Array>()
  const report = (file: string, message: string) => problems.push({ file, line: null, column: null, message })

  for (const file of await list(root, migrationFolder, /\.[cm]?[jt]s$/)) {
    if (/\.d\.[cm]?ts$|\.test\.[cm]?[jt]s$/.test(file)) continue
    const name = posix.basename(file).replace(/\.[cm]?[jt]s$/, '')
    const other = migrations.get(name)
    if (other !== undefined) report(file, `'${other}' has the same name; rename one of the two migrations`)
    else migrations.set(name, file)
  }
  for (const file of await list(root, seedFolder, /\.json$/)) {
    const bytes = await readFile(join(root, file))
    const problem = jsonProblem(bytes)
    if (problem !== null) report(file, problem)
    seeds.set(`data/${posix.basename(file)}`, bytes)
  }
  if (problems.length > 0) throw new BuildError(problems)
  const environment = {
    ...(migrationFolder === undefined ? {} : { THAW_MIGRATIONS: './migrations' }),
    ...(seedFolder === undefined ? {} : { THAW_SEED: './data' }),
  }
  return { migrations, seeds, environment }
}

async function list(root: string, folder: string | undefined, pattern: RegExp): Promise<string[]> {
  if (folder === undefined) return []
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory() && pattern.test(entry.name))
    .map((entry) => posix.join(folder, entry.name))
    .sort()
}

function jsonProblem(bytes: Uint8Array): string | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return Array.isArray(value) ? null : 'is no list of rows; a seed file holds one table as a JSON array'
  } catch (error) {
    return `is no JSON: ${error instanceof Error ? error.message : String(error)}`
  }
}
