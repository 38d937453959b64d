import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { makeProject, start } from './support.ts'

let folder: string
let project: Awaited<ReturnType<typeof makeProject>>
let state: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thaw-test-packages-'))
  state = await mkdtemp(join(tmpdir(), 'thaw-test-state-'))
  project = await makeProject({
    'thaw.config.ts': `
      import { defineApp, http } from '@thaw/app'
      const functions = { api: http('./api.mjs', { environment: { PLACE: 'project', KEPT: 'yes' } }) }
      export default defineApp({ name: 'packaged', functions })`,
    'api.mjs': `export const handler = () => 'not packaged'`,
  })
})

afterEach(async () => {
  expect(await readdir(state)).toEqual([])
})

afterAll(async () => {
  await project.remove()
  await rm(folder, { recursive: true })
  await rm(state, { recursive: true })
})

const handler = `
import { readdirSync } from 'node:fs'
import { text } from './chunks/text.mjs'

export const handler = async () => ({
  text,
  folder: process.cwd(),
  root: process.env.LAMBDA_TASK_ROOT,
  files: readdirSync(process.cwd()).sort(),
  place: process.env.PLACE,
  kept: process.env.KEPT,
  project: await import('@thaw/app').then(() => 'in reach', (error) => error.code),
})
`

async function makeZip(name: string, files: Readonly<Record<string, string>>) {
  const zip = join(folder, name)
  await writeFile(
    zip,
    zipSync(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, strToU8(text)]))),
  )
  return { name: 'api', zip, handler: 'index.handler', environment: { PLACE: 'package' } }
}

test('runs the package by itself, in an empty folder, with its own variables', async () => {
  const pack = await makeZip('api.zip', {
    'index.mjs': handler,
    'chunks/text.mjs': `export const text = 'packaged'`,
    'data/': '',
  })
  const { simulator } = await start(project.root, { packages: [pack], stateDirectory: state })
  try {
    const seen = (await (await fetch(simulator.url)).json()) as Record<string, unknown>
    expect(seen).toMatchObject({
      text: 'packaged',
      files: ['chunks', 'data', 'index.mjs'],
      place: 'package',
      kept: 'yes',
      project: 'ERR_MODULE_NOT_FOUND',
    })
    expect(seen.folder).toBe(seen.root)
    expect(seen.root).toMatch(/^.*thaw-test-state-[^/]+\/thaw-[^/]+\/packages\/api$/)
  } finally {
    await simulator.close()
  }
})

test('a package that cannot be run is refused, and nothing is left', async () => {
  const run = (packages: Parameters<typeof start>[1]) =>
    start(project.root, { ...packages, stateDirectory: state })
  await expect(run({ packages: [] })).rejects.toThrow(/function 'api' has no package; given are: none/)

  const good = await makeZip('good.zip', { 'index.mjs': '' })
  const missing = { ...good, zip: join(folder, 'missing.zip') }
  await expect(run({ packages: [missing] })).rejects.toThrow(/missing\.zip: ENOENT.*; build it again/)

  const text = { ...good, zip: join(folder, 'text.zip') }
  await writeFile(text.zip, 'this is text')
  await expect(run({ packages: [text] })).rejects.toThrow(/text\.zip: it is no zip archive/)

  const evil = await makeZip('evil.zip', { 'index.mjs': '', '../../evil.mjs': 'boo' })
  await expect(run({ packages: [evil] })).rejects.toThrow(
    /entry '\.\.\/\.\.\/evil\.mjs' leads out of the package/,
  )
})
