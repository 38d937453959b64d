import { watch } from 'node:fs'
import { basename, join, relative } from 'node:path'

/** How long the files must rest: an editor or a checkout writes several at once. */
const restMs = 50

export interface Watcher {
  close(): void
}

/**
 * Calls `onChange` with the changed paths, relative to `root`, after sources have changed in it or in one of `others`:
 * code, JSON and `.env` files outside of `node_modules` and of folders whose name begins with a dot. `onError` is called
 * when the system stops telling of changes (too many files, or the folder is gone).
 */
export function watchSources(
  root: string,
  others: readonly string[],
  onChange: (paths: readonly string[]) => void,
  onError: (error: Error) => void,
): Watcher {
  const changed = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  const onEvent = (folder: string, path: string | null) => {
    if (path === null || isForeign(path) || !isSource(path)) return
    changed.add(relative(root, join(folder, path)))
    clearTimeout(timer)
    timer = setTimeout(() => {
      const paths = [...changed].sort()
      changed.clear()
      onChange(paths)
    }, restMs)
  }
  const watchers = [root, ...others].map((folder) =>
    watch(folder, { recursive: true, ignore: isForeign }, (_type, path) => onEvent(folder, path)).on(
      'error',
      onError,
    ),
  )
  return {
    close() {
      clearTimeout(timer)
      for (const watcher of watchers) watcher.close()
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
