import { readSync } from 'node:fs'
import { WAL_FRAME_HEADER_SIZE, WAL_HEADER_SIZE, type WalCursor } from './wal.ts'

/**
 * Where SQLite says that its write-ahead log ends, in the index that it keeps beside it (`-shm`).
 *
 * The log alone does not tell: where the index finds no room to grow, a commit fails whose frames are in the log, whole
 * and with a valid checksum. SQLite writes over them next, and never counts them.
 *
 * Format: https://www.sqlite.org/walformat.html#the_wal_index_header
 */

const HEADER_SIZE = 48
const VERSION = 3007000
const IS_INITIALISED = 12
/** The numbers before the salts are in this machine's order of bytes, the salts in that of the log. */
const FRAMES_WORD = 4
const SALTS = 32

const header = new Uint32Array(HEADER_SIZE / 4)
const bytes = Buffer.from(header.buffer)

/** The end of what is committed, and in which life of the log. */
export type WalEnd = Pick<WalCursor, 'offset' | 'salt1' | 'salt2'>

/**
 * @param fd the open `-shm` file of a database that somebody has open
 * @param pageSize bytes
 * @throws Error when it is no index
 */
export function readWalEnd(fd: number, pageSize: number): WalEnd {
  const length = readSync(fd, bytes, 0, HEADER_SIZE, 0)
  if (length < HEADER_SIZE || header[0] !== VERSION || bytes[IS_INITIALISED] !== 1) {
    throw new Error('the index of the write-ahead log has no header')
  }
  return {
    offset: WAL_HEADER_SIZE + (header[FRAMES_WORD] ?? 0) * (WAL_FRAME_HEADER_SIZE + pageSize),
    salt1: bytes.readUInt32BE(SALTS),
    salt2: bytes.readUInt32BE(SALTS + 4),
  }
}

/**
 * Whether reading has come to the end.
 * @param reached where it has come to; null when nothing was ever read from the log
 */
export function isAtEnd(reached: WalCursor | null, end: WalEnd): boolean {
  return readTo(reached, end) === end.offset
}

/** @throws Error unless reading has come to the end */
export function verifyAtEnd(reached: WalCursor | null, end: WalEnd): void {
  if (isAtEnd(reached, end)) return
  throw new Error(
    `the write-ahead log was read up to byte ${readTo(reached, end)}, and what is committed to it ends at ${end.offset}`,
  )
}

/** How much of this life of the log was read. */
function readTo(reached: WalCursor | null, { salt1, salt2 }: WalEnd): number {
  return reached?.salt1 === salt1 && reached.salt2 === salt2 ? reached.offset : WAL_HEADER_SIZE
}
