import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A temporary file of this age belongs to nobody any more. */
const abandonedMs = 3_600_000

/** Removes what killed writers left in a directory. `now` is the file system's own time, in ms. */
export async function sweep(temporary: string, now: number): Promise<void> {
  for (const name of await readdir(temporary)) {
    const path = join(temporary, name)
    const stats = await stat(path).catch(() => null)
    if (stats && now - stats.ctimeMs > abandonedMs) await rm(path, { force: true })
  }
}
