import { createHash, randomUUID } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { bundle } from './bundle.ts'
import { measureDependencies } from './dependencies.ts'
import type { BuiltFunction } from './model.ts'
import { createZip } from './zip.ts'

/** What one zip is made of. */
export interface PackageSource {
  readonly name: string
  /** Absolute; paths of `entries` are relative to it. */
  readonly root: string
  /** Sources by their place in the zip without ending: `index`, `migrations/0001-start`. */
  readonly entries: ReadonlyMap<string, string>
  /** What each of them must export, if anything. */
  readonly exports: ReadonlyMap<string, string>
  /** The export of `index` that is the handler. */
  readonly handler: string
  /** Further files by their place in the zip. */
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly environment: Readonly<Record<string, string>>
  /** Under what name the root's own code is counted. */
  readonly codeName: string
  /** Absolute. */
  readonly outDir: string
}

/** A package in memory, and where it is going to be. */
export interface Package {
  readonly built: BuiltFunction
  readonly warnings: readonly string[]
  readonly zip: Uint8Array
  readonly sourceMaps: ReadonlyMap<string, Uint8Array>
}

/** Bundles and zips; writes nothing. Throws `BuildError`. */
export async function makePackage(source: PackageSource): Promise<Package> {
  const { name, root, entries, exports, outDir, environment } = source
  const bundled = await bundle({ root, entries, exports, mapsDirectory: mapsDirectory(outDir, name) })
  const contents = new Map([...bundled.modules, ...source.files])
  const zip = createZip(contents)
  const built: BuiltFunction = {
    name,
    zip: join(outDir, `${name}.zip`),
    sourceMaps: mapsDirectory(outDir, name),
    sha256: createHash('sha256').update(zip).digest('hex'),
    bytes: zip.length,
    unzippedBytes: [...contents.values()].reduce((total, { length }) => total + length, 0),
    handler: `index.${source.handler}`,
    environment,
    dependencies: await measureDependencies(bundled.outputs, root, source.codeName),
  }
  return { built, warnings: bundled.warnings, zip, sourceMaps: bundled.sourceMaps }
}

/** Writes a zip, and its source maps beside it. */
export async function writePackage({ built, zip, sourceMaps }: Package): Promise<void> {
  const maps = mapsDirectory(dirname(built.zip), built.name)
  await rm(maps, { recursive: true, force: true })
  await mkdir(dirname(built.zip), { recursive: true })
  for (const [name, bytes] of sourceMaps) {
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
