import { posix, relative } from 'node:path'
import { type BuildResult, build, type Message, type Metafile, type Plugin } from 'esbuild'
import { BuildError, type SourceProblem } from '../errors.ts'
import { chunkNames, renameChunks } from './chunks.ts'
import { findAdapter, startEntry, startPlugin } from './start.ts'

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

/** Kept free in each module for what has to be there before all that esbuild writes, so that source maps stay right. */
const firstLine = '//\n'

/** CommonJS packages call `require` for Node's own modules; an ES module has none of its own. */
const requireLine = `import{createRequire as thawCreateRequire}from'node:module';const require=thawCreateRequire(import.meta.url);`

/** What esbuild's own `require` says without one; it is in the modules that have to have one. */
const lacksRequire = 'Dynamic require of '

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
 * Where `index` uses `@thaw/lambda`, it begins with that, as `startPlugin` says. It is one module where nothing is shared with
 * another: each further file takes longer to load than ten kilobytes.
 */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const { root, entries } = options
  const plain = await run(options)
  checkExports(plain.metafile, options)
  const index = entries.get('index')
  const adapter = index === undefined ? null : findAdapter(plain.metafile, root, posix.normalize(index))
  if (index === undefined || adapter === null) return read(plain, options)
  const started = new Map([...entries, ['index', startEntry]])
  // What is shared with a chunk is run before the module that begins with the adapter. An entry of their own puts the stand-ins
  // into a chunk as well, which can be asked for before the others.
  const isShared = plain.metafile.outputs[outputOf('index', options)]?.imports.some(isChunk)
  if (isShared) started.set('fetch', adapter.standIns)
  const whole = { ...options, entries: started }
  return read(await run(whole, [startPlugin(index, adapter, root)]), whole)
}

function isChunk({ kind, external }: Metafile['outputs'][string]['imports'][number]): boolean {
  return kind === 'import-statement' && external !== true
}

type Result = BuildResult<{ metafile: true; write: false }>

async function run(
  { root, entries, mapsDirectory }: BundleOptions,
  plugins: readonly Plugin[] = [],
): Promise<Result> {
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
    banner: { js: firstLine.trimEnd() },
    plugins: [...plugins],
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

/** Where there is an entry `fetch`, of the stand-ins, their chunk is what `index` loads before all others. */
function read({ metafile: { outputs }, outputFiles, warnings }: Result, options: BundleOptions): Bundle {
  const { entries, mapsDirectory } = options
  const entryOutputs = [...entries.keys()].sort().map((name) => outputOf(name, options))
  const names = chunkNames(outputs, entryOutputs)
  const standIns = outputs[outputOf('fetch', options)]?.entryPoint
  const before = standIns === undefined ? '' : `import"./${chunkOf(standIns, outputs)}";`
  const modules = new Map<string, Uint8Array>()
  const sourceMaps = new Map<string, Uint8Array>()
  for (const file of outputFiles) {
    const path = renameChunks(relative(mapsDirectory, file.path).replaceAll('\\', '/'), names)
    // Of this entry the chunk is all that is wanted.
    if (standIns !== undefined && path.startsWith('fetch.mjs')) continue
    if (path.endsWith('.map')) sourceMaps.set(path, file.contents)
    else {
      const needed = file.text.includes(lacksRequire) ? requireLine : ''
      const text = `${path === 'index.mjs' ? before : ''}${needed}\n${file.text.slice(firstLine.length)}`
      modules.set(path, new TextEncoder().encode(renameChunks(text, names)))
    }
  }
  return { modules, sourceMaps, outputs, warnings: warnings.map(describeWarning) }
}

/** The chunk that an input is in: `chunks/…`. */
function chunkOf(input: string, outputs: Metafile['outputs']): string {
  const [path = ''] = Object.entries(outputs).find(([, { inputs }]) => input in inputs) ?? []
  return path.slice(path.lastIndexOf('chunks/'))
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
