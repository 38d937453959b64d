import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { defineApp, http } from '@thaw/app'
import { buildApp } from '@thaw/deploy'
import {
  makeProjectBeside,
  startPostgres,
  startS3Server,
  type TestProject,
  temporaryDirectory,
} from '@thaw/testing'
import { unzipSync } from 'fflate'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Loaded } from './loaded-process.ts'

// A cold start pays for each module that it loads, and one bundle serves every engine: what a function's URL does not ask
// for must stay where it lies. Who makes one of these lists longer says there what for.

const program = fileURLToPath(new URL('./loaded-process.ts', import.meta.url))
const packages = fileURLToPath(new URL('../', import.meta.url))

const source = `
  import { Hono } from 'hono'
  import { sql } from 'kysely'
  import { connect } from '@thaw/db'
  import { serve } from '@thaw/lambda'
  const db = connect()
  const app = new Hono()
  app.get('/', async (c) => c.json((await sql\`select 1 as one\`.execute(db)).rows))
  export const handler = serve(app, { with: [db] })`

let project: TestProject
/** The package of the function, unzipped, and its source maps. */
let folder: string
let maps: string
beforeAll(async () => {
  project = await makeProjectBeside(import.meta.url, { 'api.ts': source })
  const app = defineApp({ name: 'loaded', functions: { api: http('./api.ts') } })
  const { root } = project
  const outDir = join(root, 'build')
  const { functions } = await buildApp({ app, root, configFile: join(root, 'thaw.config.ts') }, { outDir })
  const [api] = functions
  folder = join(root, 'task')
  maps = api!.sourceMaps
  for (const [name, bytes] of Object.entries(unzipSync(await readFile(api!.zip)))) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), bytes)
  }
})
afterAll(() => project?.remove())

/** What a start with this database loads. */
async function start(url: string, env: Readonly<Record<string, string>> = {}) {
  await using directory = await temporaryDirectory('thaw-loaded')
  const { stdout } = await promisify(execFile)(process.execPath, [program, join(folder, 'index.mjs')], {
    env: { PATH: process.env.PATH, TMPDIR: directory.path, DATABASE_URL: url, ...env },
  })
  const { status, body, files, builtins }: Loaded = JSON.parse(stdout)
  expect({ status, body }).toEqual({ status: 200, body: '[{"one":1}]' })
  return { parts: await partsOf(files), builtins: builtins.toSorted() }
}

/** The packages, and the engines of `@thaw/db`, that something of is in these modules of the bundle. */
async function partsOf(files: readonly string[]): Promise<string[]> {
  const parts = new Set<string>()
  for (const file of files) {
    const name = file.slice(`${pathToFileURL(folder).href}/`.length)
    const { sources } = JSON.parse(await readFile(join(maps, `${name}.map`), 'utf8'))
    for (const source of sources as string[]) parts.add(partOf(join(dirname(join(maps, name)), source)))
  }
  parts.delete('project')
  return [...parts].sort()
}

function partOf(path: string): string {
  const [, installed] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? []
  if (installed) return installed
  const [, own] = /^packages\/(db\/src\/engines\/[^/]+(?=\/)|[^/]+)/.exec(path.slice(packages.length)) ?? []
  return own?.replace('db/src/engines/', 'engine ') ?? 'project'
}

const always = ['db', 'hono', 'kysely', 'lambda']

test('with SQLite in a bucket nothing of other engines is loaded, no AWS SDK, and no fetch', async () => {
  const server = await startS3Server()
  onTestFinished(() => server.close())
  const { parts, builtins } = await start(`sqlite+${server.urlOf('loaded')}`, server.env)
  expect(parts).toEqual([...always, 'aws4', 'engine bucket', 'ltx', 'sqlite', 'store'].sort())
  const http = ['agent', 'client', 'common', 'incoming', 'outgoing', 'server'].map((name) => `_http_${name}`)
  expect(builtins).toEqual(
    [
      // The requests to the store, with `aws4` for their signatures.
      ...[...http, 'http', 'net', 'stream', 'string_decoder', 'crypto'],
      // The local copy.
      ...['sqlite', 'fs/promises', 'stream/promises', 'os'],
      // Backoff, and what is measured.
      ...['timers/promises', 'perf_hooks'],
    ].sort(),
  )
})

test('with PostgreSQL no SQLite is loaded, no store, and no fetch', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.close())
  const { parts, builtins } = await start(await server.createDatabase())
  const pg = ['', '-cloudflare', '-connection-string', '-int8', '-pool', '-protocol', '-types'].map(
    (name) => `pg${name}`,
  )
  const values = ['array', 'bytea', 'date', 'interval'].map((name) => `postgres-${name}`)
  expect(parts).toEqual([...always, 'engine postgres', ...pg, ...values, 'pgpass', 'split2', 'xtend'].sort())
  // The connection of `pg`, its passwords and what else it takes along; of ours are the waits, and folders of migrations.
  expect(builtins).toEqual(
    [
      'crypto',
      'dns',
      'fs/promises',
      'net',
      'os',
      'stream',
      'stream/promises',
      'string_decoder',
      'timers/promises',
    ].sort(),
  )
})
