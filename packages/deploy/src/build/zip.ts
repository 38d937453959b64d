import { type Zippable, zipSync } from 'fflate'

/** A regular file that everybody may read, made on a Unix; and one that everybody may run. */
const attributes = { os: 3, attrs: 0o100644 << 16 }
const executable = { os: 3, attrs: 0o100755 << 16 }

/** The earliest moment that a zip can hold. The format keeps local time, so this is a local one on purpose. */
const modified = new Date(1980, 0, 1)

/**
 * A zip of these files, by their names inside of it; `executables` names those that can be run. Depends on names and
 * bytes alone: no clock, no order, no time zone.
 */
export function createZip(
  files: ReadonlyMap<string, Uint8Array>,
  executables: ReadonlySet<string> = new Set(),
): Uint8Array {
  const entries: Zippable = {}
  for (const [name, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const made = executables.has(name) ? executable : attributes
    entries[name] = [bytes, { level: 9, mtime: modified, ...made }]
  }
  return zipSync(entries)
}
