import { closeSync, existsSync, fsyncSync, linkSync, openSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { ChainPosition } from '../chain.ts'
import { systemClock } from '../clock.ts'
import { ownDirectory } from '../directory.ts'
import { OperationError } from '../errors.ts'
import type { Source } from '../ltx-file.ts'
import { checkIntegrity, orDamaged } from './integrity.ts'
import { type Moment, resolveMoment } from './moment.ts'
import { type Progress, restoreTelling, untold } from './progress.ts'

export interface ExportResult {
  /** Absolute. */
  readonly path: string
  /** The transaction that the file holds. */
  readonly txid: number
  /** When it was made, ms since the epoch. */
  readonly timestamp: number
  /** Size of the file. */
  readonly bytes: number
}

/**
 * Writes the database, as it is or as it was, into an ordinary SQLite file. The file appears when it is whole and
 * checked; nothing is left behind otherwise.
 *
 * @param path nothing may be there, and its directory must be
 * @throws OperationError `FILE_EXISTS`, `NO_DIRECTORY`, `DATABASE_EMPTY`, `NO_RESTORE_POINT`,
 *   `INTEGRITY_CHECK_FAILED`; RestoreError, HistoryChangedError, StoreError
 */
export async function exportDatabase(
  source: Source,
  path: string,
  moment: Moment = {},
  progress: Progress = untold,
): Promise<ExportResult> {
  const target = resolve(path)
  refuseTaken(target)
  const to = await resolveMoment(source, moment)
  // Beside the target, so that a link can put it there; one that a killed process left is removed by the next.
  const directory = ownDirectory(dirname(target), systemClock.now())
  try {
    const copy = join(directory.path, 'export.db')
    const { txid, timestamp } = await copyState(source, copy, to, progress)
    const bytes = statSync(copy).size
    publishFile(copy, target)
    return { path: target, txid, timestamp, bytes }
  } finally {
    directory.release()
  }
}

/**
 * Writes a state into a new ordinary SQLite file, checked and on the disk.
 * @throws OperationError `INTEGRITY_CHECK_FAILED`; RestoreError, HistoryChangedError, StoreError
 */
export async function copyState(
  source: Source,
  copy: string,
  to: number,
  progress: Progress,
): Promise<ChainPosition> {
  const position = await restoreTelling(source, copy, to, `restoring ${source.description}`, progress)
  progress('checking')
  makeOrdinary(copy, source.description)
  sync(copy)
  return position
}

/** Files that SQLite would take for part of the new one. */
const COMPANIONS = ['', '-wal', '-journal', '-shm']

/** @throws OperationError `FILE_EXISTS`, `NO_DIRECTORY` */
export function refuseTaken(target: string): void {
  for (const suffix of COMPANIONS) if (existsSync(target + suffix)) throw taken(target + suffix)
  const directory = dirname(target)
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return
  throw new OperationError('NO_DIRECTORY', `there is no folder ${directory} to put ${basename(target)} into`)
}

/** What is restored is in WAL mode, which needs two more files as soon as somebody opens it. */
function makeOrdinary(path: string, name: string): void {
  const db = new DatabaseSync(path)
  try {
    const { journal_mode: mode } =
      orDamaged(name, () => db.prepare('PRAGMA journal_mode = DELETE').get()) ?? {}
    if (mode !== 'delete') throw new Error(`${path} stays in journal mode ${String(mode)}`)
    checkIntegrity(db, name)
  } finally {
    db.close()
  }
}

/**
 * A link, unlike a rename, fails where a file is.
 * @throws OperationError `FILE_EXISTS`
 */
export function publishFile(copy: string, target: string): void {
  try {
    linkSync(copy, target)
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'EEXIST' ? taken(target, error) : error
  }
  sync(dirname(target))
}

export function sync(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function taken(path: string, cause?: unknown): OperationError {
  return new OperationError('FILE_EXISTS', `${path} is there already; name another file, or remove it`, cause)
}
