import type { ObjectStore } from '@thaw/store'
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

/** `restore`, telling how much of what it reads has come. */
export async function restoreTelling(
  source: Source,
  path: string,
  to: number,
  step: string,
  progress: Progress,
): Promise<Restored> {
  progress(step)
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
