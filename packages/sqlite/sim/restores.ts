import type { SeededRandom } from '@thaw/testing'
import { restoreInPlace, SqliteStoreError } from '../src/index.ts'
import type { Bucket, Creation } from './bucket.ts'
import type { Environment } from './environment.ts'
import { begin, type Operation } from './history.ts'
import { classifyRefusal } from './outcome.ts'
import type { Scheduler } from './scheduler.ts'

/** The state that it had before an earlier restore, to undo that, or any one; null when there is none. */
export function drawTarget(
  random: SeededRandom,
  created: readonly Creation[],
  restores: ReadonlyMap<string, number>,
): number | null {
  const chain = created.filter(({ key }) => key.startsWith('0000/'))
  if (chain.length === 0) return null
  const restored = chain.findLastIndex(({ by }) => restores.has(by)) // the number of the one before it
  return restored > 0 && random.chance(0.4) ? restored : random.integer(1, chain.length)
}

/**
 * Gives the database the state of a transaction again. For the checker that is one more write, with the name of its
 * environment.
 * @throws what it must not end with
 */
export async function restoreOnce(
  environment: Environment,
  to: number,
  world: { readonly bucket: Bucket; readonly scheduler: Scheduler; readonly operations: Operation[] },
): Promise<void> {
  const { bucket, scheduler, operations } = world
  const { name, clock } = environment
  const begun = scheduler.tick()
  const kind = `restore ${to}`
  const operation = begin({ client: name, environment: name, kind, id: name, begun, called: begun })
  operations.push(operation)
  let told: Pick<Operation, 'outcome' | 'error'> = { outcome: 'acknowledged', error: null }
  try {
    const { txid } = await restoreInPlace(
      { store: bucket.connect(environment), description: name },
      { to },
      { clock },
    )
    if (txid === null) told = { outcome: 'refused', error: 'SAME_STATE' }
  } catch (reason) {
    if (environment.dead) return
    const refused = classifyRefusal(reason, { replaced: false, madeUp: false }) ?? unavailable(reason)
    if (!refused) throw reason
    told = refused
  }
  if (environment.dead) return
  operation.responded = scheduler.tick()
  operation.respondedAt = scheduler.now
  operation.outcome = told.outcome
  operation.error = told.error
  scheduler.note(`${name} ends restore ${to}: ${told.outcome} ${told.error ?? ''}`)
}

/** What compaction and retention leave no more, or take away while it is read. */
function unavailable(reason: unknown): Pick<Operation, 'outcome' | 'error'> | null {
  const codes = ['NO_RESTORE_POINT', 'RESTORE_GAP']
  return reason instanceof SqliteStoreError && codes.includes(reason.code)
    ? { outcome: 'refused', error: reason.code }
    : null
}
