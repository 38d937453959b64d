import type { Dirent } from 'node:fs'
import { lstat, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sandbox } from './temporary.ts'

/** Folders in place of `/tmp`: works everywhere, but only what follows `TMPDIR` goes there. There is no `/opt`. */
export const folderSandbox: Sandbox = {
  isolation: 'folder',
  async open({ directory, opt }) {
    await mkdir(directory, { recursive: true })
    return {
      isolation: 'folder',
      path: directory,
      opt,
      wrap: (command) => command,
      usedBytes: () => bytesIn(directory),
      close: () => rm(directory, { recursive: true, force: true, maxRetries: 10 }),
    }
  },
}

/** What goes away while it is counted counts nothing. */
async function bytesIn(directory: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(directory, { withFileTypes: true }).catch((): Dirent[] => [])) {
    const path = join(directory, entry.name)
    // Blocks, not length: a file may have holes.
    if (entry.isDirectory()) bytes += await bytesIn(path)
    else bytes += ((await lstat(path).catch(() => null))?.blocks ?? 0) * 512
  }
  return bytes
}
