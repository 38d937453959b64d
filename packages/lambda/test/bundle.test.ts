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
/** The files of which something is in a bundle. */
const inputs = new Map<string, string[]>()
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thaw-lambda-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function bundle(name: string, entry: string): Promise<string> {
  const outfile = join(folder, `${name}.mjs`)
  const stdin = { contents: entry.replace('@thaw/lambda', source), resolveDir: folder }
  const { metafile } = await build({
    stdin,
    metafile: true,
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
  })
  inputs.set(outfile, Object.keys(Object.values(metafile.outputs)[0]!.inputs))
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
  expect((await stat(file)).size).toBeLessThan(29_500)
  const start = `import { serve } from ${JSON.stringify(file)}; const handler = serve({ fetch() {} });`
  expect(await loadedBy(start)).toEqual([])
})

test('what a function does not use is not in its bundle', async () => {
  const parts = ['aws', 'apps', 'fronts', 'metrics', 'queue', 'schedule', 'secrets', 'socket']
  const partsOf = async (name: string) => {
    const file = await bundle(name, `export { ${name} } from '@thaw/lambda'`)
    return parts.filter((part) => inputs.get(file)?.some((input) => input.includes(`/lambda/src/${part}/`)))
  }
  expect(await partsOf('serve')).toEqual(['apps', 'fronts'])
  expect(await partsOf('queue')).toEqual(['fronts', 'queue'])
  expect(await partsOf('schedule')).toEqual(['fronts', 'schedule'])
  expect(await partsOf('socket')).toEqual(['fronts', 'socket'])
  expect(await partsOf('createConnections')).toEqual(['aws', 'fronts', 'socket'])
  expect(await partsOf('secret')).toEqual(['aws', 'secrets'])
  expect(await partsOf('metrics')).toEqual(['metrics'])
})

test('nothing but serve with something to shut down loads node:http while it starts', async () => {
  const names = 'createConnections, memoryRegistry, metrics, queue, schedule, secret, serve, socket'
  const file = await bundle('all', `export { ${names} } from '@thaw/lambda'`)
  const start = `import { ${names} } from ${JSON.stringify(file)}
    const connections = createConnections({ registry: memoryRegistry() })
    globalThis.used = [metrics(), queue(() => {}), schedule(() => {}), socket({}, { connections }), serve({ fetch() {} })]`
  expect(await loadedBy(start)).toEqual([])
})

test('an application that is no fetch application never loads a class of fetch', async () => {
  const file = await bundle('listener', `export { nodeListener, serve } from '@thaw/lambda'`)
  expect((await stat(file)).size).toBeLessThan(33_000)
  const start = `import { nodeListener, serve } from ${JSON.stringify(file)}
    const answers = nodeListener((request, response) => response.end('x'))
    const throws = nodeListener(() => { throw new Error('no') })
    for (const app of [answers, throws]) await serve(app, { log() {} })(${event});`
  expect(await loadedBy(start)).toEqual(['http', 'streams'])
})
