import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
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

async function bundle(name: string, entry: string, resolveDir = folder): Promise<string> {
  const outfile = join(folder, `${name}.mjs`)
  const stdin = { contents: entry.replace('@thaw/lambda', source), resolveDir }
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

/** The bytes of `src/fetch` in a bundle of everything, minified. */
async function sizes(entry: string): Promise<{ standIns: number; others: number }> {
  const stdin = { contents: entry.replace('@thaw/lambda', source), resolveDir: folder }
  const { metafile } = await build({
    stdin,
    write: false,
    metafile: true,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
  })
  let [standIns, others] = [0, 0]
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      if (path.includes('/lambda/src/fetch/')) standIns += bytesInOutput
      else others += bytesInOutput
    }
  }
  return { standIns, others }
}

test('serve for a fetch application is small, and loads no class of fetch before the first request', async () => {
  const file = await bundle('fetch', `export { serve } from '@thaw/lambda'`)
  const { standIns, others } = await sizes(`export { serve } from '@thaw/lambda'`)
  expect(others).toBeLessThan(30_000)
  expect(standIns).toBeLessThan(19_000)
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
  const start = `import { nodeListener, serve } from ${JSON.stringify(file)}
    const answers = nodeListener((request, response) => response.end('x'))
    const throws = nodeListener(() => { throw new Error('no') })
    for (const app of [answers, throws]) await serve(app, { log() {} })(${event});`
  expect(await loadedBy(start)).toEqual(['http', 'streams'])
})

const here = import.meta.dirname
const honoApp = `import { Hono } from 'hono'
  import { serve } from '@thaw/lambda'
  const app = new Hono()
  app.get('/', (c) => c.json({ hello: c.req.query('name') }))
  app.post('/', async (c) => c.text(await c.req.text(), 201, { 'x-a': '1' }))
  app.get('/form', async (c) => c.json(await new Response(new URLSearchParams('a=1')).formData().then((form) => [...form])))
  export const handler = serve(app)`

test('an application with Hono starts and answers without the classes of fetch of Node', async () => {
  const file = await bundle('hono', honoApp, here)
  const start = `import { handler } from ${JSON.stringify(file)}
    const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 1000 }
    for (const [httpMethod, status] of [['GET', 200], ['POST', 201]]) {
      const answer = await handler({ httpMethod, path: '/', body: 'text' }, context)
      if (answer.statusCode !== status) throw new Error(JSON.stringify(answer))
    };`
  expect(await loadedBy(start)).toEqual([])
  const form = `${start} await handler({ httpMethod: 'GET', path: '/form' }, context);`
  expect(await loadedBy(form)).toContain('fetch')
})

test('of two copies in a process the first has its stand-ins in place, and both answer', async () => {
  const files = [await bundle('first', honoApp, here), await bundle('second', honoApp, here)]
  const script = `const answer = async (file) => {
      const { handler } = await import(file)
      return handler(${event})
    }
    const [first, second] = ${JSON.stringify(files)}
    const answers = [await answer(first)]
    const { Response: before } = globalThis
    answers.push(await answer(second))
    process.stdout.write(JSON.stringify([before === Response, ...answers.map(({ statusCode }) => statusCode)]))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  expect(JSON.parse(stdout)).toEqual([true, 200, 200])
})

test('such an application has nothing in its bundle but itself, Hono and this package', async () => {
  const file = await bundle('hono', honoApp, here)
  const packages = inputs
    .get(file)!
    .map((path) => /node_modules\/(?:@[^/]+\/)?[^/]+|packages\/[^/]+/.exec(path)?.[0] ?? path)
  expect([...new Set(packages)].sort()).toEqual(['<stdin>', 'node_modules/hono', 'packages/lambda'])
  const text = await readFile(file, 'utf8')
  const named = text.matchAll(/(?:\bfrom|\bimport\(|\brequire\(|\bgetBuiltinModule\()["']([^"']+)["']/g)
  expect([...new Set(Array.from(named, ([, module]) => module))].sort()).toEqual([
    'node:async_hooks',
    'node:buffer',
    'node:crypto',
    'node:http',
  ])
})

test('the modules that such an application loads beside those of an empty function', async () => {
  const file = await bundle('hono', honoApp, here)
  const script = `const before = new Set(process.moduleLoadList)
    const { handler } = await import(${JSON.stringify(file)})
    await handler(${event})
    const after = process.moduleLoadList.filter((name) => !before.has(name))
    process.stdout.write(JSON.stringify(after))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  // A longer list is a slower cold start: who adds to it says here what for.
  expect(JSON.parse(stdout).sort()).toEqual([
    // getInvocation()
    'NativeModule internal/async_local_storage/async_context_frame',
    'NativeModule internal/async_local_storage/run_scope',
  ])
})
