import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'

const source = fileURLToPath(new URL('../src/index.ts', import.meta.url))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thaw-lambda-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function bundle(name: string, entry: string): Promise<string> {
  const outfile = join(folder, `${name}.mjs`)
  const stdin = { contents: entry.replace('@thaw/lambda', source), resolveDir: folder }
  await build({
    stdin,
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
  })
  return outfile
}

/** The built-in modules that matter to a cold start and are loaded by `script`, run in a process of its own. */
async function loadedBy(script: string): Promise<string[]> {
  const file = join(folder, 'script.mjs')
  await writeFile(
    file,
    `${script}
    const heavy = { fetch: 'internal/deps/undici/undici', http: '_http_server', streams: 'internal/streams/duplex' }
    const loaded = Object.keys(heavy).filter((name) => process.moduleLoadList.includes('NativeModule ' + heavy[name]))
    process.stdout.write(JSON.stringify(loaded))`,
  )
  // A pipe for standard output would itself load streams, before this is asked: the list is made first.
  const { stdout } = await promisify(execFile)(process.execPath, [file])
  return JSON.parse(stdout)
}

const event = `{ httpMethod: 'GET', path: '/' }, { awsRequestId: 'r', getRemainingTimeInMillis: () => 1000 }`

test('serve for a fetch application is small, and loads no class of fetch before the first request', async () => {
  const file = await bundle('fetch', `export { serve } from '@thaw/lambda'`)
  expect((await stat(file)).size).toBeLessThan(27_500)
  const start = `import { serve } from ${JSON.stringify(file)}; const handler = serve({ fetch() {} });`
  expect(await loadedBy(start)).toEqual([])
})

test('an application that is no fetch application never loads a class of fetch', async () => {
  const file = await bundle('listener', `export { nodeListener, serve } from '@thaw/lambda'`)
  expect((await stat(file)).size).toBeLessThan(31_000)
  const start = `import { nodeListener, serve } from ${JSON.stringify(file)}
    const answers = nodeListener((request, response) => response.end('x'))
    const throws = nodeListener(() => { throw new Error('no') })
    for (const app of [answers, throws]) await serve(app, { log() {} })(${event});`
  expect(await loadedBy(start)).toEqual(['http', 'streams'])
})
