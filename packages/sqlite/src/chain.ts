import { decodeLtx, encodeLtx, formatTxid, linkFields, linkOf, parseTxid } from '@thaw/ltx'
import type { ObjectStore } from '@thaw/store'
import { RestoreError } from './errors.ts'
import type { PageSet } from './replica.ts'

/**
 * The chain of transactions in the bucket. Transaction n is the object `0000/<n>-<n>.ltx`, created conditionally and
 * never changed. Every object but the first carries the file checksum of its predecessor in its LTX header.
 */

const LEVEL_0 = '0000/'
const FETCHES_AT_ONCE = 16

/** The end of a chain as somebody knows it: nothing is published upon what does not fit to it. */
export interface ChainPosition {
  /** Number of the last transaction; 0 for the empty chain. */
  readonly txid: number
  /** File checksum of that transaction's object; 0n for the empty chain. */
  readonly checksum: bigint
  /** Its timestamp, ms since the epoch. */
  readonly timestamp: number
}

export const EMPTY_CHAIN: ChainPosition = { txid: 0, checksum: 0n, timestamp: 0 }

/** One transaction as it was read from the bucket. */
export interface ChainLink extends PageSet, ChainPosition {
  readonly key: string
  readonly pageSize: number
  /** File checksum of the transaction before; 0n for the first one, and where no link is carried. */
  readonly previousChecksum: bigint
  /** Who wrote it. */
  readonly writerId: bigint
}

/** One transaction as it goes to the bucket. */
export interface EncodedLink extends ChainPosition {
  readonly key: string
  readonly bytes: Uint8Array
  readonly writerId: bigint
}

export function encodeLink(
  previous: ChainPosition,
  change: PageSet,
  pageSize: number,
  writerId: bigint,
  now: number,
): EncodedLink {
  const txid = previous.txid + 1
  const timestamp = Math.max(now, previous.timestamp + 1)
  const pages = [...change.pages]
    .map(([number, data]) => ({ number, data }))
    .sort((a, b) => a.number - b.number)
  const { bytes, checksum } = encodeLtx(
    {
      pageSize,
      commit: change.pageCount,
      minTxid: txid,
      maxTxid: txid,
      timestamp,
      nodeId: writerId,
      ...(previous.txid === 0 ? {} : linkFields(previous.checksum)),
    },
    pages,
  )
  return { txid, checksum, timestamp, key: linkKey(txid), bytes, writerId }
}

/** Reads transactions; what it cannot read or believe ends in a `RestoreError` that names the object. */
export class Chain {
  readonly #store: ObjectStore
  readonly #description: string

  constructor(store: ObjectStore, description: string) {
    this.#store = store
    this.#description = description
  }

  /** The transaction of that number; null when there is none. One request. */
  async fetch(txid: number): Promise<ChainLink | null> {
    const key = linkKey(txid)
    const object = await this.#store.get(key)
    return object && this.#decode(key, txid, object.body)
  }

  /**
   * The numbers of all transactions in the bucket from `first` on, ascending and without a gap.
   * @throws RestoreError `RESTORE_GAP` when one is missing among them
   */
  async list(first: number): Promise<number[]> {
    const txids: number[] = []
    const options = first > 1 ? { startAfter: linkKey(first - 1) } : {}
    for await (const { key } of this.#store.list(LEVEL_0, options)) {
      const txid = parseLinkKey(key)
      if (txid === null) continue
      const expected = first + txids.length
      if (txid !== expected) {
        throw new RestoreError(
          'RESTORE_GAP',
          `${this.#description} lacks transaction ${formatTxid(expected)}: ${linkKey(expected)} is not there, ` +
            `but ${key} is. Restore the missing object from a backup of the bucket, or the database from a copy`,
        )
      }
      txids.push(txid)
    }
    return txids
  }

  /** The transactions of these numbers, in their order, several fetched at once. */
  async *fetchAll(txids: readonly number[]): AsyncGenerator<ChainLink> {
    const pending: Promise<ChainLink | null>[] = []
    let next = 0
    for (const txid of txids) {
      while (next < txids.length && pending.length < FETCHES_AT_ONCE) {
        const fetched = this.fetch(txids[next++]!)
        fetched.catch(() => undefined) // it is awaited below, unless an earlier one fails first
        pending.push(fetched)
      }
      const link = await pending.shift()
      if (!link) {
        throw new RestoreError(
          'RESTORE_GAP',
          `${this.#description} lacks transaction ${formatTxid(txid)}: ${linkKey(txid)} was listed and is gone`,
        )
      }
      yield link
    }
  }

  #decode(key: string, txid: number, bytes: Uint8Array): ChainLink {
    try {
      const { header, pages, checksum } = decodeLtx(bytes)
      if (header.minTxid !== txid || header.maxTxid !== txid) {
        throw new Error(
          `its header says transactions ${formatTxid(header.minTxid)} to ${formatTxid(header.maxTxid)}`,
        )
      }
      return {
        key,
        txid,
        checksum,
        timestamp: header.timestamp,
        pageSize: header.pageSize,
        pageCount: header.commit,
        pages: new Map(pages.map(({ number, data }) => [number, data])),
        previousChecksum: linkOf(header) ?? 0n,
        writerId: header.nodeId,
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new RestoreError(
        'RESTORE_CORRUPT',
        `${key} of ${this.#description} is damaged: ${reason}. Restore the object from a backup of the bucket`,
        error,
      )
    }
  }
}

/** Whether `link` is the transaction after `position` in the same history. */
export function continues(position: ChainPosition, link: ChainLink): boolean {
  return link.txid === position.txid + 1 && link.previousChecksum === position.checksum
}

export function linkKey(txid: number): string {
  const name = formatTxid(txid)
  return `${LEVEL_0}${name}-${name}.ltx`
}

function parseLinkKey(key: string): number | null {
  const match = /^0000\/([0-9a-f]{16})-\1\.ltx$/.exec(key)
  return match?.[1] === undefined ? null : parseTxid(match[1])
}
