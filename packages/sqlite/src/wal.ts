import { readSync } from 'node:fs'
import { endianness } from 'node:os'

/**
 * Reads committed page images out of a SQLite write-ahead log.
 * Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */

/** Bytes before the first frame, and before the image in each. */
export const WAL_HEADER_SIZE = 32
export const WAL_FRAME_HEADER_SIZE = 24
const MAGIC_LITTLE_ENDIAN_WORDS = 0x377f0682
const MAGIC_BIG_ENDIAN_WORDS = 0x377f0683
const FORMAT_VERSION = 3007000
const FIRST_READ_FRAMES = 4
const LARGEST_READ_FRAMES = 256
/** The header and the first frames are read into here. Shared by all calls: a call never gives up control. */
let scratch = Buffer.allocUnsafeSlow(WAL_HEADER_SIZE)

const MACHINE_IS_LITTLE_ENDIAN = endianness() === 'LE'

/** Where reading goes on: behind the last committed frame, with the running checksum that the next frame continues. */
export interface WalCursor {
  readonly offset: number
  readonly salt1: number
  readonly salt2: number
  readonly checksum: readonly [number, number]
  /** In which order of bytes the log's checksums take words. */
  readonly wordsAreLittleEndian: boolean
}

/** The committed frames behind a cursor. */
export interface WalTail {
  /** Newest image of each page up to the last committing frame. */
  readonly pages: ReadonlyMap<number, Uint8Array>
  /** Where in the file each of those images begins. */
  readonly offsets: ReadonlyMap<number, number>
  /** Database size in pages after the last committing frame. */
  readonly pageCount: number
  readonly cursor: WalCursor
}

interface WalHeader {
  readonly pageSize: number
  readonly start: WalCursor
}

/**
 * Everything committed to the log behind `cursor`, or all of it when `cursor` is null or the log was restarted since.
 * It may only be restarted when nothing committed is behind the cursor: what is found there is not doubted.
 *
 * @param fd the open `-wal` file
 * @param end where what is committed ends, in bytes; frames behind that are of a commit that failed
 * @returns null when nothing was committed behind the cursor
 * @throws Error when the file is no write-ahead log, or one of another page size
 */
export function readWalTail(
  fd: number,
  pageSize: number,
  cursor: WalCursor | null,
  end = Number.POSITIVE_INFINITY,
): WalTail | null {
  const tail = cursor && readFrames(fd, pageSize, cursor, end)
  if (tail) return tail
  const header = readHeader(fd)
  if (!header) return null
  if (header.pageSize !== pageSize) {
    throw new Error(`the write-ahead log has pages of ${header.pageSize} bytes, the database of ${pageSize}`)
  }
  const { start } = header
  if (cursor?.salt1 === start.salt1 && cursor.salt2 === start.salt2) return null
  return readFrames(fd, pageSize, start, end)
}

/** Two tails of which the second was read from where the first ends, as one. */
export function continueTail(before: WalTail, { pages, offsets, pageCount, cursor }: WalTail): WalTail {
  const still = <T>([page]: readonly [number, T]) => page <= pageCount
  return {
    pages: new Map([...[...before.pages].filter(still), ...pages]),
    offsets: new Map([...[...before.offsets].filter(still), ...offsets]),
    pageCount,
    cursor,
  }
}

interface Frame {
  readonly page: number
  /** Where in the file the image begins. */
  readonly offset: number
  readonly data: Uint8Array
}

/**
 * The file keeps its length when the log starts over, so most of what follows may be of an earlier life: the reads
 * begin small and grow only while what they find belongs here.
 */
function readFrames(fd: number, pageSize: number, from: WalCursor, end: number): WalTail | null {
  const frameSize = WAL_FRAME_HEADER_SIZE + pageSize
  const frames: Frame[] = []
  let { offset, checksum } = from
  let committed = 0
  let pageCount = 0
  let cursor = from
  for (let atOnce = FIRST_READ_FRAMES; ; atOnce = Math.min(atOnce * 2, LARGEST_READ_FRAMES)) {
    const wanted = atOnce * frameSize
    const isFirst = atOnce === FIRST_READ_FRAMES
    const chunk = isFirst ? scratchOf(wanted) : Buffer.allocUnsafeSlow(wanted)
    const length = readFully(fd, chunk, wanted, offset)
    let at = 0
    for (; at + frameSize <= length && offset + at < end; at += frameSize) {
      const next = continuedChecksum(chunk, at, pageSize, from, checksum)
      if (!next) break
      checksum = next
      const image = at + WAL_FRAME_HEADER_SIZE
      const view = chunk.subarray(image, at + frameSize)
      const data = isFirst ? new Uint8Array(view) : view // a copy: the scratch is somebody else's next
      frames.push({ page: chunk.readUInt32BE(at), offset: offset + image, data })
      const sizeAfterCommit = chunk.readUInt32BE(at + 4)
      if (sizeAfterCommit === 0) continue
      pageCount = sizeAfterCommit
      committed = frames.length
      cursor = { ...from, offset: offset + at + frameSize, checksum }
    }
    offset += at
    if (at < wanted) break
  }
  if (committed === 0) return null

  const pages = new Map<number, Uint8Array>()
  const offsets = new Map<number, number>()
  for (let index = 0; index < committed; index++) {
    const { page, data, offset } = frames[index]!
    if (page > pageCount) continue // cut off by a later transaction of the same tail
    pages.set(page, data)
    offsets.set(page, offset)
  }
  return { pages, offsets, pageCount, cursor }
}

