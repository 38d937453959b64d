import type { LtxHeader } from './header.ts'

/** WAL frames begin at byte 32, so no WAL was ever read from here: an offset of 1 marks a link. */
const LINK_OFFSET = 1

/**
 * The header fields that link a file to another one, by that one's file checksum (64 bits). They are the WAL
 * fields: other tools check their form, copy them nowhere, and use them only to continue their own WAL.
 *
 * @param note a whole number that means something to whoever wrote it; kept where the size of the WAL would be
 */
export function linkFields(
  checksum: bigint,
  note = 0,
): Pick<LtxHeader, 'walOffset' | 'walSize' | 'walSalt1' | 'walSalt2'> {
  return {
    walOffset: LINK_OFFSET,
    walSize: note,
    walSalt1: Number(BigInt.asUintN(32, checksum >> 32n)),
    walSalt2: Number(BigInt.asUintN(32, checksum)),
  }
}

/** The checksum that a file is linked to; null where its WAL fields carry no link. */
export function linkOf(header: LtxHeader): bigint | null {
  if (header.walOffset !== LINK_OFFSET) return null
  return (BigInt(header.walSalt1) << 32n) | BigInt(header.walSalt2)
}

/** The note beside the link; 0 where there is none. */
export function noteOf(header: LtxHeader): number {
  return header.walOffset === LINK_OFFSET ? header.walSize : 0
}
