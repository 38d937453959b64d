import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../clock.ts'
import { ownDirectory } from '../directory.ts'
import type { Source } from '../ltx-file.ts'
import { prepare } from './create.ts'
import { type Moment, resolveMoment } from './moment.ts'
import { type Progress, restoreTelling, untold } from './progress.ts'
import { type Approve, type Replacement, replaceState } from './replace.ts'

export interface RestoreOptions {
  /** Yes to everything when absent. */
  readonly approve?: Approve
  readonly progress?: Progress
  readonly clock?: Clock
}

export interface RestoredInPlace extends Replacement {
  /** The transaction whose state the database has again. */
  readonly to: number
  /** When that one was made, ms since the epoch. */
  readonly timestamp: number
}

/**
 * Gives a database the state that it had before, as one more transaction: history goes on, environments that have it
 * open follow as they follow any other writer, and restoring to `before` of the result undoes it. What a transaction
 * recorded under a key after that state is forgotten with the rest: repeated, it runs again.
 *
 * @throws OperationError `DATABASE_EMPTY`, `NO_RESTORE_POINT`, `BAD_OPTION`, `INTEGRITY_CHECK_FAILED`; ConflictError when
 *   other writers were faster again and again; RestoreError, HistoryChangedError, StoreError. Nothing was changed then.
 *   CommitUnknownError: it may have been; repeating it does no harm
 */
export async function restoreInPlace(
  source: Source,
  moment: Moment,
  options: RestoreOptions = {},
): Promise<RestoredInPlace> {
  const { approve = () => true, progress = untold, clock = systemClock } = options
  const to = await resolveMoment(source, moment)
  const directory = ownDirectory(tmpdir(), systemClock.now())
  try {
    const path = join(directory.path, 'target.db')
    const step = `restoring transaction ${to} of ${source.description}`
    const { txid, timestamp, identity } = await restoreTelling(source, path, to, step, progress)
    progress('checking')
    const { pageSize } = prepare(path, `transaction ${txid} of ${source.description}`)
    const { replacement } = await replaceState(source, path, pageSize, directory.path, {
      base: null,
      since: txid,
      identity,
      approve,
      progress,
      clock,
    })
    return { ...replacement, to: txid, timestamp }
  } finally {
    directory.release()
  }
}
