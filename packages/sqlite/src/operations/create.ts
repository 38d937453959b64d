import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type LtxPage, lockPage } from '@thaw/ltx'
import { probeConditionalPut } from '@thaw/store'
import { systemClock } from '../clock.ts'
import type { Source } from '../ltx-file.ts'
import { PROBE_KEY } from '../probe-key.ts'
import { putFirstTransaction } from './first-transaction.ts'
import { checkIntegrity, orDamaged } from './integrity.ts'

const READ_BYTES = 1024 * 1024

/** A database that came to be. */
export interface CreatedDatabase {
  /** Bytes a page. */
  readonly pageSize: number
  /** Size of the database, bytes. */
  readonly bytes: number
}

/**
 * Makes the first transaction of a database from a file, which is streamed: memory does not depend on its size.
 *
 * @param path an SQLite file that nobody else has open; it is brought to WAL mode
 * @param name of the file in messages
 * @throws OperationError `DATABASE_EXISTS` when the target holds a database, also one that came to be meanwhile;
 *   `INTEGRITY_CHECK_FAILED`. StoreError; CommitUnknownError. The target holds no database of ours then, but for the
 *   last, which says that it may
 */
export async function createFrom(path: string, name: string, target: Source): Promise<CreatedDatabase> {
  const { pageSize, pageCount } = prepare(path, name)
  await probeConditionalPut(target.store, PROBE_KEY)
  const nodeId = randomBytes(8).readBigUInt64BE()
  const timestamp = systemClock.now()
  const header = { pageSize, commit: pageCount, minTxid: 1, maxTxid: 1, timestamp, nodeId }
  const pages = () => readPages(path, pageSize, pageCount)
  await putFirstTransaction(target, { header, pages }, systemClock)
  return { pageSize, bytes: pageSize * pageCount }
}

/**
 * Checks a file that nobody else has open, and brings it to WAL mode.
 * @throws OperationError `INTEGRITY_CHECK_FAILED`
 */
export function prepare(
  path: string,
  name: string,
): { readonly pageSize: number; readonly pageCount: number } {
  const db = new DatabaseSync(path)
  try {
    checkIntegrity(db, name)
    return orDamaged(name, () => {
      const number = (pragma: string) => Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0])
      db.exec('PRAGMA journal_mode = WAL')
      return { pageSize: number('page_size'), pageCount: number('page_count') }
    })
  } finally {
    db.close()
  }
}

/** The pages of a file. What a page holds is valid until the next one is asked for. */
function* readPages(path: string, pageSize: number, pageCount: number): Generator<LtxPage> {
  const fd = openSync(path, 'r')
  try {
    const pagesAtOnce = READ_BYTES / pageSize
    const buffer = new Uint8Array(READ_BYTES)
    for (let page = 1; page <= pageCount; page += pagesAtOnce) {
      const count = Math.min(pagesAtOnce, pageCount - page + 1)
      readRange(fd, buffer.subarray(0, count * pageSize), (page - 1) * pageSize, path)
      for (let i = 0; i < count; i++) {
        if (page + i === lockPage(pageSize)) continue
        yield { number: page + i, data: buffer.subarray(i * pageSize, (i + 1) * pageSize) }
      }
    }
  } finally {
    closeSync(fd)
  }
}

function readRange(fd: number, into: Uint8Array, position: number, path: string): void {
  for (let done = 0; done < into.length; ) {
    const read = readSync(fd, into, done, into.length - done, position + done)
    if (read === 0) throw new Error(`${path} ends at byte ${position + done}`)
    done += read
  }
}
