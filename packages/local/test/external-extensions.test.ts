import { existsSync, readFileSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { afterEach, describe, expect, test } from 'vitest'
import type { SimulateOptions } from '../src/index.ts'
import { atRest, isRunning, makeProject, patient, start, type Watched } from './support.ts'

interface AgentCode {
  /** Events that it registers for. */
  readonly events?: readonly string[]
  /** How long it takes to register. */
  readonly lateMs?: number
  /** Before it asks for an event. */
  readonly first?: string
  /** For each `event`. */
  readonly then?: string
  /** Under which it registers. */
  readonly name?: string
}

/** Source of an extension, which says in the log what it is told and keeps notes of the order in a file. */
const agent = ({
  events = [],
  lateMs = 0,
  first = '',
  then = '',
  name = '',
}: AgentCode = {}) => `#!/usr/bin/env node
const { request } = require('node:http')
const { appendFileSync } = require('node:fs')
const { basename } = require('node:path')
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
const note = (word) => appendFileSync(process.env.NOTES, word + ' ')
const wait = (ms) => new Promise((done) => setTimeout(done, ms))
let id
function call(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const own = id === undefined ? {} : { 'lambda-extension-identifier': id }
    const outgoing = request({ host, port, method, path, headers: { ...own, ...headers } }, (incoming) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', (chunk) => { text += chunk })
      incoming.on('error', reject).on('end', () => {
        const { statusCode: status, headers } = incoming
        resolve({ status, id: headers['lambda-extension-identifier'], body: JSON.parse(text) })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
const giveUp = (phase) => call('POST', '/2020-01-01/extension/' + phase + '/error', {}, {
  'lambda-extension-function-error-type': 'Agent.Broken',
})
async function main() {
  await wait(${lateMs})
  const headers = { 'lambda-extension-name': ${JSON.stringify(name)} || basename(process.argv[1]) }
  const registered = await call('POST', '/2020-01-01/extension/register', ${JSON.stringify({ events })}, headers)
  id = registered.id
  console.log('registered ' + JSON.stringify({ ...registered.body, pid: process.pid }))
  ${first}
  for (;;) {
    const { body: event } = await call('GET', '/2020-01-01/extension/event/next')
    console.log('told ' + JSON.stringify(event))
    ${then}
    if (event.eventType === 'SHUTDOWN') {
      note(event.shutdownReason)
      process.exit()
    }
  }
}
main()
`

const handler = `
import { appendFileSync, readFileSync } from 'node:fs'
const note = (word) => appendFileSync(process.env.NOTES, word + ' ')
console.log('loaded')
process.on('SIGTERM', () => {
  note('SIGTERM')
  if (process.env.STUBBORN !== 'yes') process.exit()
})
export async function handler({ ms = 0, exit, read }) {
  if (exit !== undefined) process.exit(exit)
  await new Promise((done) => setTimeout(done, ms))
  if (read !== undefined) return readFileSync(read, 'utf8')
  const { PATH, NODE_PATH } = process.env
  return { pid: process.pid, PATH, NODE_PATH }
}
`

interface Run extends Watched {
  readonly notes: () => string
  /** What the function answered, or the failure of the invocation. */
  call(event?: object): Promise<unknown>
  /** What an extension printed after this word, as JSON. */
  heard(word: string, name?: string): Record<string, unknown>[]
  /** The processes of extensions so far. */
  pids(): number[]
}

const ends: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** Runs one function with these files in its layers. A file of `extensions/` is executable. */
async function run(
  layers: readonly Readonly<Record<string, string>>[],
  {
    options = '',
    packaged = false,
    simulate = {},
  }: { options?: string; packaged?: boolean; simulate?: SimulateOptions } = {},
): Promise<Run> {
  const files = layers.flatMap((layer, index) =>
    Object.entries(layer).map(([name, text]): [string, string] => [`layers/${index}/${name}`, text]),
  )
  const folders = layers.map((_, index) => `'./layers/${index}'`)
  const project = await makeProject({
    'thaw.config.ts': `import { defineApp, http } from '@thaw/app'
      const f = http('./src/f.mjs', { layers: [${folders.join(', ')}], ${options} })
      export default defineApp({ name: 'project', functions: { f } })`,
    'src/f.mjs': handler,
    ...Object.fromEntries(files),
  })
  ends.push(() => project.remove())
  for (const [path] of files) if (path.includes('/extensions/')) await chmod(join(project.root, path), 0o755)
  const file = join(project.root, 'notes.txt')
  const zip = join(project.root, 'f.zip')
  await writeFile(zip, zipSync({ 'index.mjs': strToU8(handler) }))
  const packages = [{ name: 'f', zip, handler: 'index.handler', environment: {} }]
  const watched = await start(project.root, {
    environment: { NOTES: file },
    ...(packaged && { packages }),
    ...simulate,
  })
  const { simulator, lines } = watched
  ends.push(() => simulator.close())
  const heard = (word: string, name = 'agent') => {
    const told = new RegExp(`^f#\\d+ \\| \\[${name}\\] ${word} (\\{.*\\})$`)
    return lines.flatMap((line) => JSON.parse(told.exec(line)?.[1] ?? '[]'))
  }
  return {
    ...watched,
    heard,
    notes: () => (existsSync(file) ? readFileSync(file, 'utf8').trim() : ''),
    call: async (event = {}) => JSON.parse((await simulator.invoke('f', event)).payload),
    pids: () => heard('registered', '\\w+').map(({ pid }) => Number(pid)),
  }
}

const only = (source: string) => [{ 'extensions/agent': source }]

function isStopped(pid: number): boolean {
  return /^\d+ \(.*\) T/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
}

describe('an external extension', () => {
  test('registers by the name of its file, and is told of each invocation', async () => {
    const running = await run(only(agent({ events: ['INVOKE'] })))
    const { simulator, call, heard } = running
    const { requestId } = await simulator.invoke('f', {})
    await atRest(running)
    await call()
    expect(heard('registered')).toMatchObject([{ functionName: 'f', handler: 'src/f.handler' }])
    await expect.poll(() => heard('told'), patient).toHaveLength(2)
    const told = heard('told')
    expect(told[0]).toMatchObject({
      eventType: 'INVOKE',
      requestId,
      invokedFunctionArn: expect.stringMatching(/:function:f$/),
      tracing: { type: 'X-Amzn-Trace-Id', value: expect.stringMatching(/^Root=/) },
    })
    expect(Number(told[0]?.deadlineMs)).toBeGreaterThan(Date.now())
  })

  test('runs before the function is loaded, with its variables but for those of the runtime', async () => {
    const first = `console.log('sees ' + JSON.stringify(process.env))`
    const { call, lines, heard } = await run(only(agent({ first, lateMs: 500 })), {
      options: `environment: { OWN: '1' }`,
    })
    await call()
    const [sees = {}] = heard('sees')
    expect(sees).toMatchObject({ OWN: '1', AWS_LAMBDA_FUNCTION_NAME: 'f', AWS_REGION: expect.any(String) })
    expect(Object.keys(sees)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(_HANDLER|LAMBDA_TASK_ROOT|AWS_EXECUTION_ENV)$/)]),
    )
    const place = (pattern: RegExp) => lines.findIndex((line) => pattern.test(line))
    expect(place(/\[agent\] registered/)).toBeLessThan(place(/\| loaded$/))
  })

  test('keeps the environment busy until it asks again, and is frozen with it then', async () => {
    const then = `await wait(300); console.log('flushed')`
    const { simulator, call, lines, pids } = await run(only(agent({ events: ['INVOKE'], then })))
    await call()
    const states = () => simulator.environments().map(({ state }) => state)
    expect(states()).toEqual(['busy'])
    expect(lines.join()).not.toContain('flushed')
    await expect.poll(states, patient).toEqual(['frozen'])
    expect(lines).toContain('f#1 | [agent] flushed')
    await expect.poll(() => pids().map(isStopped), patient).toEqual([true])
  })

  test('ends the initialisation when it gives up then', async () => {
    const { call, line } = await run(only(agent({ first: `await giveUp('init'); await wait(60_000)` })))
    expect(await call()).toEqual({
      errorType: 'Extension.InitError',
      errorMessage: 'extension agent gave up: Agent.Broken',
    })
    await line(/INIT_REPORT .*Phase: invoke\tStatus: error\tError Type: Extension.InitError/, 0)
  })

  test.each([
    ['gives up', `await giveUp('exit'); await wait(60_000)`, 'Extension.ExitError', 'gave up: Agent.Broken'],
    ['fails', 'process.exit(3)', 'Extension.Crash', 'ended: exit status 3'],
    ['ends', 'process.exit(0)', 'Extension.Crash', 'ended: exit status 0'],
    [
      'is killed',
      `process.kill(process.pid, 'SIGKILL'); await wait(60_000)`,
      'Extension.Crash',
      'ended: signal: SIGKILL',
    ],
  ])('that %s fails the invocation, and both are started anew', async (_, code, errorType, reason) => {
    const then = `if (event.eventType === 'INVOKE') { ${code} }`
    const { simulator, pids, notes } = await run(only(agent({ events: ['INVOKE'], then })))
    const { payload, requestId } = await simulator.invoke('f', { ms: 60_000 })
    expect(JSON.parse(payload)).toEqual({
      errorType,
      errorMessage: `RequestId: ${requestId} Error: extension agent ${reason}`,
    })
    // What is left of a failed environment is shut down, with its grace.
    expect(notes()).toBe('SIGTERM')
    expect(simulator.environments()).toMatchObject([{ id: 'f#1', state: 'reset' }])
    await simulator.invoke('f', { ms: 60_000 })
    expect(new Set(pids()).size).toBe(2)
    expect(pids().map(isRunning)).toEqual([false, false])
  })

  test('which never registers holds the initialisation up, and the reason is told', async () => {
    const source = agent({ name: 'somebody', first: 'await wait(60_000)' })
    const { call, line } = await run(only(source), {
      options: 'timeout: 1',
      simulate: { initTimeoutMs: 500 },
    })
    expect(await call()).toMatchObject({ errorMessage: expect.stringMatching(/timed out after 1\.00 s/) })
    await line(/took longer than 0\.5 s, and extension agent has not registered under this name/, 0)
  })

  test.skipIf(process.platform !== 'linux')('shares the memory of the function', async () => {
    const then = `globalThis.held = Buffer.alloc(400e6, 1)`
    const { call } = await run(only(agent({ events: ['INVOKE'], then })), { options: 'memory: 384' })
    expect(await call({ ms: 60_000 })).toMatchObject({ errorType: 'Runtime.OutOfMemory' })
  })

  test('may subscribe to telemetry, and gets none', async () => {
    const first = `
      const { status, body } = await call('PUT', '/2022-07-01/telemetry', {})
      console.log('subscribed ' + JSON.stringify({ status, ...body }))`
    const { call, heard } = await run(only(agent({ first })))
    await call()
    expect(heard('subscribed')).toEqual([
      { status: 202, errorType: 'Telemetry.NotSupported', errorMessage: 'Telemetry API is not supported' },
    ])
  })
})

