import { formatTxid, parseTxid } from '@thaw/ltx'
import type { ObjectInfo, ObjectStore } from '@thaw/store'

/**
 * The names of LTX files in a bucket, in Litestream's layout: `<level>/<first>-<last>.ltx`. Level 0 holds single
 * transactions, levels 1 to 3 ever longer runs of them, level 9 the whole database as of a transaction.
 */

export const COMPACTED_LEVELS = [1, 2, 3] as const
export const SNAPSHOT_LEVEL = 9
export const LEVELS = [0, ...COMPACTED_LEVELS, SNAPSHOT_LEVEL] as const

/** One LTX file as a list tells of it. */
export interface LtxFile extends Pick<ObjectInfo, 'key' | 'size' | 'etag' | 'modifiedAt'> {
  readonly level: number
  /** First transaction in it. */
  readonly first: number
  /** Last transaction in it. */
  readonly last: number
}

export function fileKey(level: number, first: number, last: number): string {
  return `${levelPrefix(level)}${formatTxid(first)}-${formatTxid(last)}.ltx`
}

export function levelPrefix(level: number): string {
  return `${level.toString(16).padStart(4, '0')}/`
}

/**
 * The files of one level, ascending by first, then last transaction. What is no LTX file is passed over.
 * @param after only names greater than that of this file
 */
export async function listLevel(store: ObjectStore, level: number, after?: string): Promise<LtxFile[]> {
  const files: LtxFile[] = []
  for await (const info of store.list(levelPrefix(level), after === undefined ? {} : { startAfter: after })) {
    const file = toFile(level, info)
    if (file) files.push(file)
  }
  return files
}

/** The files of all levels, the lowest first. */
export async function listAll(store: ObjectStore): Promise<LtxFile[]> {
  return (await Promise.all(LEVELS.map((level) => listLevel(store, level)))).flat()
}

function toFile(level: number, { key, size, etag, modifiedAt }: ObjectInfo): LtxFile | null {
  const match = /^[0-9a-f]{4}\/([0-9a-f]{16})-([0-9a-f]{16})\.ltx$/.exec(key)
  const first = parseTxid(match?.[1] ?? '')
  const last = parseTxid(match?.[2] ?? '')
  if (first === null || last === null || first < 1 || last < first) return null
  return { level, first, last, key, size, etag, modifiedAt }
}

/** The last transaction in any of the files; 0 when there are none. */
export function latest(files: readonly LtxFile[]): number {
  return files.reduce((latest, { last }) => Math.max(latest, last), 0)
}
