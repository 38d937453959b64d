import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Environment } from '../src/environment/environment.ts'
import { eventRuntime } from '../src/environment/program.ts'
import { folderSandbox } from '../src/sandbox/folder.ts'
import type { Sandbox } from '../src/sandbox/temporary.ts'
import { makeProject, patient, sendRaw, start, startProject } from './support.ts'

// What keeps neither a request, nor an environment, nor the end of the simulator waiting.

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  while (ends.length > 0) await ends.pop()?.()
})

async function project(...given: Parameters<typeof startProject>) {
  const started = await startProject(...given)
  ends.push(() => started.end())
  return started
}

/** A simulator with this function behind its WebSocket API. */
async function sockets(code: string) {
  const config = `import { defineApp, socket } from '@thaw/app'
    export default defineApp({ name: 'sockets', functions: { chat: socket('./chat.mjs') } })`
  const files = await makeProject({ 'thaw.config.ts': config, 'chat.mjs': code })
  ends.push(() => files.remove())
  const watched = await start(files.root)
  ends.push(() => watched.simulator.close())
  return watched
}

/** Asks to upgrade, and leaves its own side open whatever comes. */
function upgrade(url: string, key = 'dGhlIHNhbXBsZSBub25jZQ=='): Socket {
  const { hostname, port, host } = new URL(url)
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
  const lines = ['GET / HTTP/1.1', `host: ${host}`, 'connection: upgrade', 'upgrade: websocket']
  socket.on('error', () => {})
  socket.write([...lines, 'sec-websocket-version: 13', `sec-websocket-key: ${key}`, '', ''].join('\r\n'))
  ends.push(async () => void socket.destroy())
  return socket
}

test('a process that a function starts in a group of its own, with its pipes', async () => {
  const code = `import { spawn } from 'node:child_process'
    export const handler = async () => {
      const { pid } = spawn('sleep', ['1000'], { detached: true, stdio: 'inherit' })
      console.log('started ' + pid)
      await new Promise(() => setTimeout(() => {}, 60_000))
    }`
  const { simulator, line } = await project({ away: ['timeout: 2', code] })
  const started = line(/started \d+/)
  const outcome = await simulator.invoke('away', {})
  const pid = Number(/\d+$/.exec(await started)?.[0])
  // It would have run for longer than the test may.
  process.kill(pid, 'SIGKILL')
  expect(JSON.parse(outcome.payload).errorType).toBe('Sandbox.Timedout')
})

test('an answer in pieces that nobody asked for in pieces', async () => {
  const code = `export const handler = awslambda.streamifyResponse(async (event, stream) => {
      for (let piece = 0; piece < 64; piece++)
        if (!stream.write('x'.repeat(65536))) await new Promise((done) => stream.once('drain', done))
      stream.end()
      if (event.fail) throw new Error('as told')
    })`
  const options = { sources: { retryDelaysMs: [] } }
  const { simulator, line } = await project({ streams: ['timeout: 20', code] }, options)
  const reported = line(/\| REPORT/)
  simulator.invokeAsync('streams', {})
  expect(await reported).not.toContain('Status')
})

test('a client about whom $connect has not decided when the simulator closes', async () => {
  const { simulator } = await sockets(
    `export const handler = () => new Promise(() => setTimeout(() => {}, 60_000))`,
  )
  const socket = upgrade(simulator.url)
  await expect.poll(() => simulator.environments().map(({ state }) => state), patient).toEqual(['busy'])
  const closed = once(socket, 'close')
  await simulator.close()
  socket.end()
  await closed
})

test('a client that was refused and leaves its side open', async () => {
  const { simulator } = await sockets(`export const handler = async () => ({ statusCode: 403 })`)
  const socket = upgrade(simulator.url).resume()
  await once(socket, 'end')
  await simulator.close()
})

test('a handshake that nobody can take, of which no function hears', async () => {
  const { simulator } = await sockets(`export const handler = async () => ({ statusCode: 200 })`)
  const socket = upgrade(simulator.url, 'no key')
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toMatch(/^HTTP\/1.1 400 /)
  expect(simulator.environments()).toEqual([])
})

test.each([
  ['that is no text of a header', `Root=1-\u4e16`],
  ['that is longer than a header of the runtime', `Root=1-${'x'.repeat(16_200)}`],
])('a trace id %s', async (_what, traceId) => {
  const code =
    'export const handler = async (event) => ({ statusCode: 200, body: process.env._X_AMZN_TRACE_ID })'
  const { simulator } = await project({ traced: [`front: 'alb'`, code] })
  const lines = [
    'GET /traced HTTP/1.1',
    'host: x',
    'connection: close',
    `x-amzn-trace-id: ${traceId}`,
    '',
    '',
  ]
  const { status, body } = await sendRaw(simulator.url, Buffer.from(lines.join('\r\n')))
  expect([status, body.toString()]).toEqual([200, expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/)])
})

test('variables that no process can have, as often as it is tried', async () => {
  const code = 'export const handler = async () => 1'
  const { simulator } = await project({ never: ['', code] }, { environment: { NUL: 'a\0b' } })
  const listening = () => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap').length
  const before = listening()
  for (let count = 0; count < 3; count++) {
    const { functionError, payload } = await simulator.invoke('never', {})
    expect([functionError, payload]).toEqual(['Unhandled', expect.stringContaining('without null bytes')])
  }
  await expect.poll(listening).toBe(before)
})

test('temporary files that cannot be removed', async () => {
  const lines: string[] = []
  const sandbox: Sandbox = {
    isolation: 'folder',
    open: async (options) => ({
      ...(await folderSandbox.open(options)),
      close: () => Promise.reject(new Error('they are held')),
    }),
  }
  const directory = await mkdtemp(join(tmpdir(), 'thaw-waiting-'))
  ends.push(() => rm(directory, { recursive: true }))
  const spec = {
    ...{ name: 'kept', arn: 'arn', memoryMb: 128, temporaryMb: 512, concurrency: null, provisioned: 0 },
    ...{ requestsPerEnvironment: 1, inspected: false, sourceMaps: false, reads: [], layers: null },
    ...{ timeoutMs: 1000, initTimeoutMs: 1000, taskRoot: directory, handler: 'no.handler', environment: {} },
  }
  const environment = new Environment(spec, {
    ...{ id: 'kept#1', provisioned: false, sandbox, idleMs: 60_000, log: (line) => lines.push(line) },
    temporaryDirectory: join(directory, 'tmp'),
    compileCache: join(directory, 'compiled'),
    reaper: { guard: () => {}, release: () => {}, close: async () => {} },
    program: eventRuntime,
    inspectPorts: { take: async () => 0, giveBack: () => {} },
  })
  await environment.end('closed')
  expect(lines.at(-1)).toBe('kept#1 | its temporary files could not be removed: they are held')
})
