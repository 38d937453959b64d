import type { ProcessGroup } from './process.ts'

/** Processes that are stopped, resumed and killed together. Those that have ended are in it no longer. */
export interface ProcessSet extends Pick<ProcessGroup, 'freeze' | 'thaw' | 'kill'> {
  readonly size: number
  readonly pids: readonly number[]
  add(child: ProcessGroup): void
}

export function createProcessSet(): ProcessSet {
  const living = new Set<ProcessGroup>()
  let frozen = false
  return {
    get size() {
      return living.size
    },
    get pids() {
      return [...living].flatMap(({ pid }) => pid ?? [])
    },
    add(child) {
      living.add(child)
      if (frozen) child.freeze()
      void child.exited.then(() => living.delete(child))
    },
    freeze() {
      frozen = true
      for (const child of living) child.freeze()
    },
    thaw() {
      frozen = false
      for (const child of living) child.thaw()
    },
    kill() {
      for (const child of living) child.kill()
    },
  }
}
