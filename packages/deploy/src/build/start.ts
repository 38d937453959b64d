import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Metafile, Plugin } from 'esbuild'

/** Where `@thaw/lambda` lies, as whoever imports it would find it: absolute paths. */
export interface Adapter {
  readonly main: string
  /** The module that puts the stand-ins for `Headers`, `Request` and `Response` in place. */
  readonly standIns: string
}

/** Null when nothing that `entry` reaches imports the adapter. Paths of the metafile are relative to `root`. */
export function findAdapter({ inputs }: Metafile, root: string, entry: string): Adapter | null {
  const seen = new Set([entry])
  // What is added on the way is visited too.
  for (const path of seen) {
    for (const { path: next, original, external } of inputs[path]?.imports ?? []) {
      if (original === '@thaw/lambda') {
        const { resolve } = createRequire(join(root, path))
        return { main: resolve('@thaw/lambda'), standIns: resolve('@thaw/lambda/fetch') }
      }
      if (!external) seen.add(next)
    }
  }
  return null
}

/** The entry to bundle in place of a function's own that uses the adapter. */
export const startEntry = 'thaw:start'

/**
 * Makes `startEntry`: what Lambda loads. The adapter comes first, and with it its stand-ins, so that no framework loads
 * Node's own classes before. Loading is done when what the function has begun is, which above all is to register an extension:
 * once the runtime has asked for an event it is too late for that.
 */
export function startPlugin(entry: string, adapter: Adapter, root: string): Plugin {
  const contents = `
    import { initialised } from ${JSON.stringify(adapter.main)}
    export * from ${JSON.stringify(entry)}
    await initialised()`
  return {
    name: startEntry,
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^thaw:start$/ }, () => ({ path: 'start', namespace: 'thaw' }))
      onLoad({ filter: /^start$/, namespace: 'thaw' }, () => ({ contents, resolveDir: root, loader: 'js' }))
    },
  }
}
