import { resolve } from 'node:path'
import { type AppFunction, type LoadedApp, MAINTENANCE_NAME } from '@thaw/app'
import { BuildError, type SourceProblem } from '../errors.ts'
import { type DatabaseFiles, readDatabaseFiles } from './database-files.ts'
import { checkLimits, lambdaLimits } from './limits.ts'
import type { BuildResult, PackageLimits } from './model.ts'
import { makePackage, type Package, writePackage } from './package.ts'

export interface BuildOptions {
  /** Where the zips go. */
  readonly outDir: string
  /** Lambda's own when absent. */
  readonly limits?: PackageLimits
}

/**
 * Packages every function as the zip that Lambda runs: `<outDir>/<function>.zip`, and beside it its source maps
 * in `<outDir>/<function>.maps/`. A zip holds `index.mjs`, shared chunks, migrations and seed data, and needs
 * nothing of the project. The same sources give the same bytes. `maintenance.zip` is the function that looks after
 * the database.
 *
 * Throws `BuildError` with the problems of all functions, `PackageTooLargeError`; then nothing was written.
 */
export async function buildApp(loaded: LoadedApp, options: BuildOptions): Promise<BuildResult> {
  const outDir = resolve(options.outDir)
  const files = await readDatabaseFiles(loaded)
  const needsMaintenance = loaded.app.database !== undefined && loaded.app.database.maintenance !== null
  const outcomes = await Promise.allSettled([
    ...loaded.app.functions.map((fn) => packageFunction(loaded, fn, files, outDir)),
    ...(needsMaintenance ? [packageMaintenance(outDir)] : []),
  ])
  const packages = settle(outcomes)
  for (const { built } of packages) checkLimits(built, options.limits ?? lambdaLimits)
  for (const made of packages) await writePackage(made)
  const built = packages.map((made) => made.built)
  return {
    functions: needsMaintenance ? built.slice(0, -1) : built,
    maintenance: (needsMaintenance && built.at(-1)) || null,
    warnings: [...new Set(packages.flatMap(({ warnings }) => warnings))],
  }
}

function packageFunction(
  { app, root }: LoadedApp,
  fn: AppFunction,
  { migrations, seeds, environment }: DatabaseFiles,
  outDir: string,
): Promise<Package> {
  const entries = new Map([['index', fn.entry]])
  const isServer = fn.kind === 'http' && fn.requestsPerEnvironment > 1
  const exports = new Map(isServer ? [] : [['index', fn.handler]])
  for (const [name, source] of migrations) {
    entries.set(`migrations/${name}`, `./${source}`)
    exports.set(`migrations/${name}`, 'up')
  }
  return makePackage({
    ...{ name: fn.name, root, entries, exports, handler: fn.handler, outDir },
    files: seeds,
    environment: { ...fn.environment, ...environment },
    codeName: app.name,
  })
}

/** Its source is of this package, so the project need not know of it. */
function packageMaintenance(outDir: string): Promise<Package> {
  return makePackage({
    name: MAINTENANCE_NAME,
    root: resolve(import.meta.dirname, '../..'),
    entries: new Map([['index', './src/maintenance/function.ts']]),
    exports: new Map([['index', 'handler']]),
    handler: 'handler',
    files: new Map(),
    environment: {},
    codeName: '@thaw/deploy',
    outDir,
  })
}

/** The values of all, or one error with the problems of all. */
function settle(outcomes: readonly PromiseSettledResult<Package>[]): Package[] {
  const problems = new Map<string, SourceProblem>()
  const packages: Package[] = []
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') packages.push(outcome.value)
    else if (!(outcome.reason instanceof BuildError)) throw outcome.reason
    else for (const problem of outcome.reason.problems) problems.set(JSON.stringify(problem), problem)
  }
  if (problems.size > 0) throw new BuildError([...problems.values()])
  return packages
}
