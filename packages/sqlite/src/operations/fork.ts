import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../clock.ts'
import { ownDirectory } from '../directory.ts'
import type { Source } from '../ltx-file.ts'
import { type CreatedDatabase, createFrom } from './create.ts'
import { refuseExisting } from './first-transaction.ts'
import { type Moment, resolveMoment } from './moment.ts'
import { type Progress, restoreTelling, untold } from './progress.ts'

export interface ForkedDatabase extends CreatedDatabase {
  /** The transaction of the source that it begins with. */
  readonly from: number
}

/**
 * Makes a database of another one, as that is or as it was. They share nothing from then on.
 *
 * @param target must hold no database
 * @throws OperationError `DATABASE_EMPTY`, `NO_RESTORE_POINT`, `DATABASE_EXISTS`, `INTEGRITY_CHECK_FAILED`;
 *   RestoreError, HistoryChangedError, StoreError, CommitUnknownError
 */
export async function forkDatabase(
  source: Source,
  target: Source,
  moment: Moment = {},
  progress: Progress = untold,
): Promise<ForkedDatabase> {
  await refuseExisting(target)
  const to = await resolveMoment(source, moment)
  const directory = ownDirectory(tmpdir(), systemClock.now())
  try {
    const copy = join(directory.path, 'fork.db')
    const { txid } = await restoreTelling(source, copy, to, `restoring ${source.description}`, progress)
    progress(`checking and writing ${target.description}`)
    return { from: txid, ...(await createFrom(copy, source.description, target)) }
  } finally {
    directory.release()
  }
}
