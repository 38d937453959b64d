import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AppDefinition, http, sqlite } from '@thaw/app'
import { unzipSync } from 'fflate'
import { expect, test } from 'vitest'
import { createWorkspace, runIn } from '../../test/project.ts'
import { BuildError, PackageTooLargeError } from '../errors.ts'
import { buildApp } from './build-app.ts'

/** Uses hono, kysely and node:sqlite at once, pg only when asked, and has names that bundlers stumble over. */
const files = {
  'src/api.ts': `
    import { createRequire } from 'node:module'
    import { DatabaseSync } from 'node:sqlite'
    import { Hono } from 'hono'
    import { sql } from 'kysely'
    import { shared } from './shared.ts'
    const require = createRequire(import.meta.url)
    const __dirname = import.meta.dirname
    class OrderError extends Error {}
    const app = new Hono()
    app.get('/', (c) => {
      const db = new DatabaseSync(':memory:')
      const row = db.prepare('select 6 * 7 as answer').get() as { answer: number }
      db.close()
      return c.json({ ...row, shared, raw: typeof sql.raw, error: new OrderError().constructor.name,
        own: typeof require('node:fs').readFileSync, folder: __dirname === process.cwd() })
    })
    export const handler = async (event: { pg?: boolean }) => {
      if (event.pg) return typeof (await import('pg')).default.Client
      return (await app.request('/')).json()
    }`,
  'src/recap.ts': `
    import { shared } from './shared.ts'
    export const handler = () => shared`,
  'src/shared.ts': `export const shared: string = 'told once'`,
  'migrations/0001-start.ts': `
    import { type Kysely, sql } from 'kysely'
    export const up = async (db: Kysely<unknown>) => { await sql\`create table a (b)\`.execute(db) }`,
  'migrations/0002-more.ts': 'export async function up() {}',
  'migrations/README.md': 'not a migration',
  'data/01-users.json': '[{"id":"ada"}]',
}

const definition: AppDefinition = {
  name: 'shop',
  database: sqlite({ migrations: './migrations', seed: './data' }),
  environment: { LOG_LEVEL: 'info' },
  functions: {
    api: http('./src/api.ts'),
    recap: http('./src/recap.ts', { route: 'GET /recap' }),
  },
}

test('a zip runs in an empty folder with nothing of the project in reach', async () => {
  await using workspace = createWorkspace()
  const { loaded, outDir } = await workspace.project(definition, files)
  const { functions, warnings } = await buildApp(loaded, { outDir })
  expect(warnings).toEqual([])
  expect(functions.map(({ name, handler }) => [name, handler])).toEqual([
    ['api', 'index.handler'],
    ['recap', 'index.handler'],
  ])
  const [api] = functions
  if (api === undefined) throw new Error('no function was built')
  expect(api.zip).toBe(join(outDir, 'api.zip'))
  expect(api.environment).toEqual({
    LOG_LEVEL: 'info',
    THAW_MIGRATIONS: './migrations',
    THAW_SEED: './data',
  })

  const folder = await workspace.extract(api.zip)
  const answer = await runIn(
    folder,
    `const { handler } = await import('./index.mjs')
     console.log(JSON.stringify([await handler({}), await handler({ pg: true })]))`,
  )
  expect(JSON.parse(answer)).toEqual([
    {
      answer: 42,
      shared: 'told once',
      raw: 'function',
      error: 'OrderError',
      own: 'function',
      folder: true,
    },
    'function',
  ])
  expect(await readdir(join(folder, 'migrations'))).toEqual(['0001-start.mjs', '0002-more.mjs'])
  expect(await runIn(folder, `console.log(typeof (await import('./migrations/0001-start.mjs')).up)`)).toBe(
    'function',
  )
  expect(await readFile(join(folder, 'data/01-users.json'), 'utf8')).toBe(files['data/01-users.json'])
})

