import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createReport, type Report } from './checks.ts'
import { isApp } from './define.ts'
import { ConfigError, type Problem } from './errors.ts'
import type { App, LoadedApp } from './model.ts'

const configNames = ['thaw.config.ts', 'thaw.config.mts', 'thaw.config.js', 'thaw.config.mjs']

/** Makes every load run the configuration file anew; modules that it imports stay as first loaded. */
let loads = 0

export interface LoadOptions {
  /** Is told of every file and folder that is missing, which is then no error. */
  onMissing?(problem: Problem): void
}

/**
 * Runs the configuration file of an application and checks that the files it names are there.
 *
 * `path` is the project's folder or the configuration file itself. Throws `ConfigError`: `CONFIG_NOT_FOUND`,
 * `CONFIG_FAILED`, `CONFIG_NO_APP`, `CONFIG_INVALID`, `CONFIG_FILE_MISSING`.
 */
export async function loadApp(path: string, options: LoadOptions = {}): Promise<LoadedApp> {
  const configFile = await findConfig(resolve(path))
  const root = dirname(configFile)
  const app = await runConfig(configFile)
  const report = createReport()
  await checkFiles(report, root, app)
  if (options.onMissing !== undefined) {
    for (const problem of report.problems) options.onMissing(problem)
  } else if (report.problems.length > 0) {
    throw new ConfigError('CONFIG_FILE_MISSING', report.problems, { file: configFile })
  }
  return { app, root, configFile }
}

async function findConfig(path: string): Promise<string> {
  const kind = await kindOf(path)
  if (kind === 'file') return path
  if (kind === null) throw notFound(path, 'there is no such folder or file')
  const found: string[] = []
  for (const name of configNames) {
    if ((await kindOf(join(path, name))) === 'file') found.push(name)
  }
  const [first, ...others] = found
  if (first === undefined)
    throw notFound(path, `there is no ${configNames[0]}; create one or name another folder`)
  if (others.length > 0) throw notFound(path, `${found.join(' and ')} are both there; keep one`)
  return join(path, first)
}

function notFound(path: string, message: string): ConfigError {
  return new ConfigError('CONFIG_NOT_FOUND', [{ at: path, message }])
}

async function runConfig(file: string): Promise<App> {
  let exports: { readonly default?: unknown }
  try {
    exports = await import(/* @vite-ignore */ `${pathToFileURL(file).href}?load=${++loads}`)
  } catch (error) {
    // By its shape: the file may have its own copy of this package.
    if (error instanceof Error && error.name === 'ConfigError' && 'problems' in error) {
      throw new ConfigError('CONFIG_INVALID', (error as ConfigError).problems, { file, cause: error })
    }
    const message = describe(error)
    throw new ConfigError('CONFIG_FAILED', [{ at: file, message: `could not be run: ${message}` }], {
      cause: error,
    })
  }
  if (isApp(exports.default)) return exports.default
  const problem =
    exports.default === undefined ? 'has no default export' : 'exports something else by default'
  const message = `${problem}; write: export default defineApp({ … })`
  throw new ConfigError('CONFIG_NO_APP', [{ at: basename(file), message }], { file })
}

/** With the place of a syntax error, which Node puts before the stack of one in TypeScript: `file:///a/b.ts?load=2:4`. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const [, url, line] = /^(file:[^?\n]*)(?:\?.*)?:(\d+)\n/.exec(error.stack ?? '') ?? []
  const place =
    url === undefined || !(error instanceof SyntaxError) ? '' : ` at ${fileURLToPath(url)}:${line}`
  return `${error.name}: ${error.message}${place}`
}

async function checkFiles(report: Report, root: string, app: App): Promise<void> {
  for (const fn of app.functions) {
    const at = `functions.${fn.name}.entry`
    if ((await kindOf(join(root, fn.entry))) !== 'file') report.add(at, `there is no file ${fn.entry}`)
    for (const [index, layer] of fn.layers.entries()) {
      if ('arn' in layer || (await kindOf(join(root, layer.folder))) === 'folder') continue
      report.add(`functions.${fn.name}.layers[${index}]`, `there is no folder ${layer.folder}`)
    }
  }
  for (const key of ['migrations', 'seed'] as const) {
    const folder = app.database?.[key]
    if (folder !== undefined && (await kindOf(join(root, folder))) !== 'folder') {
      report.add(`database.${key}`, `there is no folder ${folder}`)
    }
  }
}

async function kindOf(path: string): Promise<'file' | 'folder' | null> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  })
  if (found === null) return null
  return found.isDirectory() ? 'folder' : 'file'
}
