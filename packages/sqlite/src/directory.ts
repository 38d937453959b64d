import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * A directory that belongs to one life of one process. `/tmp` outlives a process that timed out, and what lies
 * there may be half a restore or frames that were never published, so nothing is ever taken over: each replica gets
 * a new directory, and those whose owner has died are removed.
 *
 * Ownership is a lock that the operating system drops when the owner dies: an exclusive SQLite transaction on a
 * file in the directory.
 */

const OWNED_PREFIX = 'thaw-replica-'
const UNLOCKED_PREFIX = 'thaw-new-'
const LOCK_FILE = 'owner.db'
const UNLOCKED_GRACE_MS = 60_000

export interface OwnedDirectory {
  readonly path: string
  /** Removes the directory and all in it. */
  release(): void
}

/**
 * Makes a new directory below `parent` (made too when absent) and removes the abandoned ones beside it.
 * @param now ms since the epoch
 */
export function ownDirectory(parent: string, now: number): OwnedDirectory {
  mkdirSync(parent, { recursive: true })
  removeAbandoned(parent, now)
  // It gets its final name only once it is locked, so that nobody takes it for abandoned in between.
  const unlocked = mkdtempSync(join(parent, UNLOCKED_PREFIX))
  const lock = lockDirectory(unlocked)
  if (!lock) throw new Error(`${unlocked} was locked by another process the moment it was made`)
  const path = join(parent, OWNED_PREFIX + basename(unlocked).slice(UNLOCKED_PREFIX.length))
  renameSync(unlocked, path)
  const release = () => {
    if (held.delete(release) && held.size === 0) process.off('exit', releaseHeld)
    remove(path, lock)
  }
  if (held.size === 0) process.on('exit', releaseHeld)
  held.add(release)
  return { path, release }
}

/** What a process that is ended by `process.exit` still has to remove. */
const held = new Set<() => void>()

function releaseHeld(): void {
  for (const release of held) release()
}

function removeAbandoned(parent: string, now: number): void {
  for (const name of readdirSync(parent)) {
    const path = join(parent, name)
    if (name.startsWith(OWNED_PREFIX)) removeUnlessLocked(path)
    else if (name.startsWith(UNLOCKED_PREFIX) && ageMs(path, now) > UNLOCKED_GRACE_MS)
      removeUnlessLocked(path)
  }
}

function removeUnlessLocked(path: string): void {
  const lock = lockDirectory(path)
  if (lock) remove(path, lock)
}

function remove(path: string, lock: DatabaseSync): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch {
    // Another process looks into it or removes it at the same time, or the next one will.
  } finally {
    lock.close()
  }
}

/** The lock, held until it is closed; null when another process holds it or the directory has just gone. */
function lockDirectory(path: string): DatabaseSync | null {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(join(path, LOCK_FILE), { timeout: 0 })
    db.exec('BEGIN EXCLUSIVE')
    return db
  } catch {
    db?.close()
    return null
  }
}

function ageMs(path: string, now: number): number {
  try {
    return now - statSync(path).mtimeMs
  } catch {
    return 0
  }
}
