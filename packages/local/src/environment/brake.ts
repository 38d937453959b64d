import type { ProcessGroup } from './process.ts'

/** Stops and resumes a process for two who do not know of each other: Lambda, and whoever holds an environment. */
export interface Brake {
  /** Nothing of it runs until `thaw`. */
  freeze(): void
  thaw(): void
  /** Stops it whatever it does, until `release`. */
  hold(): void
  release(): void
}

export function createBrake(child: Pick<ProcessGroup, 'freeze' | 'thaw'>): Brake {
  let frozen = false
  let held = false
  return {
    freeze() {
      if (!frozen && !held) child.freeze()
      frozen = true
    },
    thaw() {
      if (frozen && !held) child.thaw()
      frozen = false
    },
    hold() {
      if (!frozen && !held) child.freeze()
      held = true
    },
    release() {
      if (held && !frozen) child.thaw()
      held = false
    },
  }
}
