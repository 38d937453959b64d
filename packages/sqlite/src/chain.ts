import {
  decodeLtx,
  encodeLtx,
  formatTxid,
  type LtxTrailer,
  linkFields,
  linkOf,
  noteOf,
  readLtxTrailer,
  TRAILER_SIZE,
} from '@thaw/ltx'
import type { ObjectStore } from '@thaw/store'
import { HistoryChangedError, RestoreError } from './errors.ts'
import { fileKey, listLevel } from './files.ts'
import type { PageSet } from './replica.ts'

/**
 * The chain of transactions in the bucket. Transaction n is the object `0000/<n>-<n>.ltx`, created conditionally and
 * never changed. Every object but the first carries the file checksum of its predecessor in its LTX header.
 */

const FETCHES_AT_ONCE = 16
/** What comes whole in one request even if only its end is wanted. */
const SMALL_BYTES = 64 * 1024

/** The end of a chain as somebody knows it: nothing is published upon what does not fit to it. */
export interface ChainPosition {
  /** Number of the last transaction; 0 for the empty chain. */
  readonly txid: number
  /** File checksum of that transaction's object; 0n for the empty chain, null where another tool did not keep it. */
  readonly checksum: bigint | null
  /** Its timestamp, ms since the epoch. */
  readonly timestamp: number
}

export const EMPTY_CHAIN: ChainPosition = { txid: 0, checksum: 0n, timestamp: 0 }

/** One transaction as it was read from the bucket. */
export interface ChainLink extends PageSet, ChainPosition {
  readonly key: string
  readonly pageSize: number
  /** File checksum of the transaction before; 0n for the first one, null where another tool did not keep it. */
  readonly previousChecksum: bigint | null
  /** Who wrote it. */
  readonly writerId: bigint
  /** For how long its writer asks the others to wait, ms (`reservation.ts`); 0 as a rule. */
  readonly asksMs: number
}

/** One transaction as it goes to the bucket. */
export interface EncodedLink extends ChainPosition {
  readonly checksum: bigint
  readonly key: string
  readonly bytes: Uint8Array
  readonly writerId: bigint
}

/** @param asksMs for how long to ask others to wait, ms */
export function encodeLink(
  previous: ChainPosition,
  change: PageSet,
  pageSize: number,
  writerId: bigint,
  now: number,
  asksMs = 0,
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
      ...(previous.txid === 0 || previous.checksum === null ? {} : linkFields(previous.checksum, asksMs)),
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
   * The end of the transaction of that number, which tells it from any other, however large it is; null when there is
   * none. One request, or two when it is large.
   */
  async trailer(txid: number): Promise<LtxTrailer | null> {
    const key = linkKey(txid)
    const start = await this.#store.get(key, { range: { start: 0, end: SMALL_BYTES } })
    if (!start) return null
    const { size, etag, body } = start
    const range = { start: size - TRAILER_SIZE, end: size }
    const end = size === body.length ? start : await this.#store.get(key, { range, ifMatch: etag })
    try {
      return end && readLtxTrailer(end.body)
    } catch (error) {
      throw this.#damaged(key, error)
    }
  }

  /**
   * The numbers of all transactions that the bucket holds singly from `first` on, ascending and without a gap.
   * @throws RestoreError `RESTORE_GAP` when one is missing between two others
   */
  async list(first: number): Promise<number[]> {
    const files = await listLevel(this.#store, 0, first > 1 ? linkKey(first - 1) : undefined)
    const txids = files.filter((file) => file.first === file.last).map((file) => file.first)
    txids.forEach((txid, index) => {
      const expected = (txids[0] ?? 0) + index
      if (txid !== expected) throw missing(this.#description, expected, linkKey(txid))
    })
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
        previousChecksum: txid === 1 ? 0n : linkOf(header),
        writerId: header.nodeId,
        asksMs: noteOf(header),
      }
    } catch (error) {
      throw this.#damaged(key, error)
    }
  }

  #damaged(key: string, error: unknown): RestoreError {
    const reason = error instanceof Error ? error.message : String(error)
    return new RestoreError(
      'RESTORE_CORRUPT',
      `${key} of ${this.#description} is damaged: ${reason}. Restore the object from a backup of the bucket`,
      error,
    )
  }
}

/** Whether two checksums that ought to be equal are. What another tool did not keep cannot be held against it. */
export function fits(one: bigint | null, other: bigint | null): boolean {
  return one === null || other === null || one === other
}

/** Whether `link` is the transaction after `position` in the same history. */
function continues(position: ChainPosition, link: ChainLink): boolean {
  return link.txid === position.txid + 1 && fits(link.previousChecksum, position.checksum)
}

export function linkKey(txid: number): string {
  return fileKey(0, txid, txid)
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

function hex(checksum: bigint | null): string {
  return checksum === null ? 'unknown' : checksum.toString(16).padStart(16, '0')
}

/** @param found what is there behind the gap */
export function missing(description: string, txid: number, found: string): RestoreError {
  return new RestoreError(
    'RESTORE_GAP',
    `${description} lacks transaction ${formatTxid(txid)}: ${linkKey(txid)} is not there, nor a file that contains ` +
      `it, but ${found} is. Restore the missing object from a backup of the bucket, or the database from a copy`,
  )
}
