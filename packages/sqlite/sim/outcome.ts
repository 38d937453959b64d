import { StoreError } from '@thaw/store'
import { SqliteStoreError } from '../src/index.ts'
import type { Operation } from './history.ts'
import { EMPTY } from './model.ts'

/** Nothing was written. The last two come of a transaction that took too long, and of its handle. */
const REFUSALS = ['CONFLICT', 'READ_INTERRUPTED', 'TRANSACTION_TIMEOUT', 'HANDLE_CLOSED']

/** The error that a function throws on purpose, with what it had seen. */
export class Thrown extends Error {
  readonly saw: string

  constructor(saw: string) {
    super('thrown on purpose')
    this.saw = saw
  }
}

/**
 * What an error says of the operation that it ended.
 * @param replaced whether the database may have been replaced under it
 * @param madeUp whether it was asked with a bookmark that nobody was given
 * @throws what may not come up
 */
export function classify(
  reason: unknown,
  operation: Operation,
  { replaced, madeUp }: { readonly replaced: boolean; readonly madeUp: boolean },
): Pick<Operation, 'outcome' | 'error'> {
  operation.saw &&= null
  if (reason instanceof Thrown) {
    if (operation.kind === 'throw') operation.saw = { form: 'full', value: reason.saw }
    return { outcome: 'thrown', error: null }
  }
  const told = classifyRefusal(reason, { replaced, madeUp })
  if (told) return told
  if (reason instanceof Error && reason.message === 'no such table: ops') {
    operation.saw = { form: operation.kind === 'read' ? 'brief' : 'full', value: EMPTY }
    return { outcome: 'thrown', error: 'no table' }
  }
  throw reason
}

/** The same for an error of the code under test, whatever it ended; null for any other. */
export function classifyRefusal(
  reason: unknown,
  { replaced, madeUp }: { readonly replaced: boolean; readonly madeUp: boolean },
): Pick<Operation, 'outcome' | 'error'> | null {
  if (reason instanceof StoreError) return { outcome: 'refused', error: reason.code }
  if (reason instanceof SqliteStoreError) {
    const { code } = reason
    if (code === 'COMMIT_UNKNOWN') return { outcome: 'unknown', error: code }
    if (REFUSALS.includes(code)) return { outcome: 'refused', error: code }
    if (/^BOOKMARK_(AHEAD|FOREIGN)$/.test(code) && (replaced || madeUp))
      return { outcome: 'refused', error: code }
    // The object that would tell whether the write arrived may be gone with the others.
    if (replaced && (code === 'HISTORY_CHANGED' || code === 'RESTORE_GAP'))
      return { outcome: 'unknown', error: code }
  }
  return null
}
