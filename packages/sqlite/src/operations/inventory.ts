import { readLtxHeader } from '@thaw/ltx'
import { StoreError } from '@thaw/store'
import { FileVanishedError } from '../download.ts'
import { type LtxFile, listAll } from '../files.ts'
import { corrupt, orCorrupt, type Source } from '../ltx-file.ts'

const HEADER_BYTES = 100
const LISTS = 3

/** The database as it was after one transaction, and still can be had. */
export interface RestorePoint {
  readonly txid: number
  /** A file that ends with it. */
  readonly file: LtxFile
}

/**
 * Every transaction that files lead to from nothing and that one of them ends with, ascending. The last one is the
 * head, unless something is missing before it.
 */
export function restorePoints(files: readonly LtxFile[]): RestorePoint[] {
  // Of files with the same end the lowest level comes first: a single transaction tells its own time.
  const byLast = [...files].sort((a, b) => a.last - b.last || a.level - b.level)
  const points: RestorePoint[] = []
  let end = 0
  for (const file of byLast) {
    if (file.last === end || file.first > end + 1) continue
    points.push({ txid: file.last, file })
    end = file.last
  }
  return points
}

/**
 * What a file says about itself. One small request.
 * @throws RestoreError `RESTORE_CORRUPT`; FileVanishedError
 */
export async function headerOf(source: Source, file: LtxFile) {
  const bytes = await fetchHeader(source, file)
  try {
    const header = readLtxHeader(bytes)
    if (header.minTxid === file.first && header.maxTxid === file.last) return header
  } catch (error) {
    throw orCorrupt(source, file, error)
  }
  throw corrupt(source, file, 'its header says other transactions than its name')
}

async function fetchHeader({ store }: Source, file: LtxFile): Promise<Uint8Array> {
  try {
    const range = { start: 0, end: HEADER_BYTES }
    const object = await store.get(file.key, { range, ifMatch: file.etag })
    if (object) return object.body
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'STORE_CHANGED')) throw error
  }
  throw new FileVanishedError(file)
}

/** Runs `fn` on all files of the bucket, and again on a new list when one of them went while it looked. */
export async function withFiles<T>(
  { store }: Source,
  fn: (files: readonly LtxFile[]) => Promise<T>,
): Promise<T> {
  for (let lists = 1; ; lists++) {
    try {
      return await fn(await listAll(store))
    } catch (error) {
      if (!(error instanceof FileVanishedError) || lists === LISTS) throw error
    }
  }
}
