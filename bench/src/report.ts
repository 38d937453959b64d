/** One line of output: what was measured, beside what it is measured against in the same run. */
export interface Result {
  readonly bench: string
  readonly value: number
  readonly unit: 'ms' | 'bytes' | 'µs' | 'tx/s' | 'reads/s' | 'requests/s' | 'commits' | 'tries/commit' | '%'
  readonly reference: { readonly what: string; readonly value: number }
}

/** Prints a result as one JSON line, with the ratio of value to reference. */
export function report(result: Result): void {
  const { bench, unit, reference } = result
  const value = rounded(result.value)
  const line = {
    bench,
    value,
    unit,
    reference: { what: reference.what, value: rounded(reference.value) },
    ratio: rounded(result.value / reference.value),
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('the median of nothing was asked for')
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/** The value that this share (0 to 1) of all values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
  if (value === undefined) throw new Error('a percentile of nothing was asked for')
  return value
}

/** Milliseconds that `fn` took. */
export async function timed(fn: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await fn()
  return performance.now() - start
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
