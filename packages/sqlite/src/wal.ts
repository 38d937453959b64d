import { readSync } from 'node:fs'
import { endianness } from 'node:os'

/**
 * Reads committed page images out of a SQLite write-ahead log.
 * Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 */

const HEADER_SIZE = 32
const FRAME_HEADER_SIZE = 24
const MAGIC_LITTLE_ENDIAN_WORDS = 0x377f0682
const MAGIC_BIG_ENDIAN_WORDS = 0x377f0683
const FORMAT_VERSION = 3007000
const FIRST_READ_FRAMES = 8
const LARGEST_READ_FRAMES = 256
const MACHINE_IS_LITTLE_ENDIAN = endianness() === 'LE'

/** Where reading goes on: behind the last committed frame, with the running checksum that the next frame continues. */
export interface WalCursor {
  readonly offset: number
  readonly salt1: number
  readonly salt2: number
  readonly checksum: readonly [number, number]
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
  readonly wordsAreLittleEndian: boolean
  readonly pageSize: number
  readonly start: WalCursor
}

/**
 * Everything committed to the log behind `cursor`, or all of it when `cursor` is null or the log was restarted since.
 *
 * @param fd the open `-wal` file
 * @param size its length in bytes
 * @returns null when nothing was committed behind the cursor
 * @throws Error when the file is no write-ahead log, or one of another page size
 */
export function readWalTail(
  fd: number,
  size: number,
  pageSize: number,
  cursor: WalCursor | null,
): WalTail | null {
  if (size < HEADER_SIZE) return null
  const header = readHeader(fd)
  if (header.pageSize !== pageSize) {
    throw new Error(`the write-ahead log has pages of ${header.pageSize} bytes, the database of ${pageSize}`)
  }
  const restarted = cursor?.salt1 !== header.start.salt1 || cursor.salt2 !== header.start.salt2
  return readFrames(fd, size, header, restarted ? header.start : cursor)
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
  /** Database size in pages when the frame ends a transaction, else 0. */
  readonly pageCount: number
  /** Where in the file the image begins. */
  readonly offset: number
  readonly data: Uint8Array
  readonly after: WalCursor
}

function readFrames(fd: number, size: number, header: WalHeader, from: WalCursor): WalTail | null {
  const frames: Frame[] = []
  let committed = 0
  for (const frame of framesFrom(fd, size, header, from)) {
    frames.push(frame)
    if (frame.pageCount > 0) committed = frames.length
  }
  const last = frames[committed - 1]
  if (!last) return null

  const { pageCount, after: cursor } = last
  const pages = new Map<number, Uint8Array>()
  const offsets = new Map<number, number>()
  for (const { page, data, offset } of frames.slice(0, committed)) {
    if (page > pageCount) continue // cut off by a later transaction of the same tail
    pages.set(page, data)
    offsets.set(page, offset)
  }
  return { pages, offsets, pageCount, cursor }
}

/**
 * The frames that continue the log behind `from`, up to the first that does not. The file keeps its length when the
 * log starts over, so most of what follows may be of an earlier life: the reads begin small and grow only while what
 * they find belongs here.
 */
function* framesFrom(fd: number, size: number, header: WalHeader, from: WalCursor): Generator<Frame> {
  const { pageSize } = header
  const frameSize = FRAME_HEADER_SIZE + pageSize
  let cursor = from
  for (let atOnce = FIRST_READ_FRAMES; ; atOnce = Math.min(atOnce * 2, LARGEST_READ_FRAMES)) {
    const wanted = Math.min(atOnce, Math.floor((size - cursor.offset) / frameSize))
    const chunk = Buffer.from(new ArrayBuffer(Math.max(0, wanted) * frameSize))
    const length = readFully(fd, chunk, cursor.offset)
    if (length < frameSize) return
    for (let at = 0; at + frameSize <= length; at += frameSize) {
      const checksum = continuedChecksum(chunk, at, header, cursor)
      if (!checksum) return
      const offset = cursor.offset + FRAME_HEADER_SIZE
      cursor = { ...cursor, offset: cursor.offset + frameSize, checksum }
      yield {
        page: chunk.readUInt32BE(at),
        pageCount: chunk.readUInt32BE(at + 4),
        offset,
        data: chunk.subarray(at + FRAME_HEADER_SIZE, at + frameSize),
        after: cursor,
      }
    }
  }
}

/** The running checksum behind the frame at `at`; null when the frame is not the one that follows `cursor`. */
function continuedChecksum(
  chunk: Buffer,
  at: number,
  { pageSize, wordsAreLittleEndian }: WalHeader,
  { salt1, salt2, checksum }: WalCursor,
): readonly [number, number] | null {
  if (chunk.readUInt32BE(at + 8) !== salt1 || chunk.readUInt32BE(at + 12) !== salt2) return null
  const begun = addWords(chunk, at, 8, checksum, wordsAreLittleEndian)
  const next = addWords(chunk, at + FRAME_HEADER_SIZE, pageSize, begun, wordsAreLittleEndian)
  if (chunk.readUInt32BE(at + 16) !== next[0] || chunk.readUInt32BE(at + 20) !== next[1]) return null
  return next
}

function readHeader(fd: number): WalHeader {
  const header = Buffer.from(new ArrayBuffer(HEADER_SIZE))
  if (readFully(fd, header, 0) < HEADER_SIZE) throw new Error('the write-ahead log ends within its header')
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
    wordsAreLittleEndian,
    pageSize: header.readUInt32BE(8),
    start: {
      offset: HEADER_SIZE,
      salt1: header.readUInt32BE(16),
      salt2: header.readUInt32BE(20),
      checksum,
    },
  }
}

/** Continues the log's checksum over `length` bytes, a multiple of 8, from an 8-aligned `start`. */
function addWords(
  bytes: Buffer,
  start: number,
  length: number,
  [first, second]: readonly [number, number],
  wordsAreLittleEndian: boolean,
): readonly [number, number] {
  let s0 = first
  let s1 = second
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

function readFully(fd: number, into: Buffer, position: number): number {
  let done = 0
  while (done < into.length) {
    const read = readSync(fd, into, done, into.length - done, position + done)
    if (read === 0) break
    done += read
  }
  return done
}
