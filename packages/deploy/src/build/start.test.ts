import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { http } from '@thaw/app'
import { afterAll, expect, test } from 'vitest'
import { createWorkspace, runIn } from '../../test/project.ts'
import { buildApp } from './build-app.ts'

const workspace = createWorkspace()
afterAll(() => workspace[Symbol.asyncDispose]())

/** The function as it lies in its zip. */
async function packaged(files: Readonly<Record<string, string>>): Promise<string> {
  const definition = { name: 'shop', functions: { api: http('./src/api.ts') } }
  const { loaded, outDir } = await workspace.project(definition, files)
  const { functions } = await buildApp(loaded, { outDir })
  return workspace.extract(functions[0]!.zip)
}

/** Hono comes first, is also in a chunk of its own because of `later`, and one module touches a class while it loads. */
const files = {
  'src/api.ts': `
    import { Hono } from 'hono'
    import './early.ts'
    import { serve } from '@thaw/lambda'
    const app = new Hono()
    app.get('/', (c) => c.json({ early: Problem.name }))
    app.get('/later', async (c) => c.text(await (await import('./later.ts')).later()))
    app.get('/native', async (c) => c.json(await new Response(new URLSearchParams('a=1')).formData().then((f) => [...f])))
    const { Problem } = globalThis as unknown as { Problem: { name: string } }
    export const handler = serve(app, { log() {} })`,
  'src/early.ts': `
    class Problem extends Response {}
    Object.assign(globalThis, { Problem })`,
  'src/later.ts': `
    import { Hono } from 'hono'
    export const later = async () => (await new Hono().get('/', (c) => c.text('later')).request('/')).text()`,
}

const ask = (path: string) => `
  const { handler } = await import('./index.mjs')
  const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 10_000 }
  const { statusCode, body } = await handler({ httpMethod: 'GET', path: '${path}' }, context)
  const loaded = process.moduleLoadList.includes('NativeModule internal/deps/undici/undici')
  console.log(JSON.stringify([statusCode, body, loaded]))`

test('the stand-ins are there before anything else, so that a first answer does not load the built-in fetch', async () => {
  const folder = await packaged(files)
  expect(await readdir(folder)).toEqual(['chunks', 'index.mjs'])
  expect(JSON.parse(await runIn(folder, ask('/')))).toEqual([200, '{"early":"Problem"}', false])
  expect(JSON.parse(await runIn(folder, ask('/later')))).toEqual([200, 'later', false])
  // What has to have Node's own still gets them: the measure can tell.
  expect(JSON.parse(await runIn(folder, ask('/native')))).toEqual([200, '[["a","1"]]', true])
})

test('THAW_FETCH=native leaves the classes of the runtime in place', async () => {
  const folder = await packaged(files)
  const answer = await runIn(folder, ask('/'), { THAW_FETCH: 'native' })
  expect(JSON.parse(answer)).toEqual([200, '{"early":"Problem"}', true])
})

test('a function that does not use @thaw/lambda is one module, and nobody touches its globals', async () => {
  const folder = await packaged({ 'src/api.ts': `export const handler = () => Response.name` })
  expect(await readdir(folder)).toEqual(['index.mjs'])
})

/** Nothing is shared, so that nothing has to be apart. */
const alone = {
  'src/api.ts': `
    import { Hono } from 'hono'
    import './early.ts'
    import { serve } from '@thaw/lambda'
    const app = new Hono().get('/', (c) => c.json({ early: (globalThis as { Problem?: { name: string } }).Problem?.name }))
    export const handler = serve(app, { log() {} })`,
  'src/early.ts': files['src/early.ts'],
}

test('a function that shares nothing is one module, which takes no `require` along, and begins with the stand-ins', async () => {
  const folder = await packaged(alone)
  expect(await readdir(folder)).toEqual(['index.mjs'])
  expect(await readFile(join(folder, 'index.mjs'), 'utf8')).not.toContain('createRequire')
  expect(JSON.parse(await runIn(folder, ask('/')))).toEqual([200, '{"early":"Problem"}', false])
})

test.each([
  ['one module', alone],
  ['several', files],
])('a function of %s is loaded when its extension is registered', async (_, sources) => {
  const shutDown = sources['src/api.ts'].replace('{ log() {} }', '{ with: [{ shutdown: async () => {} }] }')
  const folder = await packaged({ ...sources, 'src/api.ts': shutDown })
  const steps: string[] = []
  const server = createServer(async (request, response) => {
    const step = request.url?.split('/').at(-1) ?? ''
    // An event never comes.
    if (step === 'next') return
    steps.push(step)
    if (step === 'register') {
      // Time for what does not wait to come in between.
      await setTimeout(200)
      steps.push('registered')
      response.setHeader('lambda-extension-identifier', 'id')
    }
    response.end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    const { port } = server.address() as AddressInfo
    // As a runtime does: it asks as soon as the module is there.
    const load = `
      const { get } = process.getBuiltinModule('node:http')
      await import('./index.mjs')
      get('http://127.0.0.1:${port}/loaded', () => process.exit())`
    await runIn(folder, load, { AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}` })
    expect(steps).toEqual(['register', 'registered', 'loaded'])
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
