import { posix, relative } from 'node:path'
import { type BuildResult, build, type Message, type Metafile } from 'esbuild'
import { BuildError, type SourceProblem } from '../errors.ts'
import { chunkNames, renameChunks } from './chunks.ts'
import { findStandIns } from './stand-ins.ts'

/** A bundle in memory. */
export interface Bundle {
  /** Modules by their place in the zip: `index.mjs`, `migrations/0001-start.mjs`, `chunks/…`. */
  readonly modules: ReadonlyMap<string, Uint8Array>
  /** Source maps likewise: `index.mjs.map`. */
  readonly sourceMaps: ReadonlyMap<string, Uint8Array>
  /** esbuild's account of what came from where; paths are relative to the root. */
  readonly outputs: Metafile['outputs']
  readonly warnings: readonly string[]
}

/** CommonJS packages call `require` for Node's own modules; an ES module has none of its own. */
const banner = `import{createRequire as thawCreateRequire}from'node:module';const require=thawCreateRequire(import.meta.url);`

interface BundleOptions {
  readonly root: string
  readonly entries: ReadonlyMap<string, string>
  readonly exports: ReadonlyMap<string, string>
  readonly mapsDirectory: string
}

/**
 * Bundles sources (relative to `root`) as ES modules for Node 24, by their place in the zip without ending.
 * `exports` says what each must export. Source maps point from `mapsDirectory` to the sources.
 *
 * The AWS SDK stays outside, because the runtime brings it, and so does pg's optional native client. Throws
 * `BuildError` with every problem.
 *
 * Where `index` uses `@thaw/lambda`, the stand-ins for the classes of fetch are in place before anything else is loaded. A
 * module of its own sees to that: inside a bundle, what is shared with a chunk would be run before the first import.
 */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const { root, entries } = options
  const result = await run(options)
  checkExports(result.metafile, options)
  const index = entries.get('index')
  const standIns = index === undefined ? null : findStandIns(result.metafile, root, posix.normalize(index))
  if (index === undefined || standIns === null) return read(result, options)
  const others = [...entries].filter(([name]) => name !== 'index')
  const apart = { ...options, entries: new Map([...others, ['app', index], ['fetch', standIns]]) }
  const bundled = read(await run(apart), apart)
  const start = new TextEncoder().encode(`import"./fetch.mjs";export*from"./app.mjs";\n`)
  return { ...bundled, modules: new Map([['index.mjs', start], ...bundled.modules]) }
}

type Result = BuildResult<{ metafile: true; write: false }>

async function run({ root, entries, mapsDirectory }: BundleOptions): Promise<Result> {
  return build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(entries),
    outdir: mapsDirectory,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minify: true,
    // Names of classes and functions are seen in logs, and some packages look at them.
    keepNames: true,
    legalComments: 'none',
    sourcemap: 'external',
    external: ['pg-native', '@aws-sdk/*'],
    banner: { js: banner },
    logLevel: 'silent',
  }).catch((error: unknown) => {
    throw isBuildFailure(error) ? new BuildError(error.errors.map(toProblem), { cause: error }) : error
  })
}

/** Where esbuild's account has the module of an entry. */
function outputOf(name: string, { root, mapsDirectory }: BundleOptions): string {
  return `${relative(root, mapsDirectory).replaceAll('\\', '/')}/${name}.mjs`
}

function checkExports({ outputs }: Metafile, options: BundleOptions): void {
  const problems: SourceProblem[] = []
  for (const [name, wanted] of options.exports) {
    if (outputs[outputOf(name, options)]?.exports.includes(wanted)) continue
    const message = `does not export '${wanted}'; write: export const ${wanted} = … (as an ES module)`
    problems.push({
      file: (options.entries.get(name) ?? name).replace(/^\.\//, ''),
      line: null,
      column: null,
      message,
    })
  }
  if (problems.length > 0) throw new BuildError(problems)
}

function read({ metafile: { outputs }, outputFiles, warnings }: Result, options: BundleOptions): Bundle {
  const { entries, mapsDirectory } = options
  const entryOutputs = [...entries.keys()].sort().map((name) => outputOf(name, options))
  const names = chunkNames(outputs, entryOutputs)
  const modules = new Map<string, Uint8Array>()
  const sourceMaps = new Map<string, Uint8Array>()
  for (const file of outputFiles) {
    const path = renameChunks(relative(mapsDirectory, file.path).replaceAll('\\', '/'), names)
    if (path.endsWith('.map')) sourceMaps.set(path, file.contents)
    else modules.set(path, new TextEncoder().encode(renameChunks(file.text, names)))
  }
  return { modules, sourceMaps, outputs, warnings: warnings.map(describeWarning) }
}

function isBuildFailure(error: unknown): error is { readonly errors: readonly Message[] } {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors)
}

function toProblem({ text, location, notes }: Message): SourceProblem {
  // Advice about esbuild's own options would be no help: they are not the user's to set.
  const hints = notes.map((note) => note.text).filter((hint) => !hint.startsWith('You can mark the path'))
  const message = [text, ...hints].join('\n    ')
  if (location === null) return { file: 'esbuild', line: null, column: null, message }
  return { file: location.file, line: location.line, column: location.column + 1, message }
}

function describeWarning({ text, location }: Message): string {
  return location === null ? text : `${location.file}:${location.line}:${location.column + 1}: ${text}`
}
