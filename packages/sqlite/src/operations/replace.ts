import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  Chain,
  type ChainLink,
  type ChainPosition,
  type EncodedLink,
  encodeLink,
  fits,
  verifyLink,
  verifyPageSize,
} from '../chain.ts'
import { type Clock, systemClock } from '../clock.ts'
import { ConflictError, HistoryChangedError, OperationError } from '../errors.ts'
import type { Source } from '../ltx-file.ts'
import { writePages } from '../page-file.ts'
import { publish } from '../publish.ts'
import { type Progress, restoreTelling } from './progress.ts'
import { pageSizeOf } from './sqlite-file.ts'
import { differAfter, differingPages, StateFile } from './state-file.ts'
import { succeeding } from './successor.ts'

/**
 * Makes a database what a file says, without rewriting history: the pages in which the file differs from the head
 * are one more transaction, put like any other. So nobody who follows notices anything special, whoever writes at the
 * same time wins or loses a race as ever, and it is undone by doing the same with the state before.
 */

const WINDOW_MS = 5 * 60_000
const MAX_ATTEMPTS = 100

/** What became of it. All sizes are bytes. */
export interface Replacement {
  /** The head that it came after; going back to it undoes it. */
  readonly before: number
  /** The transaction that was published; null when nothing differs, or nothing was to be published. */
  readonly txid: number | null
  /** How many pages differ. */
  readonly pages: number
  readonly pageSize: number
  /** Of the database, before and afterwards. */
  readonly bytesBefore: number
  readonly bytes: number
  /** Of the object that was put, or would be. */
  readonly published: number
}

/** A replacement, and where the chain then ends. */
export interface Replaced {
  readonly replacement: Replacement
  readonly head: ChainPosition
}

/** Asked once, when it is known what would be done; nothing is done without a yes. A dry run always says no. */
export type Approve = (told: Replacement) => boolean | Promise<boolean>

export interface ReplaceOptions {
  /** Publish only on top of this transaction; on whatever the head is when null. */
  readonly base: Pick<ChainPosition, 'txid' | 'checksum'> | null
  readonly approve: Approve
  readonly progress: Progress
  readonly clock?: Clock
}

interface Run extends ReplaceOptions {
  readonly source: Source
  readonly chain: Chain
  readonly target: StateFile
  readonly headPath: string
  readonly clock: Clock
}

/** A copy of the head, and how `target` differs from it. */
interface Head {
  readonly position: ChainPosition
  /** Wall clock, ms: `position` was the head then or later. */
  readonly verifiedAt: number
  readonly file: StateFile
  readonly differing: Set<number>
}

/**
 * @param path the state to come: a database file in WAL mode that is whole, was checked, and that nobody has open
 * @param pageSize of it
 * @param directory for a copy of the head, `head.db`
 * @throws OperationError `DATABASE_EMPTY`; `PAGE_SIZE_DIFFERS`; `DATABASE_MOVED` when `base` is not the head;
 *   ConflictError when others were faster every time; CommitUnknownError; RestoreError, HistoryChangedError, StoreError
 */
export async function replaceState(
  source: Source,
  path: string,
  pageSize: number,
  directory: string,
  options: ReplaceOptions,
): Promise<Replaced> {
  const target = new StateFile(path, pageSize)
  const chain = new Chain(source.store, source.description)
  const clock = options.clock ?? systemClock
  const run: Run = { ...options, source, chain, target, headPath: join(directory, 'head.db'), clock }
  let head: Head | null = null
  try {
    head = await fetchHead(run)
    for (let attempt = 1; ; attempt++) {
      const difference = describe(target, head)
      if (difference.pages === 0) return { replacement: difference, head: head.position }
      refuseOtherBase(run, head.position)
      const link = encode(run, head)
      const replacement = { ...difference, published: link.bytes.length }
      if (attempt === 1 && !(await options.approve(replacement))) return { replacement, head: head.position }
      options.progress(`writing transaction ${link.txid} of ${source.description}`)
      const publication = await publish(link, {
        store: source.store,
        description: source.description,
        chain,
        clock,
        verifiedAt: head.verifiedAt,
        fenceWindowMs: WINDOW_MS,
        deadline: clock.now() + WINDOW_MS,
      })
      if (publication.outcome === 'settled') {
        return { replacement: { ...replacement, txid: link.txid }, head: link }
      }
      if (attempt === MAX_ATTEMPTS) {
        throw new ConflictError(
          `${source.description}: other writers were faster ${attempt} times in a row. Nothing was changed; repeat ` +
            'it when less is written',
        )
      }
      head = publication.outcome === 'lost' ? apply(run, head, publication.winner) : await catchUp(run, head)
    }
  } finally {
    head?.file.close()
    target.close()
  }
}

