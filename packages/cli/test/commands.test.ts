import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const nodeModules = fileURLToPath(new URL('../../../node_modules', import.meta.url))
/** The first `node` is the one that runs the tests. */
const path = [dirname(process.execPath), process.env.PATH].join(delimiter)
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'thaw-cli-'))
  await symlink(nodeModules, join(root, 'node_modules'))
  await mkdir(join(root, 'src'))
  await write('package.json', '{ "type": "module" }')
  await write('src/api.ts', `export const handler = async (): Promise<string> => 'hello'`)
  await write(
    'thaw.config.ts',
    `import { defineApp, http } from '@thaw/app'
     export default defineApp({ name: 'shop', functions: { api: http('./src/api.ts') } })`,
  )
})
afterEach(() => rm(root, { recursive: true }))

const write = (name: string, text: string) => writeFile(join(root, name), text)

/** Runs `thaw` as a user does: the file itself, by its first line, from inside of the project. */
function thaw(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    execFile(main, args, { cwd: root, env: { ...process.env, PATH: path } }, (error, out, err) => {
      if (error !== null && typeof error.code !== 'number') reject(error)
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err })
    })
  })
}

test('build packages the application of the current folder', async () => {
  const { code, out, err } = await thaw('build')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/^api: [\d.]+ K?B zipped, [\d.]+ K?B unzipped\n {2}shop {2}\d+ B\n/)
  await access(join(root, '.thaw/build/api.zip'))
})

test('build --json tells everything, and --out is relative to the current folder', async () => {
  const { code, out } = await thaw('build', '.', '--out', 'elsewhere', '--json')
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({
    functions: [{ name: 'api', zip: join(root, 'elsewhere/api.zip'), handler: 'index.handler' }],
  })
  await access(join(root, 'elsewhere/api.zip'))
})

test('synth writes the template of a stage', async () => {
  const { code, out } = await thaw('synth', '--stage', 'prod', '--json')
  expect(code).toBe(0)
  const templateFile = join(root, '.thaw/cdk.out/shop-prod.template.json')
  expect(JSON.parse(out)).toMatchObject({ stackName: 'shop-prod', templateFile })
  await access(templateFile)
  const told = await thaw('synth', '--stage', 'prod')
  expect(told.out).toMatch(
    /Functions:\n {2}api {2}HTTP API: \$default\nOutputs once deployed:\n {2}ApiUrl {2}/,
  )
  const refused = await thaw('synth', '--stage', 'Prod')
  expect(refused).toMatchObject({ code: 1, out: '' })
  expect(refused.err).toMatch(/^SYNTH_FAILED: 'Prod' cannot name a stage/)
})

test('a mistake ends with 1, its code, its place, and no stack', async () => {
  await write('src/api.ts', `import './nowhere.ts'\nexport const handler = 1`)
  expect(await thaw('build')).toEqual({
    code: 1,
    out: '',
    err: 'BUILD_FAILED: src/api.ts:1:8: Could not resolve "./nowhere.ts"\n',
  })
  await rm(join(root, 'thaw.config.ts'))
  expect((await thaw('build')).err).toMatch(/^CONFIG_NOT_FOUND: .*there is no thaw\.config\.ts[^\n]*\n$/)
})

test('a wrong call ends with 2', async () => {
  expect((await thaw('build', '--fast')).code).toBe(2)
  expect((await thaw()).code).toBe(2)
  expect((await thaw('--help')).code).toBe(0)
})
