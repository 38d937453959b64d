import { createHash, randomUUID } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { AppFunction, LoadedApp } from '@thaw/app'
import { BuildError, type SourceProblem } from '../errors.ts'
import { type Bundle, bundle } from './bundle.ts'
import { type DatabaseFiles, readDatabaseFiles } from './database-files.ts'
import { measureDependencies } from './dependencies.ts'
import { checkLimits, lambdaLimits } from './limits.ts'
import type { BuildResult, BuiltFunction, PackageLimits } from './model.ts'
import { createZip } from './zip.ts'

export interface BuildOptions {
  /** Where the zips go. */
  readonly outDir: string
  /** Lambda's own when absent. */
  readonly limits?: PackageLimits
}

interface Package {
  readonly built: BuiltFunction
  readonly zip: Uint8Array
  readonly bundle: Bundle
}

/**
 * Packages every function as the zip that Lambda runs: `<outDir>/<function>.zip`, and beside it its source maps
 * in `<outDir>/<function>.maps/`. A zip holds `index.mjs`, shared chunks, migrations and seed data, and needs
 * nothing of the project. The same sources give the same bytes.
 *
 * Throws `BuildError` with the problems of all functions, `PackageTooLargeError`; then nothing was written.
 */
export async function buildApp(loaded: LoadedApp, options: BuildOptions): Promise<BuildResult> {
  const outDir = resolve(options.outDir)
  const files = await readDatabaseFiles(loaded)
  const outcomes = await Promise.allSettled(
    loaded.app.functions.map((fn) => packageFunction(loaded, fn, files, outDir)),
  )
  const packages = settle(outcomes)
  for (const { built } of packages) checkLimits(built, options.limits ?? lambdaLimits)
  for (const { built, zip, bundle } of packages) await write(built, zip, bundle, outDir)
  return {
    functions: packages.map(({ built }) => built),
    warnings: [...new Set(packages.flatMap(({ bundle }) => bundle.warnings))],
  }
}

async function packageFunction(
  loaded: LoadedApp,
  fn: AppFunction,
  files: DatabaseFiles,
  outDir: string,
): Promise<Package> {
  const entries = new Map([['index', fn.entry]])
  const exports = new Map([['index', fn.handler]])
  for (const [name, source] of files.migrations) {
    entries.set(`migrations/${name}`, `./${source}`)
    exports.set(`migrations/${name}`, 'up')
  }
  const { root } = loaded
  const bundled = await bundle({ root, entries, exports, mapsDirectory: mapsDirectory(outDir, fn.name) })
  const contents = new Map([...bundled.modules, ...files.seeds])
  const zip = createZip(contents)
  const built: BuiltFunction = {
    name: fn.name,
    zip: join(outDir, `${fn.name}.zip`),
    sha256: createHash('sha256').update(zip).digest('hex'),
    bytes: zip.length,
    unzippedBytes: [...contents.values()].reduce((total, { length }) => total + length, 0),
    handler: `index.${fn.handler}`,
    environment: { ...fn.environment, ...files.environment },
    dependencies: await measureDependencies(bundled.outputs, root, loaded.app.name),
  }
  return { built, zip, bundle: bundled }
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

async function write(built: BuiltFunction, zip: Uint8Array, bundle: Bundle, outDir: string): Promise<void> {
  const maps = mapsDirectory(outDir, built.name)
  await rm(maps, { recursive: true, force: true })
  for (const [name, bytes] of bundle.sourceMaps) {
    await mkdir(dirname(join(maps, name)), { recursive: true })
    await writeFile(join(maps, name), bytes)
  }
  // Whoever runs the zip at this moment keeps the old one, whole.
  const partial = `${built.zip}.${randomUUID()}`
  await writeFile(partial, zip)
  await rename(partial, built.zip)
}

function mapsDirectory(outDir: string, functionName: string): string {
  return join(outDir, `${functionName}.maps`)
}
