import { ByteWriter } from './byte-writer.ts'
import { Crc64 } from './crc64.ts'
import { inputError } from './errors.ts'
import {
  CHECKSUM_BIT,
  HEADER_SIZE,
  PAGE_HAS_SIZE,
  PAGE_HEADER_SIZE,
  storedPages,
  TRAILER_SIZE,
} from './format.ts'
import { checkHeader, completeHeader, type LtxHeader, type LtxHeaderInput, writeHeader } from './header.ts'
import { compressBlock, lz4Bound } from './lz4-block.ts'
import { frameBound, writeFrame } from './lz4-frame.ts'
import { PageIndex } from './page-index.ts'
import { type LtxPage, PageRules } from './page-rules.ts'

export interface EncodeOptions {
  /**
   * How pages are compressed: `block` (the default) is smaller and read by Litestream from 0.5.16 and `ltx`
   * from 0.5.2 on, `frame` by every version.
   */
  readonly compression?: 'block' | 'frame'
  /**
   * Size of the database in pages before these transactions. When given, every page by which they grow it
   * must be among the pages: a file that lacks one cannot be restored.
   */
  readonly previousCommit?: number
}

export interface EncodedLtx {
  /** The whole file. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** The file checksum, which is also the last 8 bytes of the file. */
  readonly checksum: bigint
}

/** A piece of a stream is handed on when it has reached this many bytes. */
const PIECE_SIZE = 256 * 1024
/** Room for a transaction of a few pages. */
const SMALL_FILE = 16 * 1024
const SMALL_INDEX = 256

interface Room {
  readonly file: Uint8Array<ArrayBuffer>
  readonly index: Uint8Array<ArrayBuffer>
}

/**
 * Where the next file is encoded: to allocate it anew for each would take longer than encoding one page. Null while in
 * use, for a source of pages may itself encode a file.
 */
let spareRoom: Room | null = null

/**
 * Encodes one LTX file. Pages ascend by number; a snapshot (`minTxid` 1) has every page from 1 to `commit`, but
 * never the lock page. The same input gives the same bytes. Throws `LtxError` (`LTX_INPUT`) for what breaks a rule.
 */
export function encodeLtx(
  header: LtxHeaderInput,
  pages: Iterable<LtxPage>,
  options: EncodeOptions = {},
): EncodedLtx {
  const room = spareRoom ?? { file: new Uint8Array(SMALL_FILE), index: new Uint8Array(SMALL_INDEX) }
  spareRoom = null
  try {
    const encoder = new Encoder(header, options, room)
    for (const page of pages) encoder.add(page)
    for (const piece of encoder.end()) encoder.write(piece)
    const checksum = encoder.close()
    return { bytes: encoder.output.take(), checksum }
  } finally {
    spareRoom = room
  }
}

/**
 * Encodes one LTX file as `encodeLtx` does, in pieces of about 256 KiB; memory is bounded by a piece and about
 * eight bytes a page. Returns the file checksum, which is also the last 8 bytes of the last piece.
 * A rule that is broken is noticed when the page comes, so what was yielded before an error must be discarded.
 */
