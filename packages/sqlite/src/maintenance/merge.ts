import { encodeLtxStream, type LtxDecoder, type LtxPage, readLtxTrailer } from '@thaw/ltx'
import type { ObjectStore } from '@thaw/store'
import { download, FileVanishedError } from '../download.ts'
import { fileKey, type LtxFile } from '../files.ts'
import { corrupt, openFile, orCorrupt, type Source } from '../ltx-file.ts'
import { type Place, placeFields, placeOf, verifyOrder } from '../place.ts'

const TRIES_WHILE_BUSY = 8
const OPENED_AT_ONCE = 16
const TRAILER_BYTES = 16

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
  const opened = await openAll(source, inputs)
  try {
    const newest = opened.at(-1)
    if (!newest) throw new Error('nothing was opened')
    const { pageSize, commit, timestamp } = newest.decoder.header
    const place = await placeOfAll(source, opened)
    const range = { minTxid: first.first, maxTxid: last.last }
    const header = { pageSize, commit, timestamp, ...range, ...placeFields(place) }
    const pages = mergePages(source, opened, commit)
    const pieces: Uint8Array[] = []
    for await (const piece of encodeLtxStream(header, pages)) pieces.push(piece)
    verifyAll(source, opened, place)
    const key = fileKey(level, first.first, last.last)
    await create(source.store, key, pieces, timestamp)
    return key
  } finally {
    for (const { decoder } of opened) await decoder.close()
  }
}

interface Opened {
  readonly file: LtxFile
  readonly decoder: LtxDecoder
}

async function openAll(source: Source, inputs: readonly LtxFile[]): Promise<Opened[]> {
  const opened: Opened[] = []
  try {
    for (let start = 0; start < inputs.length; start += OPENED_AT_ONCE) {
      const some = inputs.slice(start, start + OPENED_AT_ONCE)
      const results = await Promise.allSettled(some.map((file) => openOne(source, file)))
      for (const result of results) if (result.status === 'fulfilled') opened.push(result.value)
      for (const result of results) if (result.status === 'rejected') throw result.reason
    }
    return opened
  } catch (error) {
    for (const { decoder } of opened) await decoder.close()
    throw error
  }
}

async function openOne(source: Source, file: LtxFile): Promise<Opened> {
  return { file, decoder: await openFile(source, file, piecesOf(source, file)) }
}

async function* piecesOf({ store }: Source, file: LtxFile): AsyncGenerator<Uint8Array> {
  for await (const { pieces } of download(store, [file])) yield* pieces
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
  const range = { start: file.size - TRAILER_BYTES, end: file.size }
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
    for (const head of heads) if (head.page?.number === number) head.page = await head.advance()
    if (number <= commit) yield lowest
  }
}

async function create(
  store: ObjectStore,
  key: string,
  pieces: readonly Uint8Array[],
  timestamp: number,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    const { outcome } = await store.put(key, pieces, { ifAbsent: true, timestamp })
    // Who made the same before made it of the same transactions.
    if (outcome === 'stored' || outcome === 'exists') return
    if (tries === TRIES_WHILE_BUSY)
      throw new Error(`${key} was being created by another ${tries} times in a row`)
  }
}
