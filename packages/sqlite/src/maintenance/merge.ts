import {
  encodeLtxStream,
  type LtxDecoder,
  type LtxHeaderInput,
  type LtxPage,
  readLtxTrailer,
  TRAILER_SIZE,
} from '@thaw/ltx'
import type { PutResult } from '@thaw/store'
import { type DownloadLimits, download, FileVanishedError } from '../download.ts'
import { fileKey, type LtxFile } from '../files.ts'
import { corrupt, openFile, orCorrupt, type Source } from '../ltx-file.ts'
import { type Place, placeFields, placeOf, verifyOrder } from '../place.ts'

const TRIES_WHILE_BUSY = 8
const OPENED_AT_ONCE = 16
const MEBIBYTE = 1024 * 1024
const AHEAD_BYTES = 16 * MEBIBYTE
const SMALLEST_PIECE_BYTES = 64 * 1024
/** More inputs are merged in several runs: each is held open, with a piece of its bytes in memory. */
export const MOST_INPUTS = 256

/**
 * Puts one file in the place of several: the newest image of every page in them. The result depends on nothing but
 * the transactions it covers, so it does not matter who makes it, nor how often.
 *
 * @param inputs files of one history, in order, without a gap
 * @param level of the result
 * @returns its key
 * @throws RestoreError, HistoryChangedError when the inputs cannot be believed; StoreError; nothing is written then
 */
export async function mergeFiles(source: Source, inputs: readonly LtxFile[], level: number): Promise<string> {
  const first = inputs[0]
  const last = inputs.at(-1)
  if (!first || !last) throw new Error('there is nothing to merge')
  const key = fileKey(level, first.first, last.last)
  for (let tries = 1; ; tries++) {
    const outcome = await putMerged(source, inputs, { first: first.first, last: last.last }, key)
    // Who made the same before made it of the same transactions.
    if (outcome === 'stored' || outcome === 'exists') return key
    if (tries === TRIES_WHILE_BUSY)
      throw new Error(`${key} was being created by another ${tries} times in a row`)
  }
}

/** Streams from the inputs into the result: memory depends on the number of the inputs, not on their sizes. */
async function putMerged(
  source: Source,
  inputs: readonly LtxFile[],
  { first, last }: Pick<LtxFile, 'first' | 'last'>,
  key: string,
): Promise<PutResult['outcome']> {
  const opened = await openAll(source, inputs)
  try {
    const newest = opened.at(-1)
    if (!newest) throw new Error('nothing was opened')
    const { pageSize, commit, timestamp } = newest.decoder.header
    const place = await placeOfAll(source, opened)
    const range = { minTxid: first, maxTxid: last }
    const header = { pageSize, commit, timestamp, ...range, ...placeFields(place) }
    const body = encodeMerged(source, opened, header, place)
    const { outcome } = await source.store.put(key, body, { ifAbsent: true, timestamp })
    return outcome
  } finally {
    for (const { decoder } of opened) await decoder.close()
  }
}

/** The result. It ends only when everything in it is verified, and what has not ended is not written. */
async function* encodeMerged(
  source: Source,
  opened: readonly Opened[],
  header: LtxHeaderInput & { readonly commit: number },
  place: Place,
): AsyncGenerator<Uint8Array> {
  yield* encodeLtxStream(header, mergePages(source, opened, header.commit))
  verifyAll(source, opened, place)
}

interface Opened {
  readonly file: LtxFile
  readonly decoder: LtxDecoder
}

async function openAll(source: Source, inputs: readonly LtxFile[]): Promise<Opened[]> {
  const opened: Opened[] = []
  const limits = limitsFor(inputs.length)
  try {
    for (let start = 0; start < inputs.length; start += OPENED_AT_ONCE) {
      const some = inputs.slice(start, start + OPENED_AT_ONCE)
      const results = await Promise.allSettled(some.map((file) => openOne(source, file, limits)))
      for (const result of results) if (result.status === 'fulfilled') opened.push(result.value)
      for (const result of results) if (result.status === 'rejected') throw result.reason
    }
    return opened
  } catch (error) {
    for (const { decoder } of opened) await decoder.close()
    throw error
  }
}

async function openOne(source: Source, file: LtxFile, limits: DownloadLimits): Promise<Opened> {
  return { file, decoder: await openFile(source, file, piecesOf(source, file, limits)) }
}

async function* piecesOf(
  { store }: Source,
  file: LtxFile,
  limits: DownloadLimits,
): AsyncGenerator<Uint8Array> {
  for await (const { pieces } of download(store, [file], limits)) yield* pieces
}

/** The inputs are read side by side: together they may be this far ahead. */
function limitsFor(inputs: number): DownloadLimits {
  const aheadBytes = Math.floor(AHEAD_BYTES / inputs)
  const pieceBytes = Math.min(MEBIBYTE, Math.max(SMALLEST_PIECE_BYTES, Math.floor(aheadBytes / 2)))
  return { aheadBytes, pieceBytes }
}

/** The place in the chain of all files together, before they are read. */
async function placeOfAll(source: Source, opened: readonly Opened[]): Promise<Place> {
  const [first, last] = [opened[0], opened.at(-1)]
  if (!first || !last) throw new Error('nothing was opened')
  const { end } = await placeBeforeReading(source, last)
  return { ...(await placeBeforeReading(source, first)), end }
}

/** The checksum of a single transaction is in its trailer. */
async function placeBeforeReading(source: Source, { file, decoder }: Opened): Promise<Place> {
  if (file.level > 0) return placeOf(file, decoder.header, 0n)
  const range = { start: file.size - TRAILER_SIZE, end: file.size }
  const trailer = await source.store.get(file.key, { range, ifMatch: file.etag })
  if (!trailer) throw new FileVanishedError(file)
  try {
    return placeOf(file, decoder.header, readLtxTrailer(trailer.body).checksum)
  } catch (error) {
    throw orCorrupt(source, file, error)
  }
}

/** Whether what was read, now that it is known to be whole, is one history, in the place that the header says. */
function verifyAll(source: Source, opened: readonly Opened[], told: Place): void {
  const read = opened.map(({ file, decoder }) => ({
    file,
    place: placeOf(file, decoder.header, decoder.checksum),
  }))
  read.forEach((newer, index) => {
    const older = read[index - 1]
    if (older) verifyOrder(source.description, older, newer)
  })
  const [first, last] = [read[0], read.at(-1)]
  if (last && last.place.end !== told.end) throw corrupt(source, last.file, 'it changed while it was read')
  if (first && first.place.identity !== told.identity)
    throw corrupt(source, first.file, 'it changed while it was read')
}

/**
 * All pages of the files up to `commit`, ascending, of equal ones that of the newest file. Reads every file to its
 * end.
 */
async function* mergePages(
  source: Source,
  opened: readonly Opened[],
  commit: number,
): AsyncGenerator<LtxPage> {
  const heads = await Promise.all(
    opened.map(async ({ file, decoder }) => {
      const pages = decoder.pages()
      const advance = async (): Promise<LtxPage | null> => {
        try {
          const { value } = await pages.next()
          return value ?? null
        } catch (error) {
          throw orCorrupt(source, file, error)
        }
      }
      return { page: await advance(), advance }
    }),
  )
  for (;;) {
    let lowest: LtxPage | null = null
    for (const { page } of heads) if (page && (!lowest || page.number <= lowest.number)) lowest = page
    if (!lowest) return
    const { number } = lowest
    if (number <= commit) yield lowest
    // Only now: going on takes back what the page holds.
    for (const head of heads) if (head.page?.number === number) head.page = await head.advance()
  }
}
