import { isAbsolute, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * What has to be shown below an environment's own `/tmp` or `/opt` for `paths` to be found there: for a path in `exact`
 * (a folder that holds things of other environments too) itself; for others the entry of `/tmp` they lie in, because
 * code links and looks up to the folders above it. No path of the result lies in another one of it.
 */
export function shownBelow(mountPoint: '/tmp' | '/opt', paths: readonly string[], exact: string): string[] {
  const shown = paths
    .filter((path) => path.startsWith(`${mountPoint}/`))
    .map((path) => (isIn(path, exact) ? path : path.split('/', 3).join('/')))
  return [...new Set(shown)].filter((path) => !shown.some((other) => other !== path && isIn(path, other)))
}

/**
 * The folders that variables name by URLs (`sqlite+file:///tmp/bucket?…`): they are storage that environments
 * share. A mere path (`/tmp/app.db`) is none: on Lambda every environment has its own there.
 */
export function storageFolders(variables: Readonly<Record<string, string>>): string[] {
  return Object.values(variables).flatMap((value) => {
    const [, path] = /^[a-z][a-z0-9+.-]*:\/\/(\/[^?#]+)/i.exec(value) ?? []
    if (path === undefined) return []
    try {
      return [fileURLToPath(`file://${path}`)]
    } catch {
      return []
    }
  })
}

function isIn(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return !way.startsWith('..') && !isAbsolute(way)
}
