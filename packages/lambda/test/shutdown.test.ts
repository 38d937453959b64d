import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'

const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}.ts`, import.meta.url))
const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

/** The Extensions API, as far as an internal extension without events needs it. */
async function extensionsApi(register: (response: ServerResponse) => void) {
  const calls: { call: string; name: unknown; id: unknown; body: string }[] = []
  const waiting = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  const server = createServer(async (request: IncomingMessage, response) => {
    calls.push({
      call: `${request.method} ${request.url}`,
      name: request.headers['lambda-extension-name'],
      id: request.headers['lambda-extension-identifier'],
      body: await text(request),
    })
    response.on('finish', answered.resolve)
    if (request.method === 'POST') register(response)
    else waiting.resolve() // an event never comes
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  stops.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { address, calls, waiting: waiting.promise, answered: answered.promise }
}

function start(api: string | undefined, participants: string[], name = 'shutdown') {
  const { AWS_LAMBDA_RUNTIME_API: _, ...rest } = process.env
  const child: ChildProcess = spawn(process.execPath, [fixture(name), ...participants], {
    env: { ...rest, ...(api !== undefined && { AWS_LAMBDA_RUNTIME_API: api }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  stops.push(() => child.kill('SIGKILL'))
  const output = text(child.stdout!)
  const errors = text(child.stderr!)
  const up = once(child.stdout!, 'data')
  const ended = once(child, 'close').then(([, signal]) => signal as string)
  return { child, output, errors, up, ended }
}

const accept = (response: ServerResponse) =>
  response.setHeader('Lambda-Extension-Identifier', 'the-id').end('{}')

test('on Lambda an internal extension is registered, and SIGTERM shuts the participants down', async () => {
  const api = await extensionsApi(accept)
  const run = start(api.address, ['done', 'failing'])
  await api.waiting
  expect(api.calls).toEqual([
    { call: 'POST /2020-01-01/extension/register', name: 'thaw', id: undefined, body: '{"events":[]}' },
    { call: 'GET /2020-01-01/extension/event/next', name: undefined, id: 'the-id', body: '' },
  ])
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe('SIGTERM')
  expect(await run.output).toBe('up\ndone\n')
  expect(JSON.parse(await run.errors)).toMatchObject({
    level: 'ERROR',
    message: 'Shutting down failed.',
    error: { message: 'could not be closed' },
  })
})

test('a participant that does not end in time holds nothing up', async () => {
  const api = await extensionsApi(accept)
  const run = start(api.address, ['stuck', 'done'])
  await api.waiting
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe('SIGTERM')
  expect(await run.output).toBe('up\ndone\n')
  expect(await run.errors).toContain('not done within 400 ms')
})

test('a refused registration is told, one that does not exist is not, and both do no harm', async () => {
  for (const [status, told] of [
    [403, 'status 403'],
    [404, ''],
  ] as const) {
    const api = await extensionsApi((response) => response.writeHead(status).end())
    const run = start(api.address, ['done'])
    await run.up
    if (told) await once(run.child.stderr!, 'data')
    else await api.answered
    run.child.kill('SIGTERM')
    await run.ended
    expect(await run.output).toBe('up\ndone\n')
    expect(api.calls).toHaveLength(1)
    if (told) expect(await run.errors).toContain(told)
    else expect(await run.errors).toBe('')
  }
})

test('nothing is registered without anything to shut down, nor are signals touched outside of Lambda', async () => {
  const api = await extensionsApi(accept)
  const without = start(api.address, [])
  const outside = start(undefined, ['done'])
  for (const run of [without, outside]) {
    await run.up
    run.child.kill('SIGTERM')
    expect(await run.ended).toBe('SIGTERM')
    expect(await run.output).toBe('up\n')
  }
  expect(api.calls).toEqual([])
})

test('a module that waits for it is loaded when the registration has been answered', async () => {
  const steps: string[] = []
  const api = await extensionsApi(async (response) => {
    // Time for what does not wait to come in between.
    await setTimeout(200)
    steps.push('registered')
    accept(response)
  })
  const run = start(api.address, [], 'initialised')
  run.child.stdout?.on('data', () => steps.push('loaded'))
  await run.ended
  expect(steps).toEqual(['registered', 'loaded'])
  expect(await run.errors).toBe('')
})

test('an Extensions API that does not answer is given up, and the module is loaded without', async () => {
  const api = await extensionsApi(() => {})
  const { output, errors } = start(api.address, [], 'initialised')
  expect(await output).toBe('loaded\n')
  expect(await errors).toContain('no answer within 1000 ms')
})