describe('shutting down with an external extension', () => {
  const listening = agent({ events: ['INVOKE', 'SHUTDOWN'] })

  async function idle({ call, ...watched }: Run): Promise<string> {
    await call()
    await atRest(watched)
    return watched.simulator.environments()[0]?.id ?? ''
  }

  test('the runtime gets SIGTERM, then the extension its event, with what is left of two seconds', async () => {
    const running = await run(only(listening))
    const id = await idle(running)
    const startedAt = Date.now()
    await running.simulator.shutDown(id)
    expect(running.notes()).toBe('SIGTERM spindown')
    const event = running.heard('told').at(-1)
    expect(event).toMatchObject({ eventType: 'SHUTDOWN', shutdownReason: 'spindown' })
    expect(Number(event?.deadlineMs)).toBeGreaterThanOrEqual(startedAt + 2000)
    expect(Number(event?.deadlineMs)).toBeLessThan(Date.now() + 2000)
    expect(running.pids().map(isRunning)).toEqual([false])
  })

  test('a runtime that stays is killed after 300 ms, an extension that stays after 2,000', async () => {
    const then = `if (event.eventType === 'SHUTDOWN') { note('stays'); await wait(60_000) }`
    const running = await run(only(agent({ events: ['INVOKE', 'SHUTDOWN'], then })), {
      options: `environment: { STUBBORN: 'yes' }`,
    })
    const id = await idle(running)
    const startedAt = performance.now()
    const told = running.line(/told .*SHUTDOWN/).then(() => performance.now() - startedAt)
    await running.simulator.shutDown(id)
    expect(performance.now() - startedAt).toBeGreaterThan(1990)
    expect(await told).toBeGreaterThan(290)
    expect(running.notes()).toBe('SIGTERM stays')
    expect(running.pids().map(isRunning)).toEqual([false])
  })

  test('one that does not want the event is killed at once', async () => {
    const running = await run(only(agent({ events: ['INVOKE'] })))
    const id = await idle(running)
    await running.simulator.shutDown(id)
    expect(running.notes()).toBe('SIGTERM')
    expect(running.heard('told')).toHaveLength(1)
    expect(running.pids().map(isRunning)).toEqual([false])
  })

  test.each([
    ['timeout', { ms: 60_000 }, 'SIGTERM timeout', /timed out after 1\.00 seconds/],
    ['failure', { exit: 7 }, 'failure', /exit status 7/],
  ])('an invocation that fails is a shutdown for the reason %s', async (_, event, notes, message) => {
    const running = await run(only(listening), { options: 'timeout: 1' })
    expect(await running.call(event)).toMatchObject({ errorMessage: expect.stringMatching(message) })
    expect(running.notes()).toBe(notes)
    // The environment goes on, with other processes in it.
    expect(await running.call()).toMatchObject({ pid: expect.any(Number) })
    expect(running.simulator.environments()).toMatchObject([{ id: 'f#1' }])
    expect(new Set(running.pids()).size).toBe(2)
  })

  test('nothing is left after kill() and close()', async () => {
    const running = await run([{ 'extensions/agent': listening, 'extensions/other': listening }])
    await idle(running)
    await running.simulator.kill()
    expect(running.pids().map(isRunning)).toEqual([false, false])
    expect(running.notes()).toBe('')
    await running.call({ ms: 10 })
    await running.simulator.close()
    expect(running.pids().map(isRunning)).toEqual([false, false, false, false])
    expect(running.notes()).toBe('SIGTERM spindown spindown')
  })
})

