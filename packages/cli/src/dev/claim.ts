import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DevError } from '../errors.ts'
import { readAnnouncement } from './running.ts'

/**
 * Makes this process the only `thaw dev` of a project, until it is disposed of or ends, in whatever way: the system
 * holds the lock, on `.thaw/dev.lock`, which stays as an empty file. Two would keep their buckets in the same folder
 * without knowing of each other.
 *
 * Throws `DevError` `ALREADY_RUNNING`.
 */
export async function claimProject(root: string): Promise<Disposable> {
  mkdirSync(join(root, '.thaw'), { recursive: true })
  // SQLite is how Node locks a file; nothing is ever written to it, nor beside it.
  const lock = new DatabaseSync(join(root, '.thaw', 'dev.lock'), { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode !== sqliteBusy) throw error
    const other = await readAnnouncement(root)
    const where = other === null ? '' : `, at ${other.url} (process ${other.pid})`
    const remedy = 'end that one first, or run a copy of the project'
    throw new DevError('ALREADY_RUNNING', `thaw dev runs this project already${where}; ${remedy}`)
  }
  return { [Symbol.dispose]: () => lock.close() }
}

const sqliteBusy = 5
