import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

/**
 * The module that puts the stand-ins of `@thaw/lambda` for `Headers`, `Request` and `Response` in place, as whoever imports the
 * package would find it: absolute. Null when nothing that `entry` reaches imports it. Paths of the metafile are relative to `root`.
 */
export function findStandIns({ inputs }: Metafile, root: string, entry: string): string | null {
  const seen = new Set([entry])
  // What is added on the way is visited too.
  for (const path of seen) {
    for (const { path: next, original, external } of inputs[path]?.imports ?? []) {
      if (original === '@thaw/lambda') return createRequire(join(root, path)).resolve('@thaw/lambda/fetch')
      if (!external) seen.add(next)
    }
  }
  return null
}
