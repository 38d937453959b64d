import { fits } from '../chain.ts'
import { download } from '../download.ts'
import { HistoryChangedError } from '../errors.ts'
import type { LtxFile } from '../files.ts'
import { openFile, orCorrupt, type Source } from '../ltx-file.ts'
import { type Place, placeOf, verifyOrder } from '../place.ts'
import { planFrom } from '../plan.ts'
import { restorePoints, withFiles } from './inventory.ts'
import { type Progress, telling } from './progress.ts'

interface Read {
  readonly file: LtxFile
  readonly place: Place
}

/**
 * Reads every file of every level, those that no restore of the head needs too, and looks that each is whole and that
 * all are of one history.
 * @returns what was found, in a few words
 * @throws RestoreError, HistoryChangedError, StoreError
 */
export function checkHistory(source: Source, progress: Progress): Promise<string> {
  return withFiles(source, async (files) => {
    const total = files.reduce((sum, { size }) => sum + size, 0)
    const store = telling(source.store, 'checking history', total, progress)
    const read: Read[] = []
    for await (const { file, pieces } of download(store, files)) {
      const decoder = await openFile(source, file, pieces)
      try {
        for await (const _ of decoder.pages());
      } catch (error) {
        throw orCorrupt(source, file, error)
      }
      read.push({ file, place: placeOf(file, decoder.header, decoder.checksum) })
    }
    verifyOneHistory(source, read)
    const points = restorePoints(files)
    const { reaches } = planFrom(files, 0)
    const states =
      points.length === 0
        ? 'nothing can be restored'
        : `${points.length} states can be restored, from transaction ${points[0]?.txid} to ${reaches}`
    return `${files.length} files (${total} bytes) are whole and of one history; ${states}`
  })
}

function verifyOneHistory({ description }: Source, read: readonly Read[]): void {
  const byEnd = new Map<number, Read>()
  // Of files with the same end, single transactions know it best.
  for (const one of [...read].sort((a, b) => a.file.level - b.file.level)) {
    const known = byEnd.get(one.file.last)
    if (!known) byEnd.set(one.file.last, one)
    else if (!fits(known.place.end, one.place.end)) {
      throw new HistoryChangedError(
        `${one.file.key} of ${description} does not end as ${known.file.key} does: two histories are mixed under this ` +
          'prefix. Restore the database from a copy',
      )
    }
  }
  for (const newer of read) {
    const older = byEnd.get(newer.file.first - 1)
    if (older) verifyOrder(description, older, newer)
  }
}
