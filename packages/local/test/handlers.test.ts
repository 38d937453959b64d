import { afterEach, expect, test } from 'vitest'
import { makeProject, start } from './support.ts'

const ended: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

/** What a function answers, or why it cannot be initialised. */
async function answerOf(entry: string, files: Readonly<Record<string, string>>): Promise<unknown> {
  const project = await makeProject({
    'thaw.config.ts': `
      import { defineApp, http } from '@thaw/app'
      export default defineApp({ name: 'handlers', functions: { api: http('${entry}') } })`,
    ...files,
  })
  ended.push(project.remove)
  const { simulator } = await start(project.root)
  ended.push(() => simulator.close())
  const { payload, functionError } = await simulator.invoke('api', { n: 1 })
  return functionError === null ? JSON.parse(payload) : JSON.parse(payload).errorMessage
}

test.each([
  ['./a.ts', `export const handler = async (event: { n: number }) => event.n`, 1],
  ['./src/deep/a.mjs', `export const handler = ({ n }) => n + 1`, 2],
  ['./a.cjs', `exports.handler = async ({ n }) => n + 2`, 3],
  [
    './a.mts',
    `export default { handler: async (): Promise<string> => 'of the default export' }`,
    'of the default export',
  ],
  ['./a.v2.mjs', `export const handler = () => import.meta.filename.split('/').at(-1)`, 'a.v2.mjs'],
  ['./a.mjs', `export const handler = () => undefined`, null],
  [
    './a.mjs',
    `export const handler = () => 1n`,
    expect.stringMatching(/^Unable to stringify response body: /),
  ],
  [
    './a.mjs',
    `export const handler = (event, context, callback) => callback(null, 1)`,
    expect.stringMatching(/callback/),
  ],
  [
    './a.mjs',
    `import './nowhere.mjs'; export const handler = () => 1`,
    expect.stringMatching(/Cannot find module .*nowhere/),
  ],
  ['./a.mjs', `process.exit(4)`, expect.stringMatching(/exit status 4/)],
  ['./a.mjs', `export const handler = () => { throw 'text' }`, 'text'],
])('%s: %s', async (entry, code, answer) => {
  expect(await answerOf(entry, { [entry]: code })).toEqual(answer)
})

test('of two files that differ in the extension the one that was named runs', async () => {
  const files = { 'a.ts': `export const handler = () => 'ts'`, 'a.js': `export const handler = () => 'js'` }
  expect(await answerOf('./a.js', files)).toBe('js')
  expect(await answerOf('./a.ts', files)).toBe('ts')
})

test('a syntax error names the file and the line', async () => {
  const project = await makeProject({
    'thaw.config.ts': `
      import { defineApp, http } from '@thaw/app'
      export default defineApp({ name: 'handlers', functions: { api: http('./a.mjs') } })`,
    'a.mjs': `import { n } from './b.mjs'\nexport const handler = () => n`,
    'b.mjs': `export const m = 1\nexport const n = = 2\n`,
  })
  ended.push(project.remove)
  const { simulator, lines, line } = await start(project.root)
  ended.push(() => simulator.close())
  const { payload } = await simulator.invoke('api', {})
  expect(JSON.parse(payload).errorType).toBe('Runtime.UserCodeSyntaxError')
  await line(/cannot initialise a\.handler: SyntaxError/, 0)
  expect(lines.join('\n')).toMatch(/b\.mjs:2\n.*export const n = = 2/)
})
