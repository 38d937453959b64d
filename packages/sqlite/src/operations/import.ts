import { statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '../clock.ts'
import { ownDirectory } from '../directory.ts'
import { OperationError } from '../errors.ts'
import type { Source } from '../ltx-file.ts'
import { becameFull, isFull, lackOfSpace } from '../space.ts'
import { type CreatedDatabase, createFrom } from './create.ts'
import { refuseExisting } from './first-transaction.ts'
import { type Progress, untold } from './progress.ts'
import { copyFile, readHeader } from './sqlite-file.ts'

/**
 * Makes a database of an SQLite file: its first transaction holds all that the file holds, with what is committed in
 * the write-ahead log beside it. The file and its companions stay as they are, and may be in use.
 *
 * @param target must hold no database
 * @throws OperationError `FILE_NOT_FOUND`, `FILE_NOT_SQLITE`, `FILE_UNREADABLE`, `INTEGRITY_CHECK_FAILED`,
 *   `DATABASE_EXISTS`, `NO_SPACE`; StoreError, CommitUnknownError
 */
export async function importDatabase(
  target: Source,
  path: string,
  progress: Progress = untold,
): Promise<CreatedDatabase> {
  const file = resolve(path)
  readHeader(file)
  await refuseExisting(target)
  const directory = ownDirectory(tmpdir(), systemClock.now())
  try {
    refuseWithoutSpace(file, tmpdir())
    const copy = join(directory.path, 'import.db')
    progress(`copying ${file}`)
    await copyFile(file, copy)
    progress(`checking and writing ${target.description}`)
    return await createFrom(copy, file, target)
  } catch (error) {
    throw isFull(error) ? new OperationError('NO_SPACE', becameFull(file, tmpdir()), error) : error
  } finally {
    directory.release()
  }
}

function refuseWithoutSpace(file: string, directory: string): void {
  const sizes = [file, `${file}-wal`].map((path) => statSync(path, { throwIfNoEntry: false })?.size ?? 0)
  const needed = sizes.reduce((sum, size) => sum + size, 0)
  const lack = lackOfSpace(file, needed, directory)
  if (lack !== null) throw new OperationError('NO_SPACE', lack)
}
