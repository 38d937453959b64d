export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** Null for no values; the mean of the two in the middle for an even number of them. */
export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle]
  if (upper === undefined) return null
  const lower = sorted.length % 2 === 0 ? sorted[middle - 1] : upper
  return ((lower ?? upper) + upper) / 2
}

/** Standard deviation of a sample (divides by n − 1); null for fewer than two values. */
export function sampleDeviation(values: readonly number[]): number | null {
  if (values.length < 2) return null
  const mean = sum(values) / values.length
  return Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / (values.length - 1))
}

/** `part / whole`; null where the whole is not positive, because no such share exists. */
export function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null
}

/** The steps between neighbours. */
export function gaps(ascending: readonly number[]): number[] {
  return ascending.slice(1).map((value, index) => value - (ascending[index] ?? value))
}
