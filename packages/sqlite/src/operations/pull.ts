import { existsSync, renameSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { systemClock } from '../clock.ts'
import { ownDirectory } from '../directory.ts'
import { OperationError } from '../errors.ts'
import type { Source } from '../ltx-file.ts'
import { copyState, type ExportResult, publishFile, refuseTaken, sync } from './export.ts'
import { resolveMoment } from './moment.ts'
import { type Progress, untold } from './progress.ts'
import { isUnchanged, readNote, sha256Of, writeNote } from './pull-note.ts'

/**
 * Brings the database as it is into an ordinary SQLite file to work on, with a note beside it (`FILE.thaw`) of where it
 * comes from, by which `pushDatabase` finds out whether it may go back. A file that was pulled before and that nobody
 * has changed is brought up to date.
 *
 * @throws OperationError `FILE_EXISTS`, `FILE_CHANGED`, `NO_DIRECTORY`, `DATABASE_EMPTY`, `INTEGRITY_CHECK_FAILED`;
 *   RestoreError, HistoryChangedError, StoreError
 */
export async function pullDatabase(
  source: Source,
  path: string,
  progress: Progress = untold,
): Promise<ExportResult> {
  const target = resolve(path)
  if (!mayBeReplaced(target)) refuseTaken(target)
  const to = await resolveMoment(source, {})
  const directory = ownDirectory(dirname(target), systemClock.now())
  try {
    const copy = join(directory.path, 'pull.db')
    const position = await copyState(source, copy, to, progress)
    const bytes = statSync(copy).size
    const sha256 = sha256Of(copy)
    // The file first: a note that is older than its file only keeps it from being pushed.
    if (mayBeReplaced(target)) replaceFile(copy, target)
    else publishFile(copy, target)
    writeNote(target, source.description, position, sha256)
    return { path: target, txid: position.txid, timestamp: position.timestamp, bytes }
  } finally {
    directory.release()
  }
}

/** @throws OperationError `FILE_CHANGED` */
function mayBeReplaced(target: string): boolean {
  const note = existsSync(target) ? readNote(target) : null
  if (!note) return false
  if (isUnchanged(target, note)) return true
  throw new OperationError(
    'FILE_CHANGED',
    `${target} was changed since it was pulled, or is open somewhere: push it, or remove it and pull again`,
  )
}

function replaceFile(copy: string, target: string): void {
  renameSync(copy, target)
  sync(dirname(target))
}
