import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'

/** How long the files must rest: an editor or a checkout writes several at once. */
const restMs = 50

export interface Watcher {
  /** Watches these files too, which may lie anywhere, in place of those it was given before. Absolute paths. */
  watchFiles(files: readonly string[]): void
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
  const onEvent = (path: string) => {
    changed.add(relative(root, path))
    clearTimeout(timer)
    timer = setTimeout(() => {
      const paths = [...changed].sort()
      changed.clear()
      onChange(paths)
    }, restMs)
  }
  const folders = [root, ...others]
  const watchers = folders.map((folder) =>
    watch(folder, { recursive: true, ignore: isForeign }, (_type, path) => {
      if (path !== null && isWatched(path)) onEvent(join(folder, path))
    }).on('error', onError),
  )
  const seesFile = (file: string) => folders.some((folder) => isWatched(relative(folder, file)))

  let files: ReadonlySet<string> = new Set()
  /** By folder: an editor may put another file in the place of the old one. */
  const further = new Map<string, FSWatcher>()
  const watchFolder = (folder: string): FSWatcher | null => {
    try {
      return watch(folder, (_type, name) => {
        if (name !== null && files.has(join(folder, name))) onEvent(join(folder, name))
      }).on('error', onError)
    } catch (error) {
      // A folder that is not there yet. Whoever names it by mistake changes the name.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  return {
    watchFiles(given) {
      files = new Set(given.filter((file) => !seesFile(file)))
      const wanted = new Set([...files].map(dirname))
      for (const [folder, watcher] of further) {
        if (wanted.has(folder)) continue
        watcher.close()
        further.delete(folder)
      }
      for (const folder of wanted) {
        const watcher = further.has(folder) ? null : watchFolder(folder)
        if (watcher !== null) further.set(folder, watcher)
      }
    },
    close() {
      clearTimeout(timer)
      for (const watcher of [...watchers, ...further.values()]) watcher.close()
    },
  }
}

/** Whether a path below a folder that is watched whole counts. */
function isWatched(path: string): boolean {
  return !isForeign(path) && isSource(path)
}

/** Also what does not lie below: its path begins with `..`. */
function isForeign(path: string): boolean {
  const folders = path.split(/[/\\]/)
  return folders.some((name) => name === 'node_modules' || (name.startsWith('.') && !name.startsWith('.env')))
}

function isSource(path: string): boolean {
  return /\.([cm]?[jt]s|json)$/.test(path) || basename(path).startsWith('.env')
}
