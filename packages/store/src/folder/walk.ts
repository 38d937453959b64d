import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { canBeginName, compareKeys, keyFault, reservedSegment } from '../keys.ts'
import type { ObjectInfo } from '../object-store.ts'
import { isAbsent } from './errors.ts'
import { look } from './files.ts'

/** How many files are looked at together. */
const batch = 64

/** The objects in a folder whose names begin with `prefix` and are greater than `startAfter`, in order. */
export async function* walk(root: string, prefix: string, startAfter: string): AsyncGenerator<ObjectInfo> {
  if (!canBeginName(prefix)) return // and nothing outside of the folder is looked at
  const base = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  yield* walkDirectory(root, base, prefix, startAfter)
}

/** `lead` is the directory's name with its closing "/", or empty for the root. */
async function* walkDirectory(
  root: string,
  lead: string,
  prefix: string,
  startAfter: string,
): AsyncGenerator<ObjectInfo> {
  const names = (await entries(join(root, lead)))
    .filter((entry) => entry.name !== reservedSegment)
    // With its "/", a directory stands where the names inside it stand.
    .map((entry) => lead + entry.name + (entry.isDirectory() ? '/' : ''))
    .filter((name) => name.startsWith(prefix) && keyFault(name.replace(/\/$/, '')) === null)
    .filter(
      (name) => compareKeys(name, startAfter) > 0 || (name.endsWith('/') && startAfter.startsWith(name)),
    )
    .sort(compareKeys)

  let files: string[] = []
  for (const name of names) {
    if (!name.endsWith('/')) files.push(name)
    if (files.length < batch && !name.endsWith('/')) continue
    yield* describeAll(root, files)
    files = []
    if (name.endsWith('/')) yield* walkDirectory(root, name, prefix, startAfter)
  }
  yield* describeAll(root, files)
}

async function entries(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

async function* describeAll(root: string, keys: readonly string[]): AsyncGenerator<ObjectInfo> {
  const found = await Promise.all(keys.map((key) => look(root, key)))
  for (const object of found) if (object) yield object
}
