import { fileError } from './errors.ts'
import { CHECKSUM_BIT, TRAILER_SIZE } from './format.ts'

/** The last 16 bytes of a file. */
export interface LtxTrailer {
  /** Checksum of the database after the file; 0 in every file that Thaw writes. */
  readonly postApplyChecksum: bigint
  /** Checksum of the file: of its header, its uncompressed pages and its index. Bit 63 is always set. */
  readonly checksum: bigint
}

/**
 * Reads the trailer from the end of a file, given whole or from anywhere before its last 16 bytes. Nothing is
 * compared with the content: that is what decoding does.
 * Throws `LtxError`: `LTX_TRUNCATED`, `LTX_TRAILER`; its offset counts from the start of `bytes`.
 */
export function readLtxTrailer(bytes: Uint8Array): LtxTrailer {
  const start = bytes.length - TRAILER_SIZE
  if (start < 0) {
    throw fileError(
      'LTX_TRUNCATED',
      `these are fewer bytes than the ${TRAILER_SIZE} of a trailer`,
      bytes.length,
    )
  }
  return parseTrailer(bytes.subarray(start), start)
}

/** Reads a trailer from its 16 bytes, which begin at `offset` of the file. Throws `LTX_TRAILER`. */
export function parseTrailer(bytes: Uint8Array, offset: number): LtxTrailer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, TRAILER_SIZE)
  const postApplyChecksum = view.getBigUint64(0)
  const checksum = view.getBigUint64(8)
  if (postApplyChecksum !== 0n && (postApplyChecksum & CHECKSUM_BIT) === 0n) {
    throw fileError('LTX_TRAILER', 'the post-apply checksum is without its top bit', offset)
  }
  if ((checksum & CHECKSUM_BIT) === 0n) {
    throw fileError('LTX_TRAILER', 'the file checksum is without its top bit', offset + 8)
  }
  return { postApplyChecksum, checksum }
}
