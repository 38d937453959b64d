import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ConfigError } from './errors.ts'
import { loadApp } from './load.ts'

const face = new URL('./index.ts', import.meta.url).href
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'thaw-app-'))
})
afterEach(() => rm(root, { recursive: true }))

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, name)
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, text)
  }
}

const config = (body: string) => `import { defineApp, http, sqlite } from '${face}'\n${body}\n`
const simple = config(`export default defineApp({ name: 'shop', functions: { api: http('./src/api.ts') } })`)

async function failure(path = root): Promise<ConfigError> {
  const error = await loadApp(path).then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof ConfigError)) throw new Error(`expected a ConfigError, got ${String(error)}`)
  return error
}

test('a folder and a configuration file both lead to the application', async () => {
  await write({ 'thaw.config.ts': simple, 'src/api.ts': '' })
  const configFile = join(root, 'thaw.config.ts')
  const loaded = await loadApp(root)
  expect(loaded).toMatchObject({ root, configFile, app: { name: 'shop' } })
  expect(await loadApp(configFile)).toEqual(loaded)
})

test('a changed configuration file is read again', async () => {
  await write({ 'thaw.config.mjs': simple, 'src/api.ts': '' })
  await loadApp(root)
  await write({ 'thaw.config.mjs': simple.replace('shop', 'store') })
  expect((await loadApp(root)).app.name).toBe('store')
})

test('no folder, no configuration, two configurations', async () => {
  expect((await failure(join(root, 'nowhere'))).code).toBe('CONFIG_NOT_FOUND')
  const none = await failure()
  expect(none.code).toBe('CONFIG_NOT_FOUND')
  expect(none.message).toContain(root)
  await write({ 'thaw.config.ts': simple, 'thaw.config.js': simple, 'src/api.ts': '' })
  expect((await failure()).message).toContain('thaw.config.ts and thaw.config.js are both there')
})

test('a configuration that does not run says why', async () => {
  await write({ 'thaw.config.mjs': 'export default {' })
  const syntax = await failure()
  expect(syntax.code).toBe('CONFIG_FAILED')
  expect(syntax.message).toContain(join(root, 'thaw.config.mjs'))
  expect(syntax.cause).toBeDefined()
  await write({ 'thaw.config.mjs': `import './nothing.mjs'` })
  expect((await failure()).message).toContain('nothing.mjs')
  await write({ 'thaw.config.mjs': `throw new Error('out of coffee')` })
  expect((await failure()).message).toContain('out of coffee')
})

test('a configuration that exports no application says how', async () => {
  await write({ 'thaw.config.mjs': 'export const app = 1' })
  expect((await failure()).message).toContain('has no default export')
  await write({ 'thaw.config.mjs': `export default { name: 'shop' }` })
  const error = await failure()
  expect(error.code).toBe('CONFIG_NO_APP')
  expect(error.message).toContain('export default defineApp({')
})

test('problems of the definition come with the file', async () => {
  await write({ 'thaw.config.ts': config(`export default defineApp({ name: 'A', functions: {} })`) })
  const error = await failure()
  expect(error.code).toBe('CONFIG_INVALID')
  expect(error.problems.map(({ at }) => at)).toEqual(['name', 'functions'])
  expect(error.message).toContain(`2 problems in ${join(root, 'thaw.config.ts')}`)
})

test('every missing file and folder is named', async () => {
  const text = `export default defineApp({
    name: 'shop',
    database: sqlite({ migrations: './migrations', seed: './data' }),
    functions: { api: http('./src/api.ts'), b: http('./dir.ts', { route: 'GET /b', layers: ['./layers'] }) },
  })`
  await write({ 'thaw.config.ts': config(text), 'dir.ts/other.ts': '', data: 'a file, no folder' })
  const error = await failure()
  expect(error.code).toBe('CONFIG_FILE_MISSING')
  expect(error.problems.map(({ at, message }) => `${at}: ${message}`)).toEqual([
    'functions.api.entry: there is no file ./src/api.ts',
    'functions.b.entry: there is no file ./dir.ts',
    'functions.b.layers[0]: there is no folder ./layers',
    'database.migrations: there is no folder ./migrations',
    'database.seed: there is no folder ./data',
  ])
})
