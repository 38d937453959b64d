import { formatTxid } from '@thaw/ltx'
import { OperationError } from '../errors.ts'
import type { Source } from '../ltx-file.ts'
import { headerOf, type RestorePoint, restorePoints, withFiles } from './inventory.ts'

/** Which state of a database is meant: the newest when both are absent. */
export interface Moment {
  /** The one after this transaction. */
  readonly to?: number
  /** The newest one that was made at or before this instant, ms since the epoch. */
  readonly at?: number
}

/**
 * The transaction that a moment means.
 * @throws OperationError `DATABASE_EMPTY`; `NO_RESTORE_POINT` when that state cannot be had (any more), naming the
 *   nearest ones that can; `BAD_OPTION`. RestoreError, StoreError
 */
export async function resolveMoment(source: Source, moment: Moment): Promise<number> {
  const { to, at } = moment
  if (to !== undefined && at !== undefined) {
    throw new OperationError('BAD_OPTION', 'give a transaction or a time, not both')
  }
  return withFiles(source, async (files) => {
    const points = restorePoints(files)
    const newest = points.at(-1)
    const head = files.reduce((most, { last }) => Math.max(most, last), 0)
    if (head === 0) throw new OperationError('DATABASE_EMPTY', `${source.description} holds no database yet`)
    if (to !== undefined) return exactly(source, points, to)
    if (at !== undefined) return atTime(source, points, at)
    // Not the newest that can be had: where something is missing, restoring says what.
    return newest?.txid === head ? head : Number.POSITIVE_INFINITY
  })
}

function exactly({ description }: Source, points: readonly RestorePoint[], to: number): number {
  const next = points.findIndex(({ txid }) => txid >= to)
  const found = points[next]
  if (found?.txid === to) return to
  const before = points.at(next === -1 ? -1 : next - 1)
  const near = [next === 0 ? undefined : before, found].filter((point) => point !== undefined)
  throw new OperationError(
    'NO_RESTORE_POINT',
    `${description} cannot be restored to transaction ${to}: ` +
      (found ? 'it was compacted with its neighbours, or is no longer kept. ' : 'it has not come to be. ') +
      (near.length > 0 ? `Nearest: ${near.map(({ txid }) => name(txid)).join(' and ')}` : 'Nothing can be'),
  )
}

/** Timestamps ascend along the chain, so the place is found with few requests. */
async function atTime(source: Source, points: readonly RestorePoint[], at: number): Promise<number> {
  const timestamp = async ({ file }: RestorePoint) => (await headerOf(source, file)).timestamp
  let low = 0
  let high = points.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const point = points[middle]
    if (point && (await timestamp(point)) <= at) low = middle + 1
    else high = middle
  }
  const found = points[low - 1]
  if (found) return found.txid
  const first = points[0]
  const earliest = first
    ? `The first state that can be had is that of ${iso(await timestamp(first))}, transaction ${name(first.txid)}`
    : 'No state can be had'
  throw new OperationError(
    'NO_RESTORE_POINT',
    `${source.description} cannot be restored to ${iso(at)}. ${earliest}`,
  )
}

function name(txid: number): string {
  return `${txid} (${formatTxid(txid)})`
}

function iso(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString()
}
