/** Seeded randomness of integers only, so that every machine draws the same. */
export interface Random {
  /** A whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number
  /** True `percent` times in a hundred. */
  chance(percent: number): boolean
  pick<T>(items: readonly T[]): T
}

/** A stream of its own for each seed: sfc32, seeded from 32-bit FNV-1a hashes of the text. */
export function random(seed: string): Random {
  let a = hash(`${seed}/a`)
  let b = hash(`${seed}/b`)
  let c = hash(`${seed}/c`)
  let counter = 1
  const next = (): number => {
    const mixed = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + mixed) | 0
    return mixed >>> 0
  }
  for (let round = 0; round < 12; round++) next()

  const integer = (low: number, high: number) => low + (next() % (high - low + 1))
  return {
    integer,
    chance: (percent) => integer(1, 100) <= percent,
    pick: (items) => {
      const item = items[integer(0, items.length - 1)]
      if (item === undefined) throw new RangeError('nothing to pick from')
      return item
    },
  }
}

function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  return value >>> 0
}