function scratchOf(length: number): Buffer {
  if (scratch.length < length) scratch = Buffer.allocUnsafeSlow(length)
  return scratch
}

/** `checksum` continued over the frame at `at`; null when that frame is not the next one of this log. */
function continuedChecksum(
  chunk: Buffer,
  at: number,
  pageSize: number,
  { salt1, salt2, wordsAreLittleEndian }: WalCursor,
  checksum: readonly [number, number],
): readonly [number, number] | null {
  if (chunk.readUInt32BE(at + 8) !== salt1 || chunk.readUInt32BE(at + 12) !== salt2) return null
  const begun = addWords(chunk, at, 8, checksum, wordsAreLittleEndian)
  const next = addWords(chunk, at + WAL_FRAME_HEADER_SIZE, pageSize, begun, wordsAreLittleEndian)
  if (chunk.readUInt32BE(at + 16) !== next[0] || chunk.readUInt32BE(at + 20) !== next[1]) return null
  return next
}

/** Null while the file is shorter than a header. */
function readHeader(fd: number): WalHeader | null {
  const header = scratch
  if (readFully(fd, header, WAL_HEADER_SIZE, 0) < WAL_HEADER_SIZE) return null
  const magic = header.readUInt32BE(0)
  if (magic !== MAGIC_LITTLE_ENDIAN_WORDS && magic !== MAGIC_BIG_ENDIAN_WORDS) {
    throw new Error(`no write-ahead log: it begins with ${header.toString('hex', 0, 4)}`)
  }
  const version = header.readUInt32BE(4)
  if (version !== FORMAT_VERSION) throw new Error(`unknown write-ahead log version ${version}`)
  const wordsAreLittleEndian = magic === MAGIC_LITTLE_ENDIAN_WORDS
  const checksum = addWords(header, 0, 24, [0, 0], wordsAreLittleEndian)
  if (header.readUInt32BE(24) !== checksum[0] || header.readUInt32BE(28) !== checksum[1]) {
    throw new Error('the header of the write-ahead log fails its checksum')
  }
  return {
    pageSize: header.readUInt32BE(8),
    start: {
      offset: WAL_HEADER_SIZE,
      salt1: header.readUInt32BE(16),
      salt2: header.readUInt32BE(20),
      checksum,
      wordsAreLittleEndian,
    },
  }
}

/** Continues the log's checksum over `length` bytes, a multiple of 8, from an 8-aligned `start`. */
function addWords(
  bytes: Buffer,
  start: number,
  length: number,
  from: readonly [number, number],
  wordsAreLittleEndian: boolean,
): readonly [number, number] {
  let s0 = from[0] // to take it apart as [s0, s1] would walk an iterator
  let s1 = from[1]
  if (wordsAreLittleEndian === MACHINE_IS_LITTLE_ENDIAN) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset + start, length / 4)
    for (let i = 0; i < words.length; i += 2) {
      s0 = (s0 + words[i]! + s1) >>> 0
      s1 = (s1 + words[i + 1]! + s0) >>> 0
    }
  } else {
    for (let at = start; at < start + length; at += 8) {
      s0 = (s0 + readWord(bytes, at, wordsAreLittleEndian) + s1) >>> 0
      s1 = (s1 + readWord(bytes, at + 4, wordsAreLittleEndian) + s0) >>> 0
    }
  }
  return [s0, s1]
}

function readWord(bytes: Buffer, at: number, littleEndian: boolean): number {
  return littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
}

/** Up to `length` bytes from `position` of the file; returns how many there were. */
function readFully(fd: number, into: Buffer, length: number, position: number): number {
  let done = 0
  while (done < length) {
    const read = readSync(fd, into, done, length - done, position + done)
    if (read === 0) break
    done += read
  }
  return done
}
