import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '../clock.ts'
import { ownDirectory } from '../directory.ts'
import { OperationError } from '../errors.ts'
import type { Source } from '../ltx-file.ts'
import { prepare } from './create.ts'
import { type Progress, untold } from './progress.ts'
import { readNote, sha256Of, writeNote } from './pull-note.ts'
import { type Approve, type Replacement, replaceState } from './replace.ts'
import { copyFile, readHeader } from './sqlite-file.ts'

export interface PushOptions {
  /** Also on top of transactions that the file knows nothing of; what they wrote is replaced. */
  readonly force?: boolean
  /** Yes to everything when absent. */
  readonly approve?: Approve
  readonly progress?: Progress
}

/**
 * Makes the database what a local file says, as one more transaction. Without `force` only on top of the very
 * transaction that the file was pulled at. Restoring to `before` of the result undoes it. The file may be open.
 *
 * @throws OperationError `FILE_NOT_PULLED` when there is no note of a pull; `DATABASE_MOVED` when somebody has written
 *   since; `FILE_NOT_FOUND`, `FILE_NOT_SQLITE`, `FILE_UNREADABLE`, `PAGE_SIZE_DIFFERS`, `DATABASE_EMPTY`,
 *   `INTEGRITY_CHECK_FAILED`; RestoreError, HistoryChangedError, StoreError; ConflictError. Nothing was changed then.
 *   CommitUnknownError: it may have been; repeating it does no harm
 */
export async function pushDatabase(
  source: Source,
  path: string,
  options: PushOptions = {},
): Promise<Replacement> {
  const { force = false, approve = () => true, progress = untold } = options
  const file = resolve(path)
  readHeader(file)
  const base = force ? null : readNote(file)
  if (!force && !base) {
    throw new OperationError(
      'FILE_NOT_PULLED',
      `nothing says which state of ${source.description} ${file} was made from: there is no ${file}.thaw. Pull a ` +
        'copy and change that one, or force the push, which replaces everything',
    )
  }
  const directory = ownDirectory(tmpdir(), systemClock.now())
  try {
    const copy = join(directory.path, 'push.db')
    progress(`copying ${file}`)
    // Before it is copied: what is changed in it from now on is known to be a change.
    const sha256 = sha256Of(file)
    await copyFile(file, copy)
    progress('checking')
    const { pageSize } = prepare(copy, file)
    const { replacement, head } = await replaceState(source, copy, pageSize, directory.path, {
      base,
      since: 1,
      identity: null,
      approve,
      progress,
    })
    if (replacement.txid !== null || replacement.pages === 0)
      writeNote(file, source.description, head, sha256)
    return replacement
  } finally {
    directory.release()
  }
}
