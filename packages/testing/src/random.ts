/** Randomness that a seed reproduces. Not for secrets. All its functions work unbound. */
export interface SeededRandom {
  /** To be printed when a test fails. */
  readonly seed: string
  /** In [0, 1). */
  next(): number
  /** A whole number, both ends included. */
  integer(min: number, max: number): number
  /** True with this probability. */
  chance(probability: number): boolean
  /** One of the items; throws when there are none. */
  pick<T>(items: readonly T[]): T
  /** A shuffled copy. */
  shuffle<T>(items: readonly T[]): T[]
  bytes(length: number): Uint8Array
  /** An independent source, the same for the same label, however much has been drawn from this one. */
  fork(label: string): SeededRandom
}

/** sfc32, the small fast counting generator of PractRand: 128 bits of state. */
export function seededRandom(seed: number | string): SeededRandom {
  const name = String(seed)
  let [a, b, c] = spread(name)
  let counter = 1

  function word(): number {
    const result = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + result
    c |= 0
    return result >>> 0
  }
  for (let i = 0; i < 16; i++) word() // until every bit of the seed has reached every word

  const next = () => word() / 2 ** 32
  const integer = (min: number, max: number) => min + Math.floor(next() * (max - min + 1))

  return {
    seed: name,
    next,
    integer,
    chance: (probability) => next() < probability,
    pick<T>(items: readonly T[]): T {
      if (items.length === 0) throw new RangeError('pick: there are no items')
      return items[integer(0, items.length - 1)] as T
    },
    shuffle<T>(items: readonly T[]): T[] {
      const left = [...items]
      const mixed: T[] = []
      while (left.length > 0) mixed.push(...left.splice(integer(0, left.length - 1), 1))
      return mixed
    },
    bytes: (length) => Uint8Array.from({ length }, () => word() & 0xff),
    fork: (label) => seededRandom(`${name}/${label}`),
  }
}

/** Three words out of any string: FNV-1a from three starting points. */
function spread(text: string): [number, number, number] {
  const from = (start: number) => {
    let hash = start
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
    return hash
  }
  return [from(0x811c9dc5), from(0x2f0b4c47), from(0x6d1b5e93)]
}
