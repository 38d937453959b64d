import { closeSync, openSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ObjectInfo, ObjectStore } from '@thaw/store'
import { systemClock } from '../clock.ts'
import { ownDirectory } from '../directory.ts'
import { download, FileVanishedError } from '../download.ts'
import { OperationError } from '../errors.ts'
import type { Source } from '../ltx-file.ts'
import { type CreatedDatabase, createFrom } from './create.ts'
import { refuseExisting } from './first-transaction.ts'
import { type Progress, telling, untold } from './progress.ts'
import { readHeader } from './sqlite-file.ts'

/**
 * Databases that an earlier system kept whole, as one object. Such a file is taken over into an empty place as the
 * first transaction, once, however many start at the same time; the object itself stays as it is.
 */

const DOWNLOADS = 3

/** Where it is remembered what was adopted. Nothing depends on it. */
export const ADOPTED_KEY = 'thaw/adopted'

/** An SQLite file that is one object. */
export interface WholeFile {
  readonly store: ObjectStore
  readonly key: string
  /** Names it in messages. */
  readonly description: string
}

/** What an adopted database was made of. */
export interface Adoption {
  readonly from: string
  /** Of the object as it was. */
  readonly etag: string
  readonly bytes: number
  /** When, ms since the epoch. */
  readonly at: number
}

/**
 * Makes the database of a file that is one object: its first transaction holds all of it. The object is only read.
 *
 * @param target must hold no database
 * @throws OperationError `FILE_NOT_FOUND`, `FILE_NOT_SQLITE`, `INTEGRITY_CHECK_FAILED`; `FILE_UNREADABLE` when it is
 *   replaced again and again; `DATABASE_EXISTS`, also when somebody else adopted it at the same time; StoreError,
 *   CommitUnknownError
 */
export async function adoptDatabase(
  target: Source,
  file: WholeFile,
  progress: Progress = untold,
): Promise<CreatedDatabase> {
  await refuseExisting(target)
  const directory = ownDirectory(tmpdir(), systemClock.now())
  try {
    const copy = join(directory.path, 'adopt.db')
    const info = await fetchWhole(file, copy, progress)
    readHeader(copy, file.description)
    progress(`checking and writing ${target.description}`)
    const created = await createFrom(copy, file.description, target)
    const adoption: Adoption = {
      from: file.description,
      etag: info.etag,
      bytes: info.size,
      at: systemClock.now(),
    }
    const note = Buffer.from(`${JSON.stringify(adoption, null, 2)}\n`)
    await target.store.put(ADOPTED_KEY, note).catch(() => undefined) // the database is there without it
    return created
  } finally {
    directory.release()
  }
}

/** What a database was adopted from; null when it was not, or nobody knows. */
export async function adoptionOf({ store }: Source): Promise<Adoption | null> {
  const object = await store.get(ADOPTED_KEY)
  try {
    return object && JSON.parse(Buffer.from(object.body).toString())
  } catch {
    return null
  }
}

async function fetchWhole(file: WholeFile, path: string, progress: Progress): Promise<ObjectInfo> {
  const { key, description } = file
  const step = `fetching ${description}`
  progress(step)
  for (let attempt = 1; ; attempt++) {
    const info = await file.store.head(key)
    if (!info) throw new OperationError('FILE_NOT_FOUND', `there is no object ${description}`)
    try {
      await write(telling(file.store, step, info.size, progress), info, path)
      return info
    } catch (error) {
      // Somebody still writes to it: what was read so far is of another version.
      if (!(error instanceof FileVanishedError)) throw error
      if (attempt < DOWNLOADS) continue
      throw new OperationError(
        'FILE_UNREADABLE',
        `${description} was replaced ${DOWNLOADS} times while it was read: stop what writes to it, and try again`,
        error,
      )
    }
  }
}

async function write(store: ObjectStore, info: ObjectInfo, path: string): Promise<void> {
  const fd = openSync(path, 'w')
  try {
    for await (const { pieces } of download(store, [{ ...info, level: 0, first: 1, last: 1 }])) {
      for await (const piece of pieces) {
        for (let done = 0; done < piece.length; ) done += writeSync(fd, piece, done)
      }
    }
  } finally {
    closeSync(fd)
  }
}
