import { Crc64 } from './crc64.ts'
import { fileError } from './errors.ts'
import {
  CHECKSUM_BIT,
  HEADER_SIZE,
  NO_CHECKSUM,
  PAGE_HAS_SIZE,
  PAGE_HEADER_SIZE,
  TRAILER_SIZE,
} from './format.ts'
import { isSnapshot, type LtxHeader, readLtxHeader } from './header.ts'
import { decompressBlock, lz4Bound } from './lz4-block.ts'
import { malformedBlock, type Position, readFrame } from './lz4-frame.ts'
import { PageIndex } from './page-index.ts'
import { type LtxPage, PageRules } from './page-rules.ts'
import { type LtxTrailer, parseTrailer } from './trailer.ts'

/** A number: so many bytes are needed next. Otherwise the header, once, and then the pages. */
export type ParserStep = number | LtxHeader | LtxPage

/** The index is compared in pieces, so that memory does not depend on where the bytes come from. */
const INDEX_PIECE = 4096

/**
 * Reads one file. For a number, go on with a view of exactly so many next bytes; it is not kept. Returns the
 * trailer when everything was verified; that nothing follows it is for the caller to see.
 * Throws `LtxError` for whatever breaks a rule.
 *
 * @param memory of the pages: each its `own`, or one that is `lent` to each in turn, until the parser goes on
 */
export function* parseLtx(memory: 'own' | 'lent'): Generator<ParserStep, LtxTrailer, Uint8Array> {
  const position: Position = { offset: 0 }
  const crc = new Crc64()
  const index = new PageIndex()

  const headerBytes = yield HEADER_SIZE
  const header = readLtxHeader(headerBytes)
  crc.update(headerBytes)
  position.offset = HEADER_SIZE
  const rules = new PageRules(header)
  let database = isSnapshot(header) && header.flags !== NO_CHECKSUM ? CHECKSUM_BIT : null
  yield header

  const lent = memory === 'lent' ? new Uint8Array(header.pageSize) : null
  for (;;) {
    const start = position.offset
    const frame = yield PAGE_HEADER_SIZE
    crc.update(frame)
    const view = new DataView(frame.buffer, frame.byteOffset, PAGE_HEADER_SIZE)
    const number = view.getUint32(0)
    const flags = view.getUint16(4)
    if (number === 0 && flags === 0) break
    const refusal = rules.admit(number)
    if (refusal !== null) throw fileError('LTX_PAGE', refusal, start)
    if (flags !== 0 && flags !== PAGE_HAS_SIZE) {
      throw fileError('LTX_PAGE', `page ${number} has unknown flags 0x${flags.toString(16)}`, start + 4)
    }
    position.offset += PAGE_HEADER_SIZE
    const data = lent ?? new Uint8Array(header.pageSize)
    if (flags === PAGE_HAS_SIZE) yield* readBlock(number, data, position, crc)
    else yield* readFrame(data, position)
    crc.update(data)
    if (database !== null) database = (database ^ pageChecksum(number, data)) | CHECKSUM_BIT
    index.add(number, start, position.offset - start)
    yield { number, data }
  }
  const missing = rules.complete()
  if (missing !== null) throw fileError('LTX_PAGE', missing, position.offset)
  position.offset += PAGE_HEADER_SIZE

  yield* compareIndex(index.finish(), position, crc)
  const trailerBytes = yield TRAILER_SIZE
  crc.update(trailerBytes, 0, TRAILER_SIZE - 8)
  const trailer = parseTrailer(trailerBytes, position.offset)
  checkTrailer(header, trailer, database, position.offset)
  const actual = crc.digest() | CHECKSUM_BIT
  if (actual !== trailer.checksum) {
    const message = `the content has checksum ${actual.toString(16)}, not ${trailer.checksum.toString(16)}`
    throw fileError('LTX_CHECKSUM', message, position.offset + 8)
  }
  return trailer
}

function* readBlock(
  number: number,
  data: Uint8Array,
  position: Position,
  crc: Crc64,
): Generator<number, void, Uint8Array> {
  const sizeBytes = yield 4
  crc.update(sizeBytes)
  const size = new DataView(sizeBytes.buffer, sizeBytes.byteOffset, 4).getUint32(0)
  if (size === 0 || size > lz4Bound(data.length)) {
    throw fileError('LTX_PAGE', `page ${number} cannot be compressed to ${size} bytes`, position.offset)
  }
  position.offset += 4
  const end = decompressBlock(yield size, data, 0)
  if (end < 0) throw malformedBlock(position.offset, -1 - end)
  if (end !== data.length) {
    throw fileError('LTX_COMPRESSION', `page ${number} has ${end} of ${data.length} bytes`, position.offset)
  }
  position.offset += size
}

/** Compares the index with what it must be, which is known. */
function* compareIndex(
  pieces: readonly Uint8Array[],
  position: Position,
  crc: Crc64,
): Generator<number, void, Uint8Array> {
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += INDEX_PIECE) {
      const wanted = piece.subarray(at, at + INDEX_PIECE)
      const found = yield wanted.length
      for (let i = 0; i < wanted.length; i++) {
        if (found[i] !== wanted[i]) {
          throw fileError('LTX_INDEX', 'the page index disagrees with the pages', position.offset + i)
        }
      }
      crc.update(found)
      position.offset += wanted.length
    }
  }
}

/** `database`: the checksum of the whole database after the file, where it is known. */
function checkTrailer(header: LtxHeader, trailer: LtxTrailer, database: bigint | null, offset: number): void {
  const post = trailer.postApplyChecksum
  if (header.flags === NO_CHECKSUM) {
    if (post !== 0n) throw fileError('LTX_TRAILER', 'the post-apply checksum must be 0 here', offset)
    return
  }
  if (post === 0n) throw fileError('LTX_TRAILER', 'the post-apply checksum is missing', offset)
  const expected = header.commit === 0 ? CHECKSUM_BIT : database
  if (expected !== null && post !== expected) {
    const message = `the pages have checksum ${expected.toString(16)}, not ${post.toString(16)}`
    throw fileError('LTX_CHECKSUM', message, offset)
  }
}

/** What a page adds to the checksum of a database. */
function pageChecksum(number: number, data: Uint8Array): bigint {
  const crc = new Crc64()
  const prefix = new Uint8Array(4)
  new DataView(prefix.buffer).setUint32(0, number)
  crc.update(prefix)
  crc.update(data)
  return crc.digest() | CHECKSUM_BIT
}
