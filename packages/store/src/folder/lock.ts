import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

/** One at a time, among all processes that use the same file. */
export interface FolderLock {
  /** Runs `fn` while holding the lock. Null, without having run it, when the lock was not free in time. */
  run<T>(fn: () => Promise<T>): Promise<{ readonly value: T } | null>
  close(): void
}

const patienceMs = 10_000

/**
 * A lock in the file `path`. The file is an empty SQLite database, because SQLite's locks are the operating
 * system's: they end with the process that holds them, however it ends, so nobody has to judge whether a
 * lock is stale.
 */
export function folderLock(path: string): FolderLock {
  let database: DatabaseSync | null = null
  let queue: Promise<unknown> = Promise.resolve()

  async function open(): Promise<DatabaseSync> {
    if (database) return database
    const { DatabaseSync } = await import('node:sqlite')
    await mkdir(dirname(path), { recursive: true })
    database = new DatabaseSync(path, { timeout: 0 })
    return database
  }

  async function acquire(): Promise<DatabaseSync | null> {
    const held = await open()
    const until = performance.now() + patienceMs
    for (let pause = 1; ; pause = Math.min(pause * 2, 16)) {
      try {
        held.exec('BEGIN EXCLUSIVE')
        return held
      } catch (error) {
        if (!isBusy(error)) throw error
      }
      if (performance.now() > until) return null
      await sleep(pause)
    }
  }

  async function locked<T>(fn: () => Promise<T>): Promise<{ readonly value: T } | null> {
    const held = await acquire()
    if (!held) return null
    try {
      return { value: await fn() }
    } finally {
      held.exec('ROLLBACK')
    }
  }

  return {
    run(fn) {
      const turn = queue.then(() => locked(fn))
      queue = turn.catch(() => {})
      return turn
    },
    close() {
      database?.close()
      database = null
    },
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5
}