test('what function and migrations share is there once, and what is lazy is apart', async () => {
  await using workspace = createWorkspace()
  const { loaded, outDir } = await workspace.project(definition, files)
  const [api] = (await buildApp(loaded, { outDir })).functions
  if (api === undefined) throw new Error('no function was built')
  const texts = Object.entries(unzipSync(await readFile(api.zip))).map(([name, bytes]) => ({
    name,
    text: new TextDecoder().decode(bytes),
  }))
  const holding = (text: string) => texts.filter((file) => file.text.includes(text)).map(({ name }) => name)
  const kysely = holding('RawBuilderImpl')
  const pg = holding('Connection terminated unexpectedly')
  expect([kysely, pg]).toEqual([[expect.stringMatching(/^chunks\//)], [expect.stringMatching(/^chunks\//)]])
  expect(kysely).not.toEqual(pg)
  expect(texts.map(({ name }) => name).filter((name) => name.endsWith('.map'))).toEqual([])
})

test('sizes are told per package, and only what is used counts', async () => {
  await using workspace = createWorkspace()
  const { loaded, outDir } = await workspace.project(definition, files)
  const [api, recap] = (await buildApp(loaded, { outDir })).functions
  const names = (api?.dependencies ?? []).map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(['hono', 'kysely', 'pg', 'shop']))
  const sizes = (api?.dependencies ?? []).map(({ bytes }) => bytes)
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
  expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(api?.unzippedBytes ?? 0)
  expect(recap?.dependencies.map(({ name }) => name)).not.toContain('hono')
  const zip = await readFile(api?.zip ?? '')
  expect(api?.bytes).toBe(zip.length)
  const total = Object.values(unzipSync(zip)).reduce((sum, { length }) => sum + length, 0)
  expect(api?.unzippedBytes).toBe(total)
})

test('the same sources give the same zip, again and elsewhere', async () => {
  await using workspace = createWorkspace()
  const here = await workspace.project(definition, files)
  const there = await workspace.project(definition, files, 3)
  const hashes = async ({ loaded, outDir }: typeof here) =>
    (await buildApp(loaded, { outDir })).functions.map(({ sha256 }) => sha256)
  const first = await hashes(here)
  expect(await hashes(here)).toEqual(first)
  expect(await hashes({ ...here, outDir: join(here.root, '.thaw/build') })).toEqual(first)
  expect(await hashes(there)).toEqual(first)
  const changed = { ...files, 'data/01-users.json': '[{"id":"eve"}]' }
  expect(await hashes(await workspace.project(definition, changed))).not.toEqual(first)
})

test('source maps lie beside the zip and lead to the sources', async () => {
  await using workspace = createWorkspace()
  const { loaded, outDir, root } = await workspace.project(definition, files)
  await buildApp(loaded, { outDir })
  const map = JSON.parse(await readFile(join(outDir, 'recap.maps/index.mjs.map'), 'utf8'))
  const sources = map.sources.map((source: string) => join(outDir, 'recap.maps', source))
  expect(sources).toContain(join(root, 'src/recap.ts'))
  const chunks = await readdir(join(outDir, 'api.maps/chunks'))
  const zip = unzipSync(await readFile(join(outDir, 'api.zip')))
  expect(chunks.map((name) => `chunks/${name.replace('.map', '')}`).sort()).toEqual(
    Object.keys(zip).filter((name) => name.startsWith('chunks/')),
  )
})

test('every mistake in the sources is told with its place, and nothing is written', async () => {
  await using workspace = createWorkspace()
  const { loaded, outDir } = await workspace.project(definition, {
    ...files,
    'src/api.ts': `import { nothing } from './nowhere.ts'\nexport const handler = nothing\n`,
    'src/recap.ts': 'export const handler = (\n',
  })
  const error = await buildApp(loaded, { outDir }).catch((reason: unknown) => reason)
  if (!(error instanceof BuildError)) throw new Error(`expected a BuildError, got ${error}`)
  expect(error.code).toBe('BUILD_FAILED')
  expect(error.problems.map(({ file, line, column }) => [file, line, column])).toEqual([
    ['src/api.ts', 1, 25],
    ['src/recap.ts', 2, 1],
  ])
  expect(error.message).toContain('src/api.ts:1:25: Could not resolve "./nowhere.ts"')
  expect(await readdir(outDir)).toEqual([])
})

test.each([
  ['src/recap.ts', 'export const handle = () => 1', "src/recap.ts: does not export 'handler'"],
  ['migrations/0001-start.ts', 'export default 1', "migrations/0001-start.ts: does not export 'up'"],
  ['migrations/0002-more.js', 'export const up = 1', "'migrations/0002-more.js' has the same name"],
  ['data/01-users.json', '[{', 'data/01-users.json: is no JSON'],
  ['data/01-users.json', '{}', 'data/01-users.json: is no list of rows'],
])('%s with %j is refused', async (file, text, message) => {
  await using workspace = createWorkspace()
  const { loaded, outDir } = await workspace.project(definition, { ...files, [file]: text })
  const building = buildApp(loaded, { outDir })
  await expect(building).rejects.toThrow(BuildError)
  await expect(building).rejects.toThrow(message)
})

test('a package over a limit is refused before it is written', async () => {
  await using workspace = createWorkspace()
  const { loaded, outDir } = await workspace.project(definition, files)
  const build = (zippedBytes: number, unzippedBytes: number) =>
    buildApp(loaded, { outDir, limits: { zippedBytes, unzippedBytes } })
  const error = await build(10_000, 1e9).catch((reason: unknown) => reason)
  if (!(error instanceof PackageTooLargeError)) throw new Error(`expected a refusal, got ${error}`)
  expect(error).toMatchObject({ code: 'PACKAGE_TOO_LARGE', functionName: 'api', limitBytes: 10_000 })
  expect(error.message).toMatch(/KB zipped, and Lambda takes 9\.8 KB\. Heaviest in it: .*kysely/)
  await expect(build(1e9, 10_000)).rejects.toThrow('KB unzipped')
  await expect(access(join(outDir, 'api.zip'))).rejects.toThrow('ENOENT')
})

test('a Web Function is a server, whatever it exports', async () => {
  await using workspace = createWorkspace()
  const server = `import { createServer } from 'node:http'
    createServer().listen(0, () => { console.log('listens'); process.exit() })`
  const web = http('./server.ts', { front: 'function-url', requestsPerEnvironment: 2 })
  const { loaded, outDir } = await workspace.project(
    { name: 'web', functions: { web } },
    { 'server.ts': server },
  )
  const { functions } = await buildApp(loaded, { outDir })
  const folder = await workspace.extract(functions[0]?.zip ?? '')
  expect(await runIn(folder, 'import "./index.mjs"')).toBe('listens')
})
