import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { makeProjectBeside, type TestProject } from '@thaw/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'

// `thaw db` on a database in the S3 server of `thaw dev`.

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
let project: TestProject
let root: string

const config = `import { defineApp, http, sqlite } from '@thaw/app'
export default defineApp({ name: 'notes', database: sqlite(), functions: { api: http('./api.mjs') } })`

const api = `import { connect } from '@thaw/db'
import { serve } from '@thaw/lambda'

const db = connect()
export const handler = serve(async () => {
  await db.schema.createTable('notes').ifNotExists().addColumn('text', 'text').execute()
  await db.insertInto('notes').values({ text: 'kept' }).execute()
  return new Response(String((await db.selectFrom('notes').selectAll().execute()).length))
}, { with: [db] })`

beforeEach(async () => {
  project = await makeProjectBeside(import.meta.url, {
    'thaw.config.ts': config,
    'api.mjs': api,
    '.env': 'DATABASE_URL=sqlite+s3://notes/db\n',
  })
  root = project.root
})
afterEach(() => project.remove())

/** Nothing of this process's environment that leads to a database or a bucket. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_') && name !== 'DATABASE_URL'),
)

function thaw(...args: readonly string[]) {
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, [main, ...args], { cwd: root, env: environment }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err })
    })
  })
}

test('commands find the database where the functions have it, and say what to do when nothing runs', async () => {
  const dev = spawn(process.execPath, [main, 'dev', '--port', '0'], { cwd: root, env: environment })
  try {
    let printed = ''
    dev.stdout.setEncoding('utf8').on('data', (text) => {
      printed += text
    })
    await expect.poll(() => printed, { timeout: 20_000 }).toMatch(/is at http:\S+[\s\S]*Ctrl-C/)
    const answer = await fetch(/is at (http:\S+)/.exec(printed)?.[1] ?? '')
    expect([answer.status, await answer.text()]).toEqual([200, '1'])
    const ofApp = await thaw('db', 'status', '--json')
    expect(ofApp).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^in the S3 server of thaw dev, http:\S+\n$/),
    })
    expect(JSON.parse(ofApp.out)).toMatchObject({ database: 'sqlite+s3://notes/db', problem: null })
    expect(JSON.parse(ofApp.out).head.txid).toBeGreaterThan(1)
    const byUrl = await thaw('db', 'status', '--url', 'sqlite+s3://notes/other')
    expect(byUrl).toMatchObject({ code: 0, out: expect.stringContaining('holds no database yet') })
  } finally {
    dev.kill('SIGTERM')
    await once(dev, 'exit')
  }
  const without = await thaw('db', 'status')
  expect(without.code).toBe(2)
  expect(without.err).toContain('start thaw dev, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
  const named = await thaw('db', 'status', '--url', 'sqlite+s3://notes/db')
  expect(named).toMatchObject({
    code: 1,
    err: expect.stringContaining('set AWS_REGION'),
  })
})
