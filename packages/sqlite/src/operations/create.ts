import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { encodeLtx, type LtxPage, lockPage } from '@thaw/ltx'
import { probeConditionalPut } from '@thaw/store'
import { Chain, linkKey } from '../chain.ts'
import { systemClock } from '../clock.ts'
import { OperationError } from '../errors.ts'
import { listAll } from '../files.ts'
import type { Source } from '../ltx-file.ts'
import { PROBE_KEY } from '../probe-key.ts'
import { publish } from '../publish.ts'
import { checkIntegrity, orDamaged } from './integrity.ts'

const WINDOW_MS = 5 * 60_000
const READ_BYTES = 1024 * 1024

/** A database that came to be. */
export interface CreatedDatabase {
  /** Bytes a page. */
  readonly pageSize: number
  /** Size of the database, bytes. */
  readonly bytes: number
}

/**
 * Makes the first transaction of a database from a file.
 *
 * @param path an SQLite file that nobody else has open; it is brought to WAL mode
 * @param name of the file in messages
 * @throws OperationError `DATABASE_EXISTS` when the target holds a database, also one that came to be meanwhile;
 *   `INTEGRITY_CHECK_FAILED`. StoreError; CommitUnknownError. The target holds no database of ours then, but for the
 *   last, which says that it may
 */
export async function createFrom(path: string, name: string, target: Source): Promise<CreatedDatabase> {
  const { pageSize, pageCount } = prepare(path, name)
  const writerId = randomBytes(8).readBigUInt64BE()
  const timestamp = systemClock.now()
  const header = { pageSize, commit: pageCount, minTxid: 1, maxTxid: 1, timestamp, nodeId: writerId }
  const encoded = encodeLtx(header, readPages(path, pageSize, pageCount))
  const link = { ...encoded, txid: 1, timestamp, key: linkKey(1), writerId }
  const { store, description } = target
  await probeConditionalPut(store, PROBE_KEY)
  const verifiedAt = systemClock.now()
  await refuseExisting(target)
  const { outcome } = await publish(link, {
    store,
    description,
    chain: new Chain(store, description),
    clock: systemClock,
    verifiedAt,
    fenceWindowMs: WINDOW_MS,
    deadline: verifiedAt + WINDOW_MS,
  })
  if (outcome === 'settled') return { pageSize, bytes: pageSize * pageCount }
  throw exists(target)
}

/** @throws OperationError `DATABASE_EXISTS` when there is a file of any level */
export async function refuseExisting(target: Source): Promise<void> {
  if ((await listAll(target.store)).length > 0) throw exists(target)
}

function exists({ description }: Source): OperationError {
  return new OperationError(
    'DATABASE_EXISTS',
    `${description} holds a database, which is never overwritten: name another prefix, or delete that one first`,
  )
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

function* readPages(path: string, pageSize: number, pageCount: number): Generator<LtxPage> {
  const fd = openSync(path, 'r')
  try {
    const pagesAtOnce = READ_BYTES / pageSize
    for (let page = 1; page <= pageCount; page += pagesAtOnce) {
      const count = Math.min(pagesAtOnce, pageCount - page + 1)
      const bytes = readRange(fd, (page - 1) * pageSize, count * pageSize, path)
      for (let i = 0; i < count; i++) {
        if (page + i === lockPage(pageSize)) continue
        yield { number: page + i, data: bytes.subarray(i * pageSize, (i + 1) * pageSize) }
      }
    }
  } finally {
    closeSync(fd)
  }
}

function readRange(fd: number, position: number, length: number, path: string): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length; ) {
    const read = readSync(fd, bytes, done, length - done, position + done)
    if (read === 0) throw new Error(`${path} ends at byte ${position + done}`)
    done += read
  }
  return bytes
}
