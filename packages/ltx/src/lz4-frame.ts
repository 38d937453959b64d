/**
 * LZ4 frames: blocks with a header, sizes and checksums around them. Older LTX files hold one for each page.
 * Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
import { fileError, type LtxError } from './errors.ts'
import { compressBlock, decompressBlock, lz4Bound } from './lz4-block.ts'
import { xxHash32 } from './xxhash32.ts'

const FRAME_MAGIC = 0x184d2204
const VERSION_1 = 0x40
const INDEPENDENT_BLOCKS = 0x20
const BLOCK_CHECKSUMS = 0x10
const CONTENT_SIZE = 0x08
const CONTENT_CHECKSUM = 0x04
const RESERVED = 0x02
const DICTIONARY = 0x01
/** Blocks of at most 64 KiB: the smallest class, and as large as a page can be. */
const BLOCKS_OF_64K = 0x40
/** Set in a block's size when the block is stored as it is. */
const STORED = 0x80000000

/** The most bytes that a frame of `length` uncompressed bytes can take, as `writeFrame` writes it. */
export function frameBound(length: number): number {
  return 7 + 4 + lz4Bound(length) + 8
}

/**
 * Writes `input` as one frame with one block and a content checksum into `output` from `start` on, where
 * `frameBound(input.length)` bytes must be free. Returns the end of the frame in `output`.
 */
export function writeFrame(input: Uint8Array, output: Uint8Array, start: number): number {
  const view = new DataView(output.buffer, output.byteOffset, output.length)
  view.setUint32(start, FRAME_MAGIC, true)
  output[start + 4] = VERSION_1 | INDEPENDENT_BLOCKS | CONTENT_CHECKSUM
  output[start + 5] = BLOCKS_OF_64K
  output[start + 6] = xxHash32(output.subarray(start + 4, start + 6)) >>> 8
  const block = start + 11
  let end = compressBlock(input, output, block)
  let size = end - block
  if (size >= input.length) {
    output.set(input, block)
    end = block + input.length
    size = (input.length | STORED) >>> 0
  }
  view.setUint32(start + 7, size, true)
  view.setUint32(end, 0, true)
  view.setUint32(end + 4, xxHash32(input), true)
  return end + 8
}

/** How far into the file reading has come, in bytes. */
export interface Position {
  offset: number
}

/**
 * Reads one frame that must fill `output` exactly. Yields how many bytes it needs next and expects exactly
 * those; keeps `position` up to date. Throws `LtxError` (`LTX_COMPRESSION`).
 */
export function* readFrame(output: Uint8Array, position: Position): Generator<number, void, Uint8Array> {
  const flags = yield* readDescriptor(output.length, position)
  let filled = 0
  for (;;) {
    const word = readWord(yield 4)
    if (word === 0) break
    const stored = word >= STORED
    const size = stored ? word - STORED : word
    const room = output.length - filled
    if (size > (stored ? room : lz4Bound(room))) {
      throw broken(`a block of ${size} bytes is too large for the ${room} bytes still missing`, position)
    }
    position.offset += 4
    const block = yield size
    const blockHash = (flags & BLOCK_CHECKSUMS) !== 0 ? xxHash32(block) : null
    if (stored) {
      output.set(block, filled)
      filled += size
    } else {
      const independent = (flags & INDEPENDENT_BLOCKS) !== 0
      const base = independent ? filled : 0
      const end = decompressBlock(block, independent ? output.subarray(filled) : output, filled - base)
      if (end < 0) throw malformedBlock(position.offset, -1 - end)
      filled = base + end
    }
    position.offset += size
    if (blockHash !== null) {
      if (readWord(yield 4) !== blockHash)
        throw broken('the checksum of an LZ4 block does not match', position)
      position.offset += 4
    }
  }
  if (filled !== output.length) throw broken(`the frame holds ${filled} bytes, not a page`, position)
  position.offset += 4
  if ((flags & CONTENT_CHECKSUM) !== 0) {
    if (readWord(yield 4) !== xxHash32(output)) {
      throw broken('the checksum of the LZ4 frame does not match', position)
    }
    position.offset += 4
  }
}

/** Reads the frame's header; returns its flags. `length`: how many bytes the frame must hold. */
function* readDescriptor(length: number, position: Position): Generator<number, number, Uint8Array> {
  const start = yield 6
  if (readWord(start) !== FRAME_MAGIC) throw broken('no LZ4 frame begins here', position)
  const flags = start[4] as number
  const blockClass = start[5] as number
  if ((flags & 0xc0) !== VERSION_1 || (flags & (RESERVED | DICTIONARY)) !== 0) {
    throw broken(`LZ4 frame flags 0x${flags.toString(16)} are not supported`, position)
  }
  if ((blockClass & 0x8f) !== 0 || blockClass < BLOCKS_OF_64K) {
    throw broken(`LZ4 block class 0x${blockClass.toString(16)} is unknown`, position)
  }
  position.offset += 6
  const sizeBytes = (flags & CONTENT_SIZE) !== 0 ? 8 : 0
  const rest = yield sizeBytes + 1
  const descriptor = new Uint8Array(2 + sizeBytes)
  descriptor[0] = flags
  descriptor[1] = blockClass
  descriptor.set(rest.subarray(0, sizeBytes), 2)
  if (rest[sizeBytes] !== ((xxHash32(descriptor) >>> 8) & 0xff)) {
    throw broken('the checksum of the LZ4 frame header does not match', position)
  }
  if (sizeBytes > 0) {
    const size = new DataView(descriptor.buffer).getBigUint64(2, true)
    if (size !== BigInt(length))
      throw broken(`the LZ4 frame says it holds ${size} bytes, not a page`, position)
  }
  position.offset += sizeBytes + 1
  return flags
}

/** The error for a block that begins at `blockOffset` of the file and is malformed `inside` it. */
export function malformedBlock(blockOffset: number, inside: number): LtxError {
  return fileError('LTX_COMPRESSION', 'the LZ4 block of a page is malformed', blockOffset + inside)
}

function broken(message: string, position: Position): LtxError {
  return fileError('LTX_COMPRESSION', message, position.offset)
}

function readWord(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0, true)
}
