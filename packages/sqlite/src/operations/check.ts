import { statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type BucketSettings, probeConditionalPut } from '@thaw/store'
import { fits } from '../chain.ts'
import { type Clock, systemClock } from '../clock.ts'
import { ownDirectory } from '../directory.ts'
import { HistoryChangedError, OperationError } from '../errors.ts'
import type { Source } from '../ltx-file.ts'
import { openSqlite } from '../open.ts'
import { placeOf } from '../place.ts'
import { PROBE_KEY } from '../probe-key.ts'
import { planRestore } from '../restore.ts'
import { listLost } from '../write-behind/lost.ts'
import { judgeSettings } from './check-bucket.ts'
import { checkHistory } from './check-history.ts'
import { checkIntegrity, messageOf } from './integrity.ts'
import { headerOf, withFiles } from './inventory.ts'
import { type Progress, restoreTelling, untold } from './progress.ts'

const CHECK_KEY = 'thaw/check'
const CHECK_BYTES = 64 * 1024
const CLOCK_TOLERANCE_MS = 60_000

/** What can be checked, in the order in which it is. */
export const CHECK_PARTS = ['configuration', 'upload', 'download', 'manager', 'history'] as const
export type CheckPart = (typeof CHECK_PARTS)[number]

/** What is enough to know that the database works; `history` reads everything that is kept. */
export const DEFAULT_CHECK_PARTS: readonly CheckPart[] = ['configuration', 'upload', 'download', 'manager']

export interface CheckOptions {
  /** `DEFAULT_CHECK_PARTS` when absent. */
  readonly parts?: readonly CheckPart[]
  /** Asks what is set for the bucket, where there is one: `bucketSettings` of `@thaw/store`. */
  readonly settings?: () => Promise<BucketSettings | null>
  readonly clock?: Clock
  readonly progress?: Progress
}

export type CheckResult =
  | { readonly part: CheckPart; readonly ok: true; readonly detail: string }
  /** `error` as it was thrown. */
  | { readonly part: CheckPart; readonly ok: false; readonly detail: string; readonly error: unknown }

/**
 * Exercises the persistence of a database for real, and never touches its data: it writes nothing but two objects
 * below `thaw/`, which stay.
 *
 * - `configuration`: the store may be listed, read and written, its clock is within a minute of ours, and no rule of
 *   the bucket deletes what the database needs
 * - `upload`: what is put can be read back, and the store honours the condition that commits rest on
 * - `download`: every file of a restore is whole, all that begin the history are of one database, and SQLite finds the
 *   result in order
 * - `manager`: the database opens as an application opens it, reads, and closes
 * - `history`: every file that is kept is whole, and all are of one history
 *
 * @returns one result a part; a part that fails does not keep the others from being checked
 */
export async function checkDatabase(source: Source, options: CheckOptions = {}): Promise<CheckResult[]> {
  const { parts = DEFAULT_CHECK_PARTS, clock = systemClock, progress = untold } = options
  const checks: Readonly<Record<CheckPart, () => Promise<string>>> = {
    configuration: () => checkConfiguration(source, clock, options.settings),
    upload: () => checkUpload(source),
    download: () => checkDownload(source, clock, progress),
    manager: () => checkManager(source, clock),
    history: () => checkHistory(source, progress),
  }
  const results: CheckResult[] = []
  for (const part of CHECK_PARTS.filter((name) => parts.includes(name))) {
    progress(`checking ${part}`)
    try {
      results.push({ part, ok: true, detail: await checks[part]() })
    } catch (error) {
      results.push({ part, ok: false, detail: messageOf(error), error })
    }
  }
  return results
}

