import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { formatTxid, parseTxid } from '@thaw/ltx'
import type { ChainPosition } from '../chain.ts'
import { OperationError } from '../errors.ts'
import { sync } from './export.ts'

/**
 * What is remembered beside a file that was pulled: which transaction it was made from, so that it can go back on top
 * of exactly that one, and what it was like, so that one that nobody has changed can be brought up to date.
 */
export interface PullNote {
  /** Names the database. */
  readonly database: string
  readonly txid: number
  /** File checksum of that transaction; null where another tool did not keep it. */
  readonly checksum: bigint | null
  /** Of the file, in hex. */
  readonly sha256: string
}

const PIECE_BYTES = 1024 * 1024
const FORMAT = 'thaw-pull-1'

/** Where the note of a file is. */
export function notePath(file: string): string {
  return `${file}.thaw`
}

/** @param sha256 of the file as it was when it held just what that transaction does */
export function writeNote(
  file: string,
  database: string,
  { txid, checksum }: Pick<ChainPosition, 'txid' | 'checksum'>,
  sha256: string,
): void {
  const note = {
    format: FORMAT,
    database,
    txid: formatTxid(txid),
    checksum: checksum === null ? null : checksum.toString(16).padStart(16, '0'),
    sha256,
  }
  const path = notePath(file)
  writeFileSync(`${path}.new`, `${JSON.stringify(note, null, 2)}\n`)
  sync(`${path}.new`)
  renameSync(`${path}.new`, path)
}

/**
 * The note of a file; null when there is none.
 * @throws OperationError `FILE_NOT_PULLED` when what is there is no note
 */
export function readNote(file: string): PullNote | null {
  const path = notePath(file)
  if (!existsSync(path)) return null
  const note = parseNote(readFileSync(path, 'utf8'))
  if (note) return note
  throw new OperationError(
    'FILE_NOT_PULLED',
    `${path} does not say which state of a database ${file} was made from: remove both and pull again`,
  )
}

function parseNote(text: string): PullNote | null {
  let found: Partial<Record<string, unknown>>
  try {
    found = Object(JSON.parse(text))
  } catch {
    return null
  }
  const { format, database, txid, checksum, sha256 } = found
  const number = typeof txid === 'string' ? parseTxid(txid) : null
  const known = checksum === null || (typeof checksum === 'string' && /^[0-9a-f]{16}$/.test(checksum))
  if (format !== FORMAT || typeof database !== 'string' || typeof sha256 !== 'string') return null
  if (number === null || !known) return null
  return { database, txid: number, checksum: checksum === null ? null : BigInt(`0x${checksum}`), sha256 }
}

/** Whether a file is as it was when its note was written, and nobody has something of it in a log beside it. */
export function isUnchanged(file: string, note: PullNote): boolean {
  const holds = (suffix: string) => (statSync(file + suffix, { throwIfNoEntry: false })?.size ?? 0) > 0
  return !holds('-wal') && !holds('-journal') && sha256Of(file) === note.sha256
}

/** In hex. */
export function sha256Of(file: string): string {
  const hash = createHash('sha256')
  const piece = new Uint8Array(PIECE_BYTES)
  const fd = openSync(file, 'r')
  try {
    for (let read = readSync(fd, piece); read > 0; read = readSync(fd, piece)) {
      hash.update(piece.subarray(0, read))
    }
  } finally {
    closeSync(fd)
  }
  return hash.digest('hex')
}
