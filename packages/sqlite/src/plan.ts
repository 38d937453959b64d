import type { LtxFile } from './files.ts'

/** Files that lead from one transaction to another, in order. */
export interface Plan {
  readonly files: readonly LtxFile[]
  /** The transaction they lead to; the one that was begun with when there are none. */
  readonly reaches: number
}

/**
 * The files to apply, one after the other, to come from `from` (0: from nothing) as far as they lead, but not past
 * `to`. At each step the file that reaches furthest, of those that begin at or before the next transaction; of equals
 * the one of the higher level. Files may overlap: what a later one says counts.
 */
export function planFrom(files: readonly LtxFile[], from: number, to = Number.POSITIVE_INFINITY): Plan {
  const byFirst = files.filter(({ last }) => last > from && last <= to).sort((a, b) => a.first - b.first)
  const plan: LtxFile[] = []
  let reaches = from
  let best: LtxFile | null = null
  let next = 0
  for (;;) {
    for (; next < byFirst.length; next++) {
      const file = byFirst[next]
      if (file === undefined || file.first > reaches + 1) break
      if (isBetter(file, best)) best = file
    }
    if (best === null || best.last <= reaches) return { files: plan, reaches }
    plan.push(best)
    reaches = best.last
  }
}

function isBetter(file: LtxFile, best: LtxFile | null): boolean {
  if (best === null || file.last !== best.last) return best === null || file.last > best.last
  return file.level > best.level
}
