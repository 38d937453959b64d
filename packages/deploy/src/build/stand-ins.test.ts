import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
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
  expect(await readFile(join(folder, 'index.mjs'), 'utf8')).toBe(
    'import"./fetch.mjs";export*from"./app.mjs";\n',
  )
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