export async function* encodeLtxStream(
  header: LtxHeaderInput,
  pages: Iterable<LtxPage> | AsyncIterable<LtxPage>,
  options: EncodeOptions = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>, bigint, void> {
  const file = new Uint8Array(PIECE_SIZE + frameBound(65536))
  const encoder = new Encoder(header, options, { file, index: new Uint8Array(SMALL_INDEX) })
  for await (const page of pages) {
    encoder.add(page)
    if (encoder.output.length >= PIECE_SIZE) yield encoder.takePiece()
  }
  for (const piece of encoder.end()) {
    encoder.write(piece)
    if (encoder.output.length >= PIECE_SIZE) yield encoder.takePiece()
  }
  const checksum = encoder.close()
  yield encoder.takePiece()
  return checksum
}

class Encoder {
  readonly output: ByteWriter
  readonly #header: LtxHeader
  readonly #frames: boolean
  readonly #previousCommit: number | null
  readonly #rules: PageRules
  readonly #index: PageIndex
  readonly #crc = new Crc64()
  /** Bytes of the output that the checksum has taken in. */
  #summed = 0
  #taken = 0
  #newPages = 0

  constructor(input: LtxHeaderInput, options: EncodeOptions, room: Room) {
    const header = completeHeader(input)
    checkHeader(header, inputError)
    const { compression = 'block', previousCommit = null } = options
    if (compression !== 'block' && compression !== 'frame') {
      throw inputError(`compression is 'block' or 'frame', not '${compression}'`)
    }
    if (previousCommit !== null && (!Number.isSafeInteger(previousCommit) || previousCommit < 0)) {
      throw inputError(`previousCommit ${previousCommit} is no whole number of pages`)
    }
    this.#header = header
    this.#frames = compression === 'frame'
    this.#previousCommit = previousCommit
    this.#rules = new PageRules(header)
    this.#index = new PageIndex(room.index)
    this.output = new ByteWriter(room.file)
    writeHeader(header, this.output.reserve(HEADER_SIZE))
    this.output.advance(HEADER_SIZE)
  }

  add(page: LtxPage): void {
    const { number, data } = page
    const { pageSize } = this.#header
    if (!(data instanceof Uint8Array) || data.length !== pageSize) {
      throw inputError(`page ${number} has ${data?.length} bytes, not ${pageSize}`)
    }
    const refusal = this.#rules.admit(number)
    if (refusal !== null) throw inputError(refusal)
    if (this.#previousCommit !== null && number > this.#previousCommit) this.#newPages++

    const bytes = this.output.reserve(PAGE_HEADER_SIZE + 4 + (this.#frames ? frameBound : lz4Bound)(pageSize))
    const start = this.output.length
    const view = new DataView(bytes.buffer)
    view.setUint32(start, number)
    view.setUint16(start + 4, this.#frames ? 0 : PAGE_HAS_SIZE)
    let body = start + PAGE_HEADER_SIZE
    let end: number
    if (this.#frames) {
      end = writeFrame(data, bytes, body)
    } else {
      body += 4
      end = compressBlock(data, bytes, body)
      view.setUint32(body - 4, end - body)
    }
    this.#crc.update(bytes, this.#summed, body)
    this.#crc.update(data)
    this.#summed = end
    this.#index.add(number, this.#taken + start, end - start)
    this.output.advance(end - start)
  }

  /** Ends the pages; returns what has to be written then, before `close`. */
  end(): readonly Uint8Array[] {
    const missing = this.#rules.complete() ?? this.#missingGrowth()
    if (missing !== null) throw inputError(missing)
    this.#writeZeros(PAGE_HEADER_SIZE)
    return this.#index.finish()
  }

  write(bytes: Uint8Array): void {
    this.output.reserve(bytes.length).set(bytes, this.output.length)
    this.output.advance(bytes.length)
  }

  /** Writes the trailer; returns the file checksum. */
  close(): bigint {
    // The checksum of the database after the file is 0; the one of the file covers all but itself.
    this.#writeZeros(TRAILER_SIZE - 8)
    this.#sumUp()
    const checksum = this.#crc.digest() | CHECKSUM_BIT
    const bytes = this.output.reserve(8)
    new DataView(bytes.buffer).setBigUint64(this.output.length, checksum)
    this.output.advance(8)
    return checksum
  }

  takePiece(): Uint8Array<ArrayBuffer> {
    this.#sumUp()
    this.#summed = 0
    this.#taken += this.output.length
    return this.output.take()
  }

  #writeZeros(count: number): void {
    this.output.reserve(count).fill(0, this.output.length, this.output.length + count)
    this.output.advance(count)
  }

  /** Takes what was written since the last page into the checksum. */
  #sumUp(): void {
    this.#crc.update(this.output.reserve(0), this.#summed, this.output.length)
    this.#summed = this.output.length
  }

  #missingGrowth(): string | null {
    const { commit, pageSize } = this.#header
    if (this.#previousCommit === null || commit <= this.#previousCommit) return null
    const grown = storedPages(commit, pageSize) - storedPages(this.#previousCommit, pageSize)
    if (this.#newPages === grown) return null
    return `the database grows by ${grown} pages, of which ${this.#newPages} are among the pages`
  }
}
