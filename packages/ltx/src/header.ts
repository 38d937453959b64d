import { fileError, type LtxError } from './errors.ts'
import {
  CHECKSUM_BIT,
  HEADER,
  HEADER_SIZE,
  isPageSize,
  MAGIC,
  MAX_U32,
  MAX_U64,
  NO_CHECKSUM,
} from './format.ts'

/** What an LTX file says about itself, in its first 100 bytes. */
export interface LtxHeader {
  /** Bytes a page: a power of two from 512 to 65536. */
  readonly pageSize: number
  /** Size of the database in pages after the file is applied. */
  readonly commit: number
  /** First transaction in the file, from 1 on. 1 makes the file a snapshot, which holds every page. */
  readonly minTxid: number
  /** Last transaction in the file. */
  readonly maxTxid: number
  /** When the last transaction was made, in ms since the epoch. */
  readonly timestamp: number
  /** Where the transaction began in the WAL it was read from, in bytes; 0 for none. */
  readonly walOffset: number
  /** How many bytes of that WAL the transaction took; 0 for none. */
  readonly walSize: number
  /** The salts of that WAL, unsigned 32-bit; 0 for none. `linkOf` reads what Thaw keeps there. */
  readonly walSalt1: number
  readonly walSalt2: number
  /** Who wrote the file, unsigned 64-bit; 0 for nobody in particular. */
  readonly nodeId: bigint
  /** Checksum of the database before the file; 0 in snapshots and where such checksums are not kept. */
  readonly preApplyChecksum: bigint
  /** 0x2: no checksums of the database are kept, as in every file that Thaw writes. */
  readonly flags: number
}

/** What a writer says about a file. What is left out is 0. Files are written with flag 0x2. */
export type LtxHeaderInput = Pick<LtxHeader, 'pageSize' | 'commit' | 'minTxid' | 'maxTxid' | 'timestamp'> &
  Partial<Pick<LtxHeader, 'walOffset' | 'walSize' | 'walSalt1' | 'walSalt2' | 'nodeId'>>

/** Fills in what `input` leaves out. */
export function completeHeader(input: LtxHeaderInput): LtxHeader {
  return {
    pageSize: input.pageSize,
    commit: input.commit,
    minTxid: input.minTxid,
    maxTxid: input.maxTxid,
    timestamp: input.timestamp,
    walOffset: input.walOffset ?? 0,
    walSize: input.walSize ?? 0,
    walSalt1: input.walSalt1 ?? 0,
    walSalt2: input.walSalt2 ?? 0,
    nodeId: input.nodeId ?? 0n,
    preApplyChecksum: 0n,
    flags: NO_CHECKSUM,
  }
}

/** A snapshot holds every page of the database. */
export function isSnapshot(header: Pick<LtxHeader, 'minTxid'>): boolean {
  return header.minTxid === 1
}

/**
 * Checks every rule that concerns the header alone. Calls `fail` with what is wrong and the offset of the
 * field in bytes, and throws the error it returns.
 */
export function checkHeader(header: LtxHeader, fail: (message: string, offset: number) => LtxError): void {
  const { flags, pageSize, commit, minTxid, maxTxid, walOffset, walSize, walSalt1, walSalt2 } = header
  if (flags !== 0 && flags !== NO_CHECKSUM)
    throw fail(`flags 0x${flags.toString(16)} are unknown`, HEADER.flags)
  if (!isPageSize(pageSize)) {
    throw fail(`page size ${pageSize} is no power of two from 512 to 65536`, HEADER.pageSize)
  }
  checkWhole('commit', commit, MAX_U32, HEADER.commit, fail)
  if (commit === 0 && flags === NO_CHECKSUM) {
    throw fail('commit is 0, but a database without checksums has at least one page', HEADER.commit)
  }
  checkWhole('minTxid', minTxid, Number.MAX_SAFE_INTEGER, HEADER.minTxid, fail)
  checkWhole('maxTxid', maxTxid, Number.MAX_SAFE_INTEGER, HEADER.maxTxid, fail)
  if (minTxid === 0) throw fail('minTxid is 0; transactions begin at 1', HEADER.minTxid)
  if (minTxid > maxTxid) throw fail(`minTxid ${minTxid} is above maxTxid ${maxTxid}`, HEADER.minTxid)
  checkWhole('timestamp', header.timestamp, Number.MAX_SAFE_INTEGER, HEADER.timestamp, fail)
  checkWhole('walOffset', walOffset, Number.MAX_SAFE_INTEGER, HEADER.walOffset, fail)
  checkWhole('walSize', walSize, Number.MAX_SAFE_INTEGER, HEADER.walSize, fail)
  checkWhole('walSalt1', walSalt1, MAX_U32, HEADER.walSalt1, fail)
  checkWhole('walSalt2', walSalt2, MAX_U32, HEADER.walSalt2, fail)
  if (walOffset === 0 && (walSize !== 0 || walSalt1 !== 0 || walSalt2 !== 0)) {
    throw fail('walSize and the salts must be 0 where walOffset is 0', HEADER.walOffset)
  }
  if (header.nodeId < 0n || header.nodeId > MAX_U64) {
    throw fail(`nodeId ${header.nodeId} does not fit into 64 bits`, HEADER.nodeId)
  }
  const pre = header.preApplyChecksum
  const wantsPre = flags !== NO_CHECKSUM && !isSnapshot(header)
  if (wantsPre ? (pre & CHECKSUM_BIT) === 0n : pre !== 0n) {
    const rule = wantsPre ? 'is missing or without its top bit' : 'must be 0 here'
    throw fail(`pre-apply checksum ${pre.toString(16)} ${rule}`, HEADER.preApplyChecksum)
  }
}

