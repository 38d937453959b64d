import { LtxError } from './errors.ts'

/**
 * A transaction id as names carry it: 16 lower-case hex digits. Throws `LtxError` (`LTX_INPUT`) unless `txid`
 * is a whole number from 0 to 2^53 - 1; 0 is "before the first transaction".
 */
export function formatTxid(txid: number): string {
  if (!Number.isSafeInteger(txid) || txid < 0) {
    throw new LtxError(
      'LTX_INPUT',
      `A transaction id is a whole number from 0 to 2^53 - 1, not ${txid}`,
      null,
    )
  }
  return txid.toString(16).padStart(16, '0')
}

/**
 * Reads what `formatTxid` writes. Null for anything else: another length, other digits (upper case too), or a
 * number above 2^53 - 1, which is for the caller to report with the name it came from.
 */
export function parseTxid(text: string): number | null {
  if (!/^[0-9a-f]{16}$/.test(text)) return null
  const txid = Number.parseInt(text, 16)
  return Number.isSafeInteger(txid) ? txid : null
}
