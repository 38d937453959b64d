import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { connect } from '@thaw/db'
import { type S3Server, startS3Server } from '@thaw/testing'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { startCountingProxy } from './counting-proxy.ts'
import type { ShutdownOptions } from './shutdown-process.ts'

// What an environment leaves that answered a request, wrote behind it, and gets SIGTERM, as Lambda sends it.

const program = fileURLToPath(new URL('./shutdown-process.ts', import.meta.url))

let server: S3Server
let prefixes = 0
beforeAll(async () => {
  server = await startS3Server({ latencyMs: 50 })
  return () => server.close()
})

/** As much of the Extensions API as registering takes. */
async function startExtensionsApi(): Promise<string> {
  const api = createServer((request, response) => {
    if (request.method === 'POST') response.setHeader('Lambda-Extension-Identifier', 'an-id').end('{}')
  })
  await once(api.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    api.closeAllConnections()
    api.close()
  })
  return `127.0.0.1:${(api.address() as AddressInfo).port}`
}

/** Ends an environment by SIGTERM, and tells how it ended and what is in the bucket. */
async function end(way: Pick<ShutdownOptions, 'takesPart' | 'signals'>) {
  const proxy = await startCountingProxy(server.endpoint)
  onTestFinished(() => proxy.close())
  const home = server.urlOf(`database-${++prefixes}`)
  const url = `sqlite+${home.replace(server.endpoint, proxy.endpoint)}`
  const options: ShutdownOptions = { url, env: server.env, ...way }
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, AWS_LAMBDA_RUNTIME_API: await startExtensionsApi() },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const errors = text(child.stderr)
  const output = text(child.stdout)
  const ended = once(child, 'close')
  const [said] = await Promise.race([once(child.stdout, 'data'), ended])
  expect(String(said)).toBe('200\n') // the answer
  proxy.requests.length = 0
  child.kill('SIGTERM')
  const [, signal] = await ended
  const db = connect<{ notes: { text: string } }>({ url: `sqlite+${home}`, env: server.env })
  onTestFinished(() => db.shutdown())
  const notes = await db.selectFrom('notes').selectAll().execute()
  const puts = proxy.requests.filter((method) => method === 'PUT').length
  return { signal, output: await output, errors: await errors, notes: notes.length, puts }
}

test.each([
  ['alone', null],
  ['with persistOnSignals called before serve', 'before'],
  ['with persistOnSignals called after serve', 'after'],
] as const)('a database that takes part is persisted, once, %s', async (_how, signals) => {
  expect(await end({ takesPart: true, signals })).toEqual({
    signal: 'SIGTERM',
    output: '200\nended\n', // and nobody is cut off by another who is done before
    errors: '',
    notes: 1,
    puts: 1,
  })
})

test('persistOnSignals is for those that take no part', async () => {
  expect(await end({ takesPart: false, signals: 'after' })).toMatchObject({ notes: 1, puts: 1 })
  expect(await end({ takesPart: false, signals: null })).toMatchObject({ notes: 0, puts: 0 })
})
