import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Contestant } from './adapters.ts'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
/** For CommonJS packages, which call `require` for Node's own modules. */
const REQUIRE = `import{createRequire}from'node:module';const require=createRequire(import.meta.url);`
/** What esbuild puts into bundles of such packages. */
const NEEDS_REQUIRE = 'Dynamic require of '

/** Bundles and minifies an adapter with its application into `directory`. Gives the path of the module. */
export async function bundleEntry({ entry }: Contestant, directory: string): Promise<string> {
  const { outputFiles } = await build({
    ...settings,
    entryPoints: [join(FOLDER, 'entries', `${entry}.ts`)],
    write: false,
  })
  const text = outputFiles[0]?.text ?? ''
  const path = join(directory, `${entry}.mjs`)
  await writeFile(path, text.includes(NEEDS_REQUIRE) ? REQUIRE + text : text)
  return path
}

/** Bytes of an adapter alone, bundled and minified: all that a function which imports it loads at its start. */
export async function adapterBytes({ adapter }: Contestant): Promise<AdapterBytes> {
  const { metafile } = await build({
    ...settings,
    stdin: { contents: adapter, resolveDir: FOLDER },
    write: false,
    metafile: true,
  })
  const outputs = Object.values(metafile.outputs)
  const inputs = outputs.flatMap((output) => Object.entries(output.inputs))
  const standIns = inputs.filter(([path]) => path.includes('packages/lambda/src/fetch/'))
  return {
    total: outputs.reduce((sum, { bytes }) => sum + bytes, 0),
    standIns: standIns.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0),
  }
}

export interface AdapterBytes {
  readonly total: number
  /** Of that, what stands in for the runtime's `Headers`, `Request` and `Response`. */
  readonly standIns: number
}

const settings = {
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  legalComments: 'none',
  logLevel: 'error',
} as const
