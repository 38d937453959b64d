import { formatTxid, parseTxid } from '@thaw/ltx'
import type { ObjectStore } from '@thaw/store'
import type { EncodedLink } from '../chain.ts'

/**
 * What was acknowledged in write-behind mode and could not be published, because another writer was there first. Each
 * object is the LTX file that would have been the next transaction: applied to a restore of the transaction before it,
 * it gives the database as its writer had it.
 */
const LOST_PREFIX = 'lost/'

export interface LostObject {
  readonly key: string
  /** The transaction that it was built on: restore this one, then apply the object. */
  readonly position: number
  /** Bytes. */
  readonly size: number
  /** When it was kept, by the store's clock, ms since the epoch. */
  readonly keptAt: number
}

/** `lost/<position>-<writer>.ltx`: one writer has one end at one position. */
export function lostKey(position: number, writerId: bigint): string {
  return `${LOST_PREFIX}${formatTxid(position)}-${writerId.toString(16).padStart(16, '0')}.ltx`
}

/**
 * Keeps a transaction that cannot be published.
 * @returns the name of the object
 * @throws StoreError; whether it is kept is then not known, and keeping it again is harmless
 */
export async function keepLost(store: ObjectStore, link: EncodedLink): Promise<string> {
  const key = lostKey(link.txid - 1, link.writerId)
  await store.put(key, link.bytes, { timestamp: link.timestamp })
  return key
}

/** Everything that was lost and is still kept, by position. */
export async function listLost(store: ObjectStore): Promise<LostObject[]> {
  const found: LostObject[] = []
  for await (const { key, size, modifiedAt } of store.list(LOST_PREFIX)) {
    const position = parseTxid(/^lost\/([0-9a-f]{16})-[0-9a-f]{16}\.ltx$/.exec(key)?.[1] ?? '')
    if (position !== null) found.push({ key, position, size, keptAt: modifiedAt })
  }
  return found
}
