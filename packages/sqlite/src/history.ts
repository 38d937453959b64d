import { type Chain, type ChainPosition, fits } from './chain.ts'
import { HistoryChangedError } from './errors.ts'

/** What an environment knows of a database: how far it has followed it, and which one it is. */
export interface KnownState {
  readonly position: ChainPosition
  /** File checksum of transaction 1; null where that is not known. */
  readonly identity: bigint | null
}

/**
 * Whether retention has removed the transaction of `position`, and with it the way from there to the head.
 * @param listed all single transactions from `position` on
 * @throws HistoryChangedError when the head is below, or the name belongs to another transaction: the newest
 *   transaction is never removed, so the prefix was wiped, and perhaps filled again
 */
export async function isLeftBehind(
  position: ChainPosition,
  listed: readonly number[],
  chain: Chain,
  description: string,
): Promise<boolean> {
  const { txid, checksum } = position
  if (txid === 0) return listed.length > 0 && listed[0] !== 1
  if (listed.length > 0 && listed[0] !== txid) return true
  const own = listed.length === 0 ? null : await chain.trailer(txid)
  if (own && fits(own.checksum, checksum)) return false
  if (!own && listed.length > 0) return true // it went after the list was made
  throw new HistoryChangedError(
    `${description} no longer holds transaction ${txid} as this environment knows it: ` +
      `${own ? 'another one has its name' : 'it is gone'}. The database was replaced; the next use starts from what is there now`,
  )
}

/** @throws HistoryChangedError when what was restored is not what was known before, or an earlier state of it */
export function verifyContinued(known: KnownState, restored: KnownState, description: string): void {
  const isSame = fits(known.identity, restored.identity)
  if (isSame && restored.position.txid >= known.position.txid) return
  throw new HistoryChangedError(
    `${description} ${isSame ? 'was set back behind' : 'is not the database any more of which this environment knew'} ` +
      `transaction ${known.position.txid}. It was replaced; the next use starts from what is there now`,
  )
}
