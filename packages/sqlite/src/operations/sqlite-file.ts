import { closeSync, constants, copyFileSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { OperationError } from '../errors.ts'
import { isFull } from '../space.ts'
import { damaged, isDamage, messageOf, sqliteCode } from './integrity.ts'

/** Ordinary SQLite files, as others make and use them. */

const MAGIC = 'SQLite format 3\0'
const HEADER_BYTES = 100
const PAGE_SIZE = 16
const READ_VERSION = 19
const WAL_VERSION = 2
const BUSY_TIMEOUT_MS = 5_000

/**
 * Copies what a file holds, with what is committed in the write-ahead log beside it. The file and its companions stay
 * as they are, and may be in use.
 * @param copy a new file; a write-ahead log may lie beside it afterwards
 * @throws OperationError `FILE_NOT_FOUND`, `FILE_NOT_SQLITE`, `FILE_UNREADABLE`, `INTEGRITY_CHECK_FAILED`
 */
export async function copyFile(file: string, copy: string): Promise<void> {
  const inWalMode = readHeader(file)[READ_VERSION] === WAL_VERSION
  if (inWalMode && !existsSync(`${file}-shm`)) copyUnused(file, copy)
  else await copyUsed(file, copy)
}

/** Bytes a page. */
export function pageSizeOf(file: string): number {
  const size = Buffer.from(readHeader(file)).readUInt16BE(PAGE_SIZE)
  return size === 1 ? 65_536 : size
}

/**
 * The first 100 bytes of an SQLite file.
 * @param name of the file in messages
 * @throws OperationError `FILE_NOT_FOUND`, `FILE_NOT_SQLITE`
 */
export function readHeader(file: string, name = file): Uint8Array {
  const stats = statSync(file, { throwIfNoEntry: false })
  if (!stats?.isFile()) throw new OperationError('FILE_NOT_FOUND', `there is no file ${file}`)
  const fd = openSync(file, 'r')
  try {
    const header = new Uint8Array(HEADER_BYTES)
    const read = readSync(fd, header, 0, HEADER_BYTES, 0)
    if (read === HEADER_BYTES && Buffer.from(header).toString('latin1', 0, MAGIC.length) === MAGIC)
      return header
  } finally {
    closeSync(fd)
  }
  throw new OperationError(
    'FILE_NOT_SQLITE',
    `${name} is no SQLite database: ${stats.size === 0 ? 'it is empty' : 'it does not begin with "SQLite format 3"'}`,
  )
}

/** Nobody has it open, and merely reading it through SQLite would leave files beside it. */
function copyUnused(file: string, copy: string): void {
  for (const suffix of ['', '-wal']) {
    if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix, constants.COPYFILE_FICLONE)
  }
}

/** Others may write to it: the copy is of one state, which a read transaction holds, or it would begin again and again. */
async function copyUsed(file: string, copy: string): Promise<void> {
  const db = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
  try {
    db.exec('BEGIN')
    db.prepare('SELECT count(*) FROM sqlite_schema').get()
    await backup(db, copy)
  } catch (error) {
    throw unreadable(file, error)
  } finally {
    db.close()
  }
}

function unreadable(file: string, error: unknown): unknown {
  if (isDamage(error)) return damaged(file, messageOf(error), error)
  if (sqliteCode(error) === null || isFull(error)) return error
  const hint = existsSync(`${file}-journal`)
    ? `${file}-journal is of a transaction that was not finished: open the file once with sqlite3, which rolls it back`
    : 'Another program may hold it; try again when that is closed'
  return new OperationError(
    'FILE_UNREADABLE',
    `SQLite cannot read ${file}: ${messageOf(error)}. ${hint}`,
    error,
  )
}