describe('layers', () => {
  test('appear at /opt, later ones over earlier ones', async ({ skip }) => {
    const { simulator, call } = await run([
      { 'shared.txt': 'first', 'first.txt': '1' },
      { 'shared.txt': 'second' },
    ])
    if (simulator.isolation === 'folder') skip()
    expect(await call({ read: '/opt/shared.txt' })).toBe('second')
    expect(await call({ read: '/opt/first.txt' })).toBe('1')
    const seen = (await call()) as Record<string, string>
    expect(seen.PATH).toMatch(/:\/opt\/bin$/)
    expect(seen.NODE_PATH).toBe('/opt/nodejs/node24/node_modules:/opt/nodejs/node_modules')
  })

  test('are those of the project for packages too', async () => {
    const { call, heard } = await run(only(agent({ events: ['INVOKE'] })), { packaged: true })
    await call()
    await expect.poll(() => heard('told'), patient).toHaveLength(1)
    expect(heard('registered')).toMatchObject([{ handler: 'index.handler' }])
  })

  test('run from a folder where nothing can be mounted', async () => {
    const simulate: SimulateOptions = { isolation: 'folder' }
    const { call, heard } = await run(only(agent({ events: ['INVOKE'] })), { simulate })
    await call()
    await expect.poll(() => heard('told'), patient).toHaveLength(1)
  })

  test('that cannot be had, or not be started, are told of once', async () => {
    const arn = 'arn:aws:lambda:eu-west-1:123456789012:layer:telemetry:7'
    const far = await run([], { options: `layers: ['${arn}']` })
    expect(await far.call()).toMatchObject({ pid: expect.any(Number) })
    expect(far.lines.filter((line) => line.includes(arn))).toEqual([
      `layer ${arn} of f is on AWS alone: it is not run here`,
    ])

    const project = await makeProject({
      'thaw.config.ts': `import { defineApp, http } from '@thaw/app'
        const f = http('./src/f.mjs', { layers: ['./layer'] })
        export default defineApp({ name: 'project', functions: { f } })`,
      'src/f.mjs': handler,
      'layer/extensions/readme.md': 'read me',
    })
    ends.push(() => project.remove())
    const { simulator, lines } = await start(project.root)
    ends.push(() => simulator.close())
    for (const _ of [1, 2]) {
      expect(JSON.parse((await simulator.invoke('f', {})).payload)).toEqual({
        errorType: 'Extension.LaunchError',
        errorMessage: '/opt/extensions/readme.md: permission denied',
      })
    }
    expect(lines.filter((line) => line.includes('not executable'))).toHaveLength(1)
  })
})
