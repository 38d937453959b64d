import { symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { makeProject, start, type Watched } from './support.ts'

const ended: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

const config = (routes: string) => `
import { defineApp, http } from '@thaw/app'

export default defineApp({ name: 'watched', functions: { api: http('./src/api.ts', { route: ${routes} }) } })
`

const source = (answer: string) => `
import { existsSync } from 'node:fs'
import { text } from './text.ts'

export async function handler(event: { rawQueryString: string }) {
  while (event.rawQueryString === 'wait' && !existsSync('go.txt')) await new Promise((done) => setTimeout(done, 5))
  return \`${answer} \${text} \${process.env.FROM_FILE}\`
}
`

async function setUp(environment: () => Record<string, string> = () => ({})) {
  const project = await makeProject({
    'thaw.config.ts': config(`'GET /'`),
    'src/api.ts': source('first'),
    'src/text.ts': `export const text: string = 'text'\n`,
  })
  ended.push(project.remove)
  const watched = await start(project.root, { watch: true, environment })
  ended.push(() => watched.simulator.close())
  /** Writes a file, and waits until that was seen. */
  const change = async (path: string, content: string) => {
    const changed = watched.line(new RegExp(`^changed: ${path.replaceAll('.', '\\.')}$`))
    await project.write(path, content)
    await changed
  }
  return { ...project, ...watched, change }
}

async function get({ simulator }: Watched, path = '/') {
  const response = await fetch(simulator.url + path)
  return [response.status, await response.json()]
}

test('a change of a source replaces idle environments at once, also one that is only imported', async () => {
  const app = await setUp()
  expect(await get(app)).toEqual([200, 'first text undefined'])
  const [before] = app.simulator.environments()

  await app.change('src/text.ts', `export const text: string = 'new text'\n`)
  expect(await get(app)).toEqual([200, 'first new text undefined'])
  await expect.poll(() => app.simulator.environments().length).toBe(1)
  expect(app.simulator.environments()[0]?.id).not.toBe(before?.id)
})

test('a busy environment finishes its request with the code it began with', async () => {
  const app = await setUp()
  const begun = app.line(/START/)
  const answer = get(app, '/?wait')
  await begun
  await app.change('src/api.ts', source('second'))
  expect(await get(app)).toEqual([200, 'second text undefined'])
  await app.write('go.txt', '')
  expect(await answer).toEqual([200, 'first text undefined'])
  await expect.poll(() => app.simulator.environments().length).toBe(1)
})

test('an old environment at work counts for the concurrency of its function', async () => {
  const app = await setUp()
  const one = config(`'GET /', concurrency: 1`)
  await app.change('thaw.config.ts', one)
  const begun = app.line(/START/)
  const answer = get(app, '/?wait')
  await begun
  await app.change('src/api.ts', source('second'))
  expect((await get(app))[0]).toBe(429)
  await app.write('go.txt', '')
  expect(await answer).toEqual([200, 'first text undefined'])
  await expect.poll(() => get(app)).toEqual([200, 'second text undefined'])
})

test('a syntax error shows at once, and the next change mends it', async () => {
  const app = await setUp()
  await get(app)
  const failed = app.line(/cannot initialise src\/api\.handler: SyntaxError/)
  await app.write('src/api.ts', 'export const handler = () => ({\n')
  await failed
  expect(app.lines.some((line) => /\| .*src\/api\.ts:1$/.test(line))).toBe(true)
  expect(app.lines.join('\n')).not.toMatch(/bootstrap\.ts|node:internal/)
  expect(await get(app)).toEqual([500, { message: 'Internal Server Error' }])

  await app.change('src/api.ts', source('mended'))
  expect(await get(app)).toEqual([200, 'mended text undefined'])
})

test('a change of the configuration reloads the application; a wrong one leaves it as it was', async () => {
  const app = await setUp()
  expect(await get(app, '/new')).toEqual([404, { message: 'Not Found' }])
  await app.change('thaw.config.ts', config(`['GET /', 'GET /new']`))
  expect(await get(app, '/new')).toEqual([200, 'first text undefined'])
  expect(app.simulator.loaded.app.functions[0]).toMatchObject({ routes: [{}, {}] })

  const refused = app.line(/^changed: thaw\.config\.ts; everything stays as it was: /)
  await app.write('thaw.config.ts', config(`'GET'`))
  expect(await refused).toContain('functions.api.route')
  expect(await get(app, '/new')).toEqual([200, 'first text undefined'])
})

test('variables are asked for again after a change', async () => {
  let value = 'one'
  const app = await setUp(() => ({ FROM_FILE: value }))
  expect(await get(app)).toEqual([200, 'first text one'])
  value = 'two'
  await app.change('.env', 'FROM_FILE=two\n')
  expect(await get(app)).toEqual([200, 'first text two'])
})

test('a package of the same workspace is watched too', async () => {
  const shared = await makeProject({ 'package.json': '{}', 'src/text.mjs': `export const text = 'old'` })
  ended.push(shared.remove)
  const project = await makeProject({
    'thaw.config.ts': config(`'GET /'`),
    'package.json': '{ "type": "module", "dependencies": { "shared": "*" } }',
    'src/api.ts': `import { text } from 'shared/src/text.mjs'\nexport const handler = async () => text`,
    'node_modules/.keep': '',
  })
  ended.push(project.remove)
  await symlink(shared.root, join(project.root, 'node_modules', 'shared'))
  const watched = await start(project.root, { watch: true })
  ended.push(() => watched.simulator.close())
  expect(await get(watched)).toEqual([200, 'old'])
  const changed = watched.line(/^changed: .*src\/text\.mjs$/)
  await shared.write('src/text.mjs', `export const text = 'new'`)
  await changed
  expect(await get(watched)).toEqual([200, 'new'])
})

test('what is imported by its path is watched wherever it lies, as soon as it is imported', async () => {
  const elsewhere = await makeProject({
    'deep/first.mjs': `export { text } from './second.mjs'`,
    'deep/second.mjs': `export const text = 'old'`,
    'deep/unused.mjs': '',
  })
  ended.push(elsewhere.remove)
  const app = await setUp()
  expect(await get(app)).toEqual([200, 'first text undefined'])

  const from = (name: string) =>
    app.write('src/text.ts', `export { text } from '../../${basename(elsewhere.root)}/${name}'`)
  let changed = app.line(/^changed: src\/text\.ts$/)
  await from('deep/first.mjs')
  await changed
  expect(await get(app)).toEqual([200, 'first old undefined'])
  changed = app.line(/^changed: /)
  await elsewhere.write('deep/unused.mjs', 'export {}')
  await elsewhere.write('deep/second.mjs', `export const text = 'new'`)
  expect(await changed).toMatch(/^changed: \.\.\/project-[^/,]*\/deep\/second\.mjs$/)
  expect(await get(app)).toEqual([200, 'first new undefined'])

  // One that is not there yet, in a folder that the application has, but which is not watched whole.
  changed = app.line(/^changed: src\/text\.ts$/)
  await app.write('.made/other.mjs', '')
  await app.write('src/text.ts', `export { text } from '../.made/text.mjs'`)
  await changed
  expect((await get(app))[0]).toBe(500)
  changed = app.line(/^changed: \.made\/text\.mjs$/)
  await app.write('.made/text.mjs', `export const text = 'made'`)
  await changed
  expect(await get(app)).toEqual([200, 'first made undefined'])

  // Nothing is imported from elsewhere any more.
  changed = app.line(/^changed: /)
  await elsewhere.write('deep/second.mjs', `export const text = 'newer'`)
  await app.write('src/more.ts', '')
  expect(await changed).toBe('changed: src/more.ts')
})

test('what is no source changes nothing', async () => {
  const app = await setUp()
  await get(app)
  for (const name of ['notes.md', 'node_modules/x/index.js', '.thaw/bucket/y.json']) await app.write(name, '')
  const changed = app.line(/^changed: /)
  await app.write('src/more.ts', '')
  expect(await changed).toBe('changed: src/more.ts')
})
