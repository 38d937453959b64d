import { resolve } from 'node:path'
import { type LoadedApp, loadApp } from '@thaw/app'
import type { Pool } from './environment/pool.ts'
import { importedFiles } from './imported.ts'
import { linkedPackages } from './linked.ts'
import type { Log } from './log.ts'
import type { Plan } from './plan.ts'
import { watchSources } from './watch.ts'

export interface FollowOptions {
  /** The application after a change of these files. */
  replan(paths: readonly string[]): Promise<Plan>
  readonly pool: Pool
  readonly log: Log
}

/** Replans after every change and replaces the environments, one change after the other. */
export function followSources(
  loaded: LoadedApp,
  { replan, pool, log }: FollowOptions,
): { close(): Promise<void> } {
  let last = Promise.resolve()
  const onChange = (paths: readonly string[]) => {
    const what = paths.slice(0, 3).join(', ') + (paths.length > 3 ? ` and ${paths.length - 3} more` : '')
    last = last.then(async () => {
      try {
        const plan = await replan(paths)
        log(`changed: ${what}`, 'simulator')
        pool.replace([...plan.specs.values()])
        watcher.watchFiles(sourcesOf(plan.loaded))
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        log(`changed: ${what}; everything stays as it was: ${reason}`, 'simulator')
      }
    })
  }
  const watcher = watchSources(loaded.root, linkedPackages(loaded.root), onChange, (error) => {
    log(`changes are not seen any more, start again: ${error.message}`, 'simulator')
  })
  watcher.watchFiles(sourcesOf(loaded))
  return {
    close: async () => {
      watcher.close()
      await last
    },
  }
}

/** The application after a change of these files. Sources that it names and that are not there are told of. */
export async function reload(loaded: LoadedApp, paths: readonly string[], log: Log): Promise<LoadedApp> {
  const configured = paths.some((path) => resolve(loaded.root, path) === loaded.configFile)
  if (!configured) return loaded
  return await loadApp(loaded.configFile, {
    onMissing: ({ at, message }) => log(`${at}: ${message}`, 'simulator'),
  })
}

/** The modules of the functions, wherever they lie. */
function sourcesOf({ app, root }: LoadedApp): string[] {
  return importedFiles(app.functions.map(({ entry }) => resolve(root, entry)))
}
