/** The least of what was measured of several peers, and words that name them all. */
export function fastest(peers: ReadonlyMap<string, number>): {
  readonly what: string
  readonly value: number
} {
  const sorted = [...peers].sort(([, a], [, b]) => a - b)
  const [first] = sorted
  if (!first) throw new Error('there is no peer to compare with')
  const all = sorted.map(([name, value]) => `${name} ${Number(value.toPrecision(3))}`).join(', ')
  return { what: sorted.length === 1 ? first[0] : `the least of ${all}`, value: first[1] }
}
