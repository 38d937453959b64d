import { statfsSync } from 'node:fs'

/**
 * Says that so many bytes do not fit into a directory, with the numbers; null when they do.
 * @param what has that size
 */
export function lackOfSpace(what: string, needed: number, directory: string): string | null {
  const { bavail, bsize } = statfsSync(directory)
  const free = bavail * bsize
  return needed <= free ? null : noRoom(`${what} has ${needed} bytes and ${directory} has ${free} free`)
}

/** What to say when a directory was found full while something was written into it. */
export function becameFull(what: string, directory: string): string {
  return noRoom(`${directory} became full while ${what} was written into it`)
}

function noRoom(finding: string): string {
  return (
    `${finding}. Give the function more ephemeral storage (up to 10,240 MB), or name a larger directory (TMPDIR for ` +
    'what is temporary)'
  )
}

/** Whether an error of the file system or of SQLite says that there is no room. */
export function isFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && error.code === 'ENOSPC') || ('errcode' in error && error.errcode === SQLITE_FULL)
}

const SQLITE_FULL = 13