async function checkConfiguration(
  { store, description }: Source,
  clock: Clock,
  settings: CheckOptions['settings'],
): Promise<string> {
  for await (const _ of store.list('thaw/')) break
  await store.get(CHECK_KEY)
  const before = clock.now()
  await store.put(CHECK_KEY, checkBody())
  const info = await store.head(CHECK_KEY)
  if (!info)
    throw new OperationError('CHECK_FAILED', `${description} lost ${CHECK_KEY} the moment it was put`)
  const after = clock.now()
  const aheadMs = Math.round(
    info.modifiedAt < before ? info.modifiedAt - before : Math.max(0, info.modifiedAt - after),
  )
  if (Math.abs(aheadMs) > CLOCK_TOLERANCE_MS) {
    throw new OperationError(
      'CLOCK_SKEW',
      `the clock of ${description} is ${Math.abs(aheadMs / 1000).toFixed(0)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} ` +
        'the one of this machine; set this one right. S3 refuses what is signed 15 minutes off',
    )
  }
  const works = `list, read and write are allowed; clocks agree within ${Math.ceil(Math.abs(aheadMs) / 1000) || 1} s`
  const found = await settings?.()
  return found ? `${works}; ${judgeSettings(description, found)}` : works
}

async function checkUpload({ store, description }: Source): Promise<string> {
  const body = checkBody()
  await store.put(CHECK_KEY, body)
  const found = await store.get(CHECK_KEY)
  if (!found || !Buffer.from(found.body).equals(body)) {
    throw new OperationError(
      'CHECK_FAILED',
      `${description} gives back something else than was put as ${CHECK_KEY}`,
    )
  }
  await probeConditionalPut(store, PROBE_KEY)
  return `${CHECK_BYTES} bytes put and read back; conditional puts are honoured`
}

/** The same bytes at every time, so that two checks at once agree. */
function checkBody(): Uint8Array {
  return Uint8Array.from({ length: CHECK_BYTES }, (_, index) => (index * 31 + (index >>> 8)) & 0xff)
}

async function checkDownload(source: Source, clock: Clock, progress: Progress): Promise<string> {
  const { files, reaches } = await planRestore(source, Number.POSITIVE_INFINITY)
  if (files.length === 0) return 'there is no database yet'
  const directory = ownDirectory(tmpdir(), clock.now())
  try {
    const path = join(directory.path, 'check.db')
    const { txid, identity } = await restoreTelling(source, path, reaches, 'checking download', progress)
    await verifyIdentity(source, identity)
    const bytes = statSync(path).size
    const db = new DatabaseSync(path)
    try {
      checkIntegrity(db, source.description)
    } finally {
      db.close()
    }
    const read = files.reduce((sum, { size }) => sum + size, 0)
    const from = `${files.length} ${files.length === 1 ? 'file' : 'files'} (${read} bytes)`
    const lost = await listLost(source.store)
    const kept =
      lost.length === 0
        ? ''
        : `; acknowledged and lost by write-behind: ${lost.map(({ key }) => key).join(', ')}`
    return `transaction ${txid} restores from ${from} to ${bytes} bytes; integrity_check ok${kept}`
  } finally {
    directory.release()
  }
}

/**
 * A file that begins with the first transaction says which database it is of: all have to agree, also those that no
 * restore reads now, or one of two histories under this prefix may be restored at any time.
 * @param identity file checksum of the first transaction; null where it is not known
 */
async function verifyIdentity(source: Source, identity: bigint | null): Promise<void> {
  await withFiles(source, async (files) => {
    for (const file of files.filter(({ first, level }) => first === 1 && level > 0)) {
      const told = placeOf(file, await headerOf(source, file), 0n).identity
      if (fits(told, identity)) continue
      throw new HistoryChangedError(
        `${file.key} of ${source.description} is of another database than the files that lead to its last transaction`,
      )
    }
  })
}

async function checkManager({ store, description }: Source, clock: Clock): Promise<string> {
  const db = await openSqlite({ store, description, clock, maintainEvery: 0 })
  try {
    const tables = await db.read((reader) => {
      const sql = "SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
      return reader.execute(sql).rows[0]?.n
    })
    return `opens at transaction ${db.position}, with ${tables} ${tables === 1 ? 'table' : 'tables'}`
  } finally {
    await db.close()
  }
}
