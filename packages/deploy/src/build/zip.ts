import { type Zippable, zipSync } from 'fflate'

/** A regular file that everybody may read, made on a Unix. */
const attributes = { os: 3, attrs: 0o100644 << 16 }

/** The earliest moment that a zip can hold. The format keeps local time, so this is a local one on purpose. */
const modified = new Date(1980, 0, 1)

/**
 * A zip of these files, by their names inside of it. Depends on names and bytes alone: no clock, no order, no
 * time zone.
 */
export function createZip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const entries: Zippable = {}
  for (const [name, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    entries[name] = [bytes, { level: 9, mtime: modified, ...attributes }]
  }
  return zipSync(entries)
}
