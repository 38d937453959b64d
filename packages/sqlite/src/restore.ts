import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { type LtxDecoder, type LtxHeader, lockPage } from '@thaw/ltx'
import { type ChainPosition, EMPTY_CHAIN, missing } from './chain.ts'
import { download, FileVanishedError } from './download.ts'
import { RestoreError } from './errors.ts'
import { COMPACTED_LEVELS, fileKey, type LtxFile, listLevel, SNAPSHOT_LEVEL } from './files.ts'
import { corrupt, openFile, orCorrupt, type Source } from './ltx-file.ts'
import { PageFile } from './page-file.ts'
import { type Place, placeOf, verifyOrder } from './place.ts'
import { type Plan, planFrom } from './plan.ts'
import { becameFull, isFull, lackOfSpace } from './space.ts'

const PLANS = 3

/** What a restored file holds. */
export interface Restored extends ChainPosition {
  /** Which database it is: the file checksum of transaction 1; null where the files do not tell. */
  readonly identity: bigint | null
}

/**
 * Writes the database as the bucket holds it into a new file. An empty bucket leaves no file.
 *
 * @param path nothing must be there
 * @param to no transaction after this one; all when absent
 * @returns the transaction that the file holds
 * @throws RestoreError, HistoryChangedError, StoreError; the file is worth nothing then
 */
export async function restore(
  source: Source,
  path: string,
  to = Number.POSITIVE_INFINITY,
): Promise<Restored> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { files } = await planRestore(source, to)
      if (files.length === 0) return { ...EMPTY_CHAIN, identity: null }
      return await materialise(source, files, path)
    } catch (error) {
      rmSync(path, { force: true })
      if (isFull(error)) throw noSpace(becameFull(source.description, dirname(path)), error)
      if (attempt < PLANS && mayHaveRaced(error)) continue
      if (!(error instanceof FileVanishedError)) throw error
      throw new RestoreError('RESTORE_GAP', `${source.description}: ${error.message}, ${PLANS} times`, error)
    }
  }
}

/**
 * Whether that can come of retention going by: a file was listed and is gone, or the lists, which are not of one
 * moment, do not fit together.
 */
function mayHaveRaced(error: unknown): boolean {
  return error instanceof FileVanishedError || (error instanceof RestoreError && error.code === 'RESTORE_GAP')
}

/**
 * The files to apply to come from nothing to the last transaction, or to `to`.
 * @throws RestoreError `RESTORE_GAP` when the bucket holds transactions that no files lead to
 */
export async function planRestore({ store, description }: Source, to: number): Promise<Plan> {
  const levels = [SNAPSHOT_LEVEL, ...COMPACTED_LEVELS]
  const compacted = (await Promise.all(levels.map((level) => listLevel(store, level)))).flat()
  const { reaches } = planFrom(compacted, 0, to)
  // A day of level 0 can be 86,400 names: those that the other levels cover are not asked for.
  const tail = await listLevel(store, 0, reaches === 0 ? undefined : fileKey(0, reaches, reaches))
  const files = [...compacted, ...tail]
  const plan = planFrom(files, 0, to)
  const beyond = files.filter(({ last }) => last > plan.reaches && last <= to)
  const [nearest] = beyond.sort((a, b) => a.first - b.first)
  if (nearest) throw missing(description, plan.reaches + 1, nearest.key)
  return plan
}

/** Newest file first, so that each page is written once: the newest image wins. */
async function materialise(source: Source, files: readonly LtxFile[], path: string): Promise<Restored> {
  let output: Output | null = null
  let position: ChainPosition | null = null
  let newer: { readonly file: LtxFile; readonly place: Place } | null = null
  try {
    for await (const { file, pieces } of download(source.store, [...files].reverse())) {
      const decoder = await openFile(source, file, pieces)
      output ??= new Output(source, path, decoder.header)
      await readPages(source, file, decoder, output)
      const place = placeOf(file, decoder.header, decoder.checksum)
      if (newer) verifyOrder(source.description, { file, place }, newer)
      position ??= { txid: file.last, checksum: place.end, timestamp: decoder.header.timestamp }
      newer = { file, place }
    }
    if (!output || !position) throw new Error('nothing was planned')
    output.finish()
    return { ...position, identity: newer?.place.identity ?? null }
  } finally {
    output?.close()
  }
}

async function readPages(source: Source, file: LtxFile, decoder: LtxDecoder, output: Output): Promise<void> {
  if (decoder.header.pageSize !== output.pageSize) {
    await decoder.close()
    throw corrupt(
      source,
      file,
      `its pages have ${decoder.header.pageSize} bytes, the newest ones ${output.pageSize}`,
    )
  }
  try {
    for await (const { number, data } of decoder.pages()) output.offer(number, data)
  } catch (error) {
    throw orCorrupt(source, file, error)
  }
}

/** The database file while it is written, newest images first. */
class Output {
  readonly pageSize: number
  readonly #source: Source
  readonly #file: PageFile
  readonly #pageCount: number
  readonly #written: Uint8Array
  #left: number

  constructor(source: Source, path: string, newest: LtxHeader) {
    this.#source = source
    this.pageSize = newest.pageSize
    this.#pageCount = newest.commit
    const lack = lackOfSpace(source.description, newest.commit * newest.pageSize, dirname(path))
    if (lack !== null) throw noSpace(lack)
    this.#written = new Uint8Array(newest.commit + 1)
    this.#left = newest.commit - (lockPage(newest.pageSize) <= newest.commit ? 1 : 0)
    this.#file = new PageFile(path, newest.pageSize)
  }

  /** Takes an image unless there is a newer one, or the page is cut off by now. */
  offer(page: number, image: Uint8Array): void {
    if (page > this.#pageCount || this.#written[page] === 1) return
    this.#written[page] = 1
    this.#left--
    this.#file.write(page, image)
  }

  finish(): void {
    if (this.#left > 0) {
      throw new RestoreError(
        'RESTORE_CORRUPT',
        `${this.#source.description}: the files that lead to its last transaction lack ${this.#left} of ` +
          `${this.#pageCount} pages. Restore the database from a copy`,
      )
    }
    this.#file.finish(this.#pageCount)
  }

  close(): void {
    this.#file.close()
  }
}

function noSpace(message: string, cause?: unknown): RestoreError {
  return new RestoreError('RESTORE_NO_SPACE', message, cause)
}
