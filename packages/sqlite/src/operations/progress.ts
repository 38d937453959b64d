import type { ObjectStore } from '@thaw/store'
import { OperationError } from '../errors.ts'
import type { Source } from '../ltx-file.ts'
import { planRestore, type Restored, restore } from '../restore.ts'

/** How far something that takes long has come, in bytes. */
export interface Amount {
  readonly done: number
  readonly total: number
}

/**
 * Tells about what takes long, in a few words: once when a step begins, and again with an amount, which never falls,
 * each time that more of it is done.
 */
export type Progress = (step: string, amount?: Amount) => void

export const untold: Progress = () => {}

/**
 * `restore`, telling how much of what it reads has come.
 * @param to exactly this transaction; the newest when infinite
 * @throws OperationError `NO_RESTORE_POINT` when that state was removed since it was chosen; what `restore` throws
 */
export async function restoreTelling(
  source: Source,
  path: string,
  to: number,
  step: string,
  progress: Progress,
): Promise<Restored> {
  progress(step)
  const restored = await restoreWith(source, path, to, step, progress)
  // What retention leaves may lead to an older state, or to none at all, without a gap.
  if (Number.isFinite(to) && restored.txid !== to) {
    throw new OperationError(
      'NO_RESTORE_POINT',
      `${source.description} cannot be restored to transaction ${to} any more: it was removed since it was chosen. ` +
        'Choose again',
    )
  }
  return restored
}

async function restoreWith(
  source: Source,
  path: string,
  to: number,
  step: string,
  progress: Progress,
): Promise<Restored> {
  if (progress === untold) return restore(source, path, to)
  const { files } = await planRestore(source, to)
  const total = files.reduce((sum, { size }) => sum + size, 0)
  return restore({ ...source, store: telling(source.store, step, total, progress) }, path, to)
}

/** The same store; every answer with bytes is told. */
export function telling(store: ObjectStore, step: string, total: number, progress: Progress): ObjectStore {
  let done = 0
  return {
    ...store,
    async get(key, options) {
      const object = await store.get(key, options)
      done += object?.body.length ?? 0
      // What is fetched a second time, by a new plan, would go past the end.
      if (object) progress(step, { done: Math.min(done, total), total })
      return object
    },
  }
}
