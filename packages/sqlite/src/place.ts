import { type LtxHeader, linkFields, linkOf } from '@thaw/ltx'
import { fits } from './chain.ts'
import { HistoryChangedError } from './errors.ts'
import type { LtxFile } from './files.ts'

/** What a file says of its place in the chain. Null is what another tool did not keep. */
export interface Place {
  /** File checksum of the transaction before its first one; 0n before the first of all. */
  readonly before: bigint | null
  /** File checksum of its last transaction. */
  readonly end: bigint | null
  /** File checksum of transaction 1, by which a database is known, of a file that begins with it. */
  readonly identity: bigint | null
}

/**
 * A single transaction carries its predecessor's checksum in the link of its header. A file with several carries its
 * last transaction's there, where the next one looks for it, and the predecessor of its first as NodeID, which means
 * nothing there; where there is no predecessor, the first transaction itself.
 */
export function placeOf(file: LtxFile, header: LtxHeader, checksum: bigint): Place {
  const isFirst = file.first === 1
  if (file.level === 0) {
    return { before: isFirst ? 0n : linkOf(header), end: checksum, identity: isFirst ? checksum : null }
  }
  const told = header.nodeId || null
  return { before: isFirst ? 0n : told, end: linkOf(header), identity: isFirst ? told : null }
}

/** The header fields that say this of a file with several transactions. */
export function placeFields({ before, end, identity }: Place) {
  return { nodeId: (before === 0n ? identity : before) ?? 0n, ...(end === null ? {} : linkFields(end)) }
}

/**
 * Two files that meet exactly must be of one history; of files that overlap nothing can be said.
 * @throws HistoryChangedError
 */
export function verifyOrder(
  description: string,
  older: { readonly file: LtxFile; readonly place: Place },
  newer: { readonly file: LtxFile; readonly place: Place },
): void {
  if (newer.file.first !== older.file.last + 1 || fits(newer.place.before, older.place.end)) return
  throw new HistoryChangedError(
    `${newer.file.key} of ${description} does not continue ${older.file.key}: two histories are mixed under this ` +
      'prefix. Restore the database from a copy',
  )
}
