import { join } from 'node:path'
import { type Chain, type ChainLink, type ChainPosition, continues, EMPTY_CHAIN } from './chain.ts'
import { HistoryChangedError, RestoreError } from './errors.ts'
import { Replica, writePages } from './replica.ts'

export interface Restored {
  readonly replica: Replica
  readonly position: ChainPosition
}

/**
 * Makes a new copy of the database as the bucket holds it, in a directory that holds none yet. An empty bucket gives
 * an empty database.
 * @throws RestoreError, StoreError
 */
export async function restore(chain: Chain, directory: string, description: string): Promise<Restored> {
  const path = join(directory, 'replica.db')
  let position: ChainPosition = EMPTY_CHAIN
  let pageSize = 0
  for await (const link of chain.fetchAll(await chain.list(1))) {
    if (position.txid === 0) pageSize = link.pageSize
    verifyLink(position, link, description)
    verifyPageSize(pageSize, link, description)
    writePages(path, pageSize, link.pages, link.pageCount)
    position = link
  }
  const { txid, checksum, timestamp } = position
  const replica = new Replica(path)
  return { replica, position: { txid, checksum, timestamp } }
}

/** @throws HistoryChangedError when `link` does not come after `position` in the same history */
export function verifyLink(position: ChainPosition, link: ChainLink, description: string): void {
  if (continues(position, link)) return
  throw new HistoryChangedError(
    `${link.key} of ${description} follows transaction ${hex(link.previousChecksum)}, but the one before it is ` +
      `${hex(position.checksum)}: two histories are mixed under this prefix. Restore the database from a copy`,
  )
}

/** @throws RestoreError when a transaction has pages of another size than the database */
export function verifyPageSize(pageSize: number, link: ChainLink, description: string): void {
  if (link.pageSize === pageSize) return
  throw new RestoreError(
    'RESTORE_CORRUPT',
    `${link.key} of ${description} has pages of ${link.pageSize} bytes, the database has pages of ${pageSize}`,
  )
}

function hex(checksum: bigint): string {
  return checksum.toString(16).padStart(16, '0')
}
