import type { Metafile } from 'esbuild'

const chunkPattern = /^(.*-)([A-Z0-9]{8})(\.mjs)$/

/**
 * New names for shared chunks, by their old ones, both without folders.
 *
 * esbuild's names hold a hash that also covers where the sources lie. These are numbered in the order in which
 * the entries reach them, so that they depend on what is inside alone. They are as long as the old ones: the
 * columns of source maps stay right.
 */
export function chunkNames(outputs: Metafile['outputs'], entries: readonly string[]): Map<string, string> {
  const names = new Map<string, string>()
  const seen = new Set<string>()
  const visit = (path: string) => {
    if (seen.has(path)) return
    seen.add(path)
    const old = path.slice(path.lastIndexOf('/') + 1)
    const match = chunkPattern.exec(old)
    if (match !== null && !entries.includes(path)) {
      const [, start = '', , end = ''] = match
      names.set(old, `${start}${String(names.size + 1).padStart(8, '0')}${end}`)
    }
    for (const next of outputs[path]?.imports ?? []) if (!next.external) visit(next.path)
  }
  for (const entry of entries) visit(entry)
  return names
}

/** Puts new names in place of old ones in a text that imports them. */
export function renameChunks(text: string, names: ReadonlyMap<string, string>): string {
  for (const [old, name] of names) text = text.replaceAll(old, name)
  return text
}