async function fetchHead(run: Run): Promise<Head> {
  const { source, target, headPath, clock, progress } = run
  const verifiedAt = clock.now()
  const step = `restoring the newest state of ${source.description}`
  const position = await restoreTelling(source, headPath, Number.POSITIVE_INFINITY, step, progress)
  if (position.txid === 0) {
    throw new OperationError('DATABASE_EMPTY', `${source.description} holds no database yet`)
  }
  progress('comparing')
  const file = new StateFile(headPath, pageSizeOf(headPath))
  try {
    refuseOtherPageSize(run, file.pageSize)
    return { position, verifiedAt, file, differing: differingPages(file, target) }
  } catch (error) {
    file.close()
    throw error
  }
}

/** Within one history it never differs: no tool, and no statement here, changes it once there is a first transaction. */
function refuseOtherPageSize({ source, target }: Run, pageSize: number): void {
  if (pageSize === target.pageSize) return
  throw new OperationError(
    'PAGE_SIZE_DIFFERS',
    `${source.description} has pages of ${pageSize} bytes and the file has pages of ${target.pageSize}, which ` +
      `cannot be changed. Run "PRAGMA journal_mode = DELETE; PRAGMA page_size = ${pageSize}; VACUUM" on the file`,
  )
}

/** @throws OperationError `DATABASE_MOVED` */
function refuseOtherBase({ base, source }: Run, head: ChainPosition): void {
  if (base === null || (head.txid === base.txid && fits(head.checksum, base.checksum))) return
  const found =
    head.txid > base.txid
      ? `it is at transaction ${head.txid}`
      : 'it holds another history: it was replaced, or this is another database'
  throw new OperationError(
    'DATABASE_MOVED',
    `${source.description} is no longer at transaction ${base.txid}: ${found}. Nothing was changed`,
  )
}

function describe({ pageSize, pageCount }: StateFile, { position, file, differing }: Head): Replacement {
  return {
    before: position.txid,
    txid: null,
    pages: differing.size,
    pageSize,
    bytesBefore: file.pageCount * pageSize,
    bytes: pageCount * pageSize,
    published: 0,
  }
}

function encode({ target, clock }: Run, { position, file, differing }: Head): EncodedLink {
  const { pageSize, pageCount } = target
  const pages = new Map([...differing].map((page) => [page, target.read(page)]))
  pages.set(1, succeeding(target.read(1), file.read(1), pageCount))
  const writerId = randomBytes(8).readBigUInt64BE()
  return encodeLink(position, { pages, pageCount }, pageSize, writerId, clock.now())
}

/** For the fence the last proof stays as good as it was: what comes after the head of then is newer. */
function apply({ source, target, headPath }: Run, head: Head, link: ChainLink): Head {
  verifyLink(head.position, link, source.description)
  const { file, differing } = head
  verifyPageSize(file.pageSize, link, source.description)
  const before = file.pageCount
  writePages(headPath, file.pageSize, link.pages, link.pageCount)
  differAfter(differing, link, before, target)
  return { ...head, position: link }
}

/** So much time has gone by that only a list tells what the head is. */
async function catchUp(run: Run, head: Head): Promise<Head> {
  const { chain, source, clock } = run
  const { txid, checksum } = head.position
  const verifiedAt = clock.now()
  const listed = await chain.list(txid)
  if (listed[0] !== txid) {
    head.file.close()
    rmSync(run.headPath)
    return fetchHead(run)
  }
  const own = await chain.fetch(txid)
  if (!own || !fits(own.checksum, checksum)) {
    throw new HistoryChangedError(`${source.description} was replaced meanwhile. Nothing was changed in it`)
  }
  let current = head
  for await (const link of chain.fetchAll(listed.slice(1))) current = apply(run, current, link)
  return { ...current, verifiedAt }
}
