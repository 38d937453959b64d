import { createHash } from 'node:crypto'

/** Numbers that belong to one event of the plan: the same for the same seed, whatever else was drawn before. */
export interface Draw {
  /** In [0, 1). */
  next(): number
  /** In [min, max). */
  between(min: number, max: number): number
  /** In [min, max), as many below ten times `min` as between that and a hundred times. */
  spread(min: number, max: number): number
}

/** @param event names the event: `invocation 17` */
export function draw(seed: number | string, event: string): Draw {
  let block = 0
  let words: number[] = []
  const next = () => {
    if (words.length === 0) {
      const bytes = createHash('sha256').update(`${seed}/${event}/${block++}`).digest()
      words = Array.from({ length: 8 }, (_, index) => bytes.readUInt32LE(index * 4))
    }
    return (words.shift() ?? 0) / 2 ** 32
  }
  return {
    next,
    between: (min, max) => min + next() * (max - min),
    spread: (min, max) => min * (max / min) ** next(),
  }
}