function checkWhole(
  name: string,
  value: number,
  max: number,
  offset: number,
  fail: (message: string, offset: number) => LtxError,
): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) {
    throw fail(`${name} ${value} is no whole number from 0 to ${max}`, offset)
  }
}

/** Writes a checked header into the first 100 bytes of `target`. */
export function writeHeader(header: LtxHeader, target: Uint8Array): void {
  target.fill(0, 0, HEADER_SIZE)
  const view = new DataView(target.buffer, target.byteOffset, HEADER_SIZE)
  view.setUint32(HEADER.magic, MAGIC)
  view.setUint32(HEADER.flags, header.flags)
  view.setUint32(HEADER.pageSize, header.pageSize)
  view.setUint32(HEADER.commit, header.commit)
  view.setBigUint64(HEADER.minTxid, BigInt(header.minTxid))
  view.setBigUint64(HEADER.maxTxid, BigInt(header.maxTxid))
  view.setBigUint64(HEADER.timestamp, BigInt(header.timestamp))
  view.setBigUint64(HEADER.preApplyChecksum, header.preApplyChecksum)
  view.setBigUint64(HEADER.walOffset, BigInt(header.walOffset))
  view.setBigUint64(HEADER.walSize, BigInt(header.walSize))
  view.setUint32(HEADER.walSalt1, header.walSalt1)
  view.setUint32(HEADER.walSalt2, header.walSalt2)
  view.setBigUint64(HEADER.nodeId, header.nodeId)
}

/**
 * Reads and checks the header of a file from its first 100 bytes; what follows them is not looked at.
 * Throws `LtxError`: `LTX_TRUNCATED`, `LTX_MAGIC`, `LTX_HEADER`.
 */
export function readLtxHeader(bytes: Uint8Array): LtxHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length >= 4 && view.getUint32(HEADER.magic) !== MAGIC) {
    throw fileError('LTX_MAGIC', 'this is no LTX file: it does not begin with "LTX1"', 0)
  }
  if (bytes.length < HEADER_SIZE) {
    throw fileError('LTX_TRUNCATED', `the file ends within its ${HEADER_SIZE}-byte header`, bytes.length)
  }
  const header: LtxHeader = {
    pageSize: view.getUint32(HEADER.pageSize),
    commit: view.getUint32(HEADER.commit),
    minTxid: Number(view.getBigUint64(HEADER.minTxid)),
    maxTxid: Number(view.getBigUint64(HEADER.maxTxid)),
    timestamp: Number(view.getBigInt64(HEADER.timestamp)),
    walOffset: Number(view.getBigInt64(HEADER.walOffset)),
    walSize: Number(view.getBigInt64(HEADER.walSize)),
    walSalt1: view.getUint32(HEADER.walSalt1),
    walSalt2: view.getUint32(HEADER.walSalt2),
    nodeId: view.getBigUint64(HEADER.nodeId),
    preApplyChecksum: view.getBigUint64(HEADER.preApplyChecksum),
    flags: view.getUint32(HEADER.flags),
  }
  checkHeader(header, (message, offset) => fileError('LTX_HEADER', `in the header, ${message}`, offset))
  for (let at: number = HEADER.reserved; at < HEADER_SIZE; at++) {
    if (bytes[at] !== 0) throw fileError('LTX_HEADER', 'the reserved end of the header is not zero', at)
  }
  return header
}
