import { rmSync } from 'node:fs'
import { type Chain, type ChainLink, type ChainPosition, fits, verifyLink, verifyPageSize } from '../chain.ts'
import type { Clock } from '../clock.ts'
import { HistoryChangedError, OperationError } from '../errors.ts'
import type { Fairness } from '../fairness.ts'
import type { Source } from '../ltx-file.ts'
import { writePages } from '../page-file.ts'
import { insideFence } from '../publish.ts'
import { type Progress, restoreTelling } from './progress.ts'
import { pageSizeOf } from './sqlite-file.ts'
import { differAfter, differingPages, StateFile } from './state-file.ts'

/**
 * A copy of the newest state that follows the head, as a replica does, but is no database that anybody opens: all that
 * is asked of it is how it differs from another state.
 */

const ASKED_AT_ONCE = 8

/** What a copy of the head is kept with. */
export interface HeadSource {
  readonly source: Source
  readonly chain: Chain
  /** What it is compared with. */
  readonly target: StateFile
  /** Where it is. */
  readonly headPath: string
  readonly clock: Clock
  readonly fairness: Fairness
  readonly fenceWindowMs: number
  readonly progress: Progress
  /** The head is known to be this transaction or a later one; a lower one is of another history. */
  readonly since: number
  /** Which database it is of: the file checksum of its first transaction; null where that is not known. */
  readonly identity: bigint | null
}

/** A copy of the head, and how `target` differs from it. */
export interface Head {
  readonly position: ChainPosition
  /** Wall clock, ms: `position` was the head then or later. */
  readonly verifiedAt: number
  readonly file: StateFile
  readonly differing: Set<number>
}

/** @throws OperationError `DATABASE_EMPTY`, `PAGE_SIZE_DIFFERS`; RestoreError, HistoryChangedError, StoreError */
export async function fetchHead(from: HeadSource): Promise<Head> {
  const { source, target, headPath, clock, progress } = from
  const verifiedAt = clock.now()
  const step = `restoring the newest state of ${source.description}`
  const position = await restoreTelling(source, headPath, Number.POSITIVE_INFINITY, step, progress)
  if (position.txid === 0) {
    throw new OperationError('DATABASE_EMPTY', `${source.description} holds no database yet`)
  }
  if (position.txid < from.since || !fits(position.identity, from.identity)) throw replaced(source)
  progress('comparing')
  const file = new StateFile(headPath, pageSizeOf(headPath))
  try {
    refuseOtherPageSize(from, file.pageSize)
    return { position, verifiedAt, file, differing: differingPages(file, target) }
  } catch (error) {
    file.close()
    throw error
  }
}

/** Within one history it never differs: no tool, and no statement here, changes it once there is a first transaction. */
function refuseOtherPageSize({ source, target }: HeadSource, pageSize: number): void {
  if (pageSize === target.pageSize) return
  throw new OperationError(
    'PAGE_SIZE_DIFFERS',
    `${source.description} has pages of ${pageSize} bytes and the file has pages of ${target.pageSize}, which ` +
      `cannot be changed. Run "PRAGMA journal_mode = DELETE; PRAGMA page_size = ${pageSize}; VACUUM" on the file`,
  )
}

/** Whoever writes all the time would win every race: so this writer too takes its turn, as everybody does. */
export async function awaitTurn(from: HeadSource, known: Head): Promise<Head> {
  const { clock, fairness } = from
  let head = known
  for (let turn = fairness.turn(clock.now()); turn; turn = fairness.turn(clock.now())) {
    if (turn.waitMs > 0) await clock.sleep(turn.waitMs)
    const sentAt = clock.now()
    head = (await advance(from, head, turn.ask)).head
    fairness.looked(sentAt, clock.now())
  }
  return head
}

/** Asks for so many transactions at once. That one is not there proves where the head is, unless the last proof is too old. */
async function advance(from: HeadSource, known: Head, ask: number): Promise<{ head: Head; atHead: boolean }> {
  const { chain, clock } = from
  const at = clock.now()
  const next = known.position.txid + 1
  let head = known
  for (const link of await Promise.all(
    Array.from({ length: ask }, (_, index) => chain.fetch(next + index)),
  )) {
    if (!link) {
      const proven = insideFence(clock.now(), head.verifiedAt, from.fenceWindowMs)
      return { head: proven ? { ...head, verifiedAt: at } : head, atHead: true }
    }
    head = apply(from, head, link)
  }
  return { head, atHead: false }
}

/** What came after a transaction that was faster, all of it when the head was not known just before. */
export async function follow(from: HeadSource, known: Head, winner: ChainLink): Promise<Head> {
  const { clock, fairness } = from
  const knewTheHead = clock.now() - known.verifiedAt <= 2 * fairness.turnMs
  let state = { head: apply(from, known, winner), atHead: knewTheHead }
  while (!state.atHead) state = await advance(from, state.head, ASKED_AT_ONCE)
  return state.head
}

/** For the fence the last proof stays as good as it was: what comes after the head of then is newer. */
function apply(from: HeadSource, head: Head, link: ChainLink): Head {
  const { source, target, headPath, fairness, clock } = from
  verifyLink(head.position, link, source.description)
  const { file, differing } = head
  verifyPageSize(file.pageSize, link, source.description)
  const before = file.pageCount
  writePages(headPath, file.pageSize, link.pages, link.pageCount)
  differAfter(differing, link, before, target)
  fairness.saw(link, clock.now())
  return { ...head, position: link }
}

/** So much time has gone by that only a list tells what the head is. */
export async function catchUp(from: HeadSource, head: Head): Promise<Head> {
  const { chain, source, clock } = from
  const { txid, checksum } = head.position
  const verifiedAt = clock.now()
  const listed = await chain.list(txid)
  if (listed[0] !== txid) {
    head.file.close()
    rmSync(from.headPath)
    return fetchHead({ ...from, since: txid })
  }
  const own = await chain.fetch(txid)
  if (!own || !fits(own.checksum, checksum)) {
    throw replaced(source)
  }
  let current = head
  for await (const link of chain.fetchAll(listed.slice(1))) current = apply(from, current, link)
  return { ...current, verifiedAt }
}

function replaced({ description }: Source): HistoryChangedError {
  return new HistoryChangedError(`${description} was replaced meanwhile. Nothing was changed in it`)
}
