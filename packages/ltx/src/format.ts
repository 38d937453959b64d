/** Constants and small rules of the LTX format, version 3: https://github.com/superfly/ltx */

export const HEADER_SIZE = 100
export const PAGE_HEADER_SIZE = 6
export const TRAILER_SIZE = 16
/** `LTX1`; the digit is not the version. */
export const MAGIC = 0x4c545831
/** Header flag: the file carries no checksums of the database before and after it. */
export const NO_CHECKSUM = 0x2
/** Page flag: a size and an LZ4 block follow, not an LZ4 frame. */
export const PAGE_HAS_SIZE = 0x1
/** Set in every checksum that is present, so that none is 0. */
export const CHECKSUM_BIT = 1n << 63n
export const MAX_U32 = 0xffffffff
export const MAX_U64 = (1n << 64n) - 1n

/** Page sizes are SQLite's: a power of two from 512 to 65536 bytes. */
export function isPageSize(size: number): boolean {
  return Number.isInteger(size) && size >= 512 && size <= 65536 && (size & (size - 1)) === 0
}

/**
 * The page that holds SQLite's lock bytes (1 GiB into the file). It is never stored: a file has zeros there.
 * `pageSize` in bytes.
 */
export function lockPage(pageSize: number): number {
  return 0x40000000 / pageSize + 1
}

/** How many of the pages 1 to `commit` a file can carry: all but the lock page. */
export function storedPages(commit: number, pageSize: number): number {
  return commit < lockPage(pageSize) ? commit : commit - 1
}

/** Where the header of a file has which field, in bytes. */
export const HEADER = {
  magic: 0,
  flags: 4,
  pageSize: 8,
  commit: 12,
  minTxid: 16,
  maxTxid: 24,
  timestamp: 32,
  preApplyChecksum: 40,
  walOffset: 48,
  walSize: 56,
  walSalt1: 64,
  walSalt2: 68,
  nodeId: 72,
  reserved: 80,
} as const
