import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Chain, type ChainLink, type ChainPosition, type EncodedLink, encodeLink, fits } from '../chain.ts'
import { type Clock, systemClock } from '../clock.ts'
import { ConflictError, OperationError } from '../errors.ts'
import { Fairness } from '../fairness.ts'
import type { Source } from '../ltx-file.ts'
import { type Publication, publish } from '../publish.ts'
import { publishReservation, takeTurn } from '../reserve.ts'
import { awaitTurn, catchUp, fetchHead, follow, type Head, type HeadSource } from './head-copy.ts'
import type { Progress } from './progress.ts'
import { StateFile } from './state-file.ts'
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
  /** The database is known to have come as far as this transaction. */
  readonly since: number
  /** Which database it is: the file checksum of its first transaction; null where that is not known. */
  readonly identity: bigint | null
  readonly approve: Approve
  readonly progress: Progress
  readonly clock?: Clock
}

interface Run extends ReplaceOptions, HeadSource {
  readonly clock: Clock
  readonly writerId: bigint
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
  const writerId = randomBytes(8).readBigUInt64BE()
  const fairness = new Fairness()
  const headPath = join(directory, 'head.db')
  const fenceWindowMs = WINDOW_MS
  const run: Run = { ...options, source, chain, target, headPath, clock, writerId, fairness, fenceWindowMs }
  let head: Head | null = null
  try {
    head = await fetchHead(run)
    for (let attempt = 1; ; attempt++) {
      head = await turnOf(run, head)
      const difference = describe(target, head)
      if (difference.pages === 0) return { replacement: difference, head: head.position }
      refuseOtherBase(run, head.position)
      const begun = clock.now()
      const link = encode(run, head)
      const encodingMs = clock.now() - begun
      const replacement = { ...difference, published: link.bytes.length }
      if (attempt === 1 && !(await options.approve(replacement))) return { replacement, head: head.position }
      options.progress(`writing transaction ${link.txid} of ${source.description}`)
      const sentAt = clock.now()
      const publication = await send(run, head, link, sentAt + WINDOW_MS)
      fairness.worked(encodingMs + clock.now() - sentAt)
      if (publication.outcome === 'settled') {
        return { replacement: { ...replacement, txid: link.txid }, head: link }
      }
      if (attempt === MAX_ATTEMPTS) throw conflict(source, attempt)
      if (publication.outcome === 'lost') head = await lose(run, head, publication.winner)
      else head = await catchUp(run, head)
    }
  } finally {
    head?.file.close()
    target.close()
  }
}

/** Waits for its turn, and asks the others to wait when it has lost too often; gives the head of then. */
async function turnOf(run: Run, known: Head): Promise<Head> {
  let head = known
  const wait = async () => {
    head = await awaitTurn(run, head)
  }
  await takeTurn(run, wait, async (ms) => {
    const asked = await reserve(run, head, ms)
    head = asked.head
    return asked.heard
  })
  return head
}

/** Whether the others were asked, as far as is known, and where the head then is. */
async function reserve(run: Run, head: Head, ms: number): Promise<{ head: Head; heard: boolean }> {
  const { file, position } = head
  const change = { pages: new Map([[1, file.read(1)]]), pageCount: file.pageCount }
  const toBucket = (link: EncodedLink, deadline: number) => send(run, head, link, deadline)
  const request = { ...run, position, change, pageSize: file.pageSize, send: toBucket }
  const asked = await publishReservation(request, ms).catch(() => null)
  if (asked === null) return { head: await catchUp(run, head), heard: true } // it may be there
  const { link, publication } = asked
  switch (publication.outcome) {
    case 'settled':
      return { head: { ...head, position: link, verifiedAt: publication.provenAt }, heard: true }
    case 'lost':
      return { head: await lose(run, head, publication.winner), heard: false }
    case 'stale':
      return { head: await catchUp(run, head), heard: false }
  }
}

/** @throws ConflictError when it has lost too often, reservations too */
async function lose(run: Run, head: Head, winner: ChainLink): Promise<Head> {
  const { fairness, source } = run
  const newest = await follow(run, head, winner)
  fairness.lost()
  if (fairness.lossesInARow >= MAX_ATTEMPTS) throw conflict(source, fairness.lossesInARow)
  return newest
}

function conflict({ description }: Source, times: number): ConflictError {
  return new ConflictError(
    `${description}: other writers were faster ${times} times in a row. Nothing was changed; repeat it when less is written`,
  )
}

function send(run: Run, { verifiedAt }: Head, link: EncodedLink, deadline: number): Promise<Publication> {
  const { source, chain, clock, fenceWindowMs } = run
  return publish(link, { ...source, chain, clock, verifiedAt, fenceWindowMs, deadline })
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

function encode({ target, clock, writerId }: Run, { position, file, differing }: Head): EncodedLink {
  const { pageSize, pageCount } = target
  const pages = new Map([...differing].map((page) => [page, target.read(page)]))
  pages.set(1, succeeding(target.read(1), file.read(1), pageCount))
  return encodeLink(position, { pages, pageCount }, pageSize, writerId, clock.now())
}
