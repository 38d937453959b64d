/** Rows in one statement: with 12 columns well under the 32,766 parameters that SQLite binds. */
export const BATCH = 1000

export function* batches<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
