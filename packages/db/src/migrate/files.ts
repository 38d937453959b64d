import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Migration } from 'kysely/migration'
import { ConfigError, MigrationError } from '../errors.ts'

export interface MigrationFile {
  /** The file's name without its ending: what the database remembers. */
  readonly name: string
  readonly path: string
}

/**
 * The migrations of a folder: modules named like `0001-users.ts` (or `.mts`, `.mjs`, `.js`), by name. Nothing is loaded.
 * @throws ConfigError when there is no such folder, MigrationError when a migration is there twice
 */
export async function listMigrations(folder: string): Promise<MigrationFile[]> {
  const files = new Map<string, MigrationFile>()
  for (const entry of await filesOf(folder, 'migrations', 'THAW_MIGRATIONS')) {
    const name = /^([^.]+)\.(?:ts|mts|mjs|js)$/.exec(entry)?.[1]
    if (name === undefined) continue
    const path = join(folder, entry)
    const other = files.get(name)
    if (other)
      throw new MigrationError(`migration ${name} is there twice: ${other.path} and ${path}`, { file: path })
    files.set(name, { name, path })
  }
  return [...files.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/**
 * Whether there is something to apply.
 * A database may be ahead of the folder: older code goes on working while a newer version rolls out.
 * @throws MigrationError when both have migrations that the other lacks
 */
export function isDue(files: readonly MigrationFile[], applied: ReadonlySet<string>): boolean {
  const pending = files.filter(({ name }) => !applied.has(name))
  const [first] = pending
  if (!first) return false
  const known = new Set(files.map(({ name }) => name))
  const foreign = [...applied].filter((name) => !known.has(name))
  if (foreign.length === 0) return true
  throw new MigrationError(
    `migration ${first.name} (${first.path}) cannot be applied: the database has ${foreign.join(', ')}, which this ` +
      'folder lacks, so the two have parted. Bring the folder up to date',
    { file: first.path },
  )
}

/** @throws MigrationError when the module cannot be loaded or is no migration */
export async function loadMigration({ name, path }: MigrationFile): Promise<Migration> {
  let module: Partial<Migration>
  try {
    module = await import(pathToFileURL(path).href)
  } catch (cause) {
    throw new MigrationError(`migration ${name} (${path}) cannot be loaded: ${messageOf(cause)}`, {
      file: path,
      cause,
    })
  }
  const { up, down } = module
  if (typeof up !== 'function')
    throw new MigrationError(`migration ${name} (${path}) does not export a function "up"`, { file: path })
  return down === undefined ? { up } : { up, down }
}

/** @throws ConfigError when there is no such folder */
export async function filesOf(folder: string, option: string, variable: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (cause) {
    const problem = `the folder ${folder} of the option "${option}" (or ${variable}) cannot be read`
    throw new ConfigError(`${problem}: ${messageOf(cause)}`, cause)
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
