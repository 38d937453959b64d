import { watch } from 'node:fs'
import { basename } from 'node:path'

/** How long the files must rest: an editor or a checkout writes several at once. */
const restMs = 50

export interface Watcher {
  close(): void
}

/**
 * Calls `onChange` with the changed paths, relative to `root`, after sources have changed: code, JSON and
 * `.env` files outside of `node_modules` and of folders whose name begins with a dot. `onError` is called when the
 * system stops telling of changes (too many files, or the folder is gone).
 */
export function watchSources(
  root: string,
  onChange: (paths: readonly string[]) => void,
  onError: (error: Error) => void,
): Watcher {
  const changed = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  const watcher = watch(root, { recursive: true, ignore: isForeign }, (_type, path) => {
    if (path === null || isForeign(path) || !isSource(path)) return
    changed.add(path)
    clearTimeout(timer)
    timer = setTimeout(() => {
      const paths = [...changed].sort()
      changed.clear()
      onChange(paths)
    }, restMs)
  })
  watcher.on('error', onError)
  return {
    close() {
      clearTimeout(timer)
      watcher.close()
    },
  }
}

function isForeign(path: string): boolean {
  const folders = path.split(/[/\\]/)
  return folders.some((name) => name === 'node_modules' || (name.startsWith('.') && !name.startsWith('.env')))
}

function isSource(path: string): boolean {
  return /\.([cm]?[jt]s|json)$/.test(path) || basename(path).startsWith('.env')
}
