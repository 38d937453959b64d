import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import {
  extensionCalls,
  fixture,
  makeProject,
  type Project,
  patient,
  start,
  startProject,
} from './support.ts'

let project: Project | null = null
let server: Server | null = null

afterEach(async () => {
  await project?.end()
  project = null
  server?.close()
  server = null
})

type Message = {
  readonly method?: string
  readonly params: { readonly callFrames: { callFrameId: string }[] }
}

/** A debugger that speaks the inspector's protocol. */
async function attach(url: string) {
  const socket = new WebSocket(url)
  const events: Message[] = []
  const waiting = new Map<number, (result: never) => void>()
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data)
    if (message.id === undefined) events.push(message)
    else waiting.get(message.id)?.(message.result as never)
  }
  await once(socket, 'open')
  let ids = 0
  return {
    call: <T>(method: string, params: object = {}) =>
      new Promise<T>((resolve) => {
        waiting.set(++ids, resolve)
        socket.send(JSON.stringify({ id: ids, method, params }))
      }),
    /** The next event of this name. */
    async event(method: string) {
      await expect.poll(() => events.some((event) => event.method === method), patient).toBe(true)
      const [event] = events.splice(
        events.findIndex((candidate) => candidate.method === method),
        1,
      )
      return event as Message
    },
    close: () => socket.close(),
  }
}

const code = `
let ticks = 0
setInterval(() => { ticks += 1 }, 5)
export async function handler(event, context) {
  const secret = event.secret
  debugger
  return { secret, ticks, left: context.getRemainingTimeInMillis() }
}`

/** With an extension, so that it is asked to end; and it takes all the time it gets for that. */
const slowToEnd = `
import { next, register } from './extension.mjs'
const { id } = await register('watcher')
void next(id)
process.on('SIGTERM', () => {})
${code}`

const inspectorOf = async ({ of }: Project, name: string) => {
  await expect.poll(() => of(name)[0]?.inspector ?? null, patient).not.toBeNull()
  return of(name)[0]?.inspector ?? ''
}

test('a debugger stops a function for longer than its time limit, sees its variables, and lets it go on', async () => {
  project = await startProject(
    { api: [`timeout: '1s'`, code], other: ['', 'export const handler = () => 1'] },
    { inspect: { functions: ['api'], port: 0 } },
  )
  const told = project.line(/^api#1 \| a debugger can be attached: ws:\/\/127\.0\.0\.1:\d+\/[\w-]+$/)
  expect(await project.call('api', { secret: 'none attached' })).toMatchObject({ secret: 'none attached' })
  const url = await inspectorOf(project, 'api')
  expect(await told).toContain(url)
  const client = await attach(url)
  await client.call('Debugger.enable')

  const answer = fetch(`${project.simulator.url}/api`, { method: 'POST' })
  const invocation = project.call<{ secret: string; left: number }>('api', { secret: 42 })
  // The request or the invocation has the environment with the debugger, the other one another of its own.
  const { params } = await client.event('Debugger.paused')
  const pausedAt = performance.now()
  const [frame] = params.callFrames
  const seen = await client.call<{ result: { value: unknown } }>('Debugger.evaluateOnCallFrame', {
    callFrameId: frame?.callFrameId,
    expression: 'typeof event',
  })
  expect(seen.result.value).toBe('object')
  // Past the time limit of 1 s.
  await expect.poll(() => performance.now() - pausedAt, patient).toBeGreaterThan(1_200)
  await client.call('Debugger.resume')
  expect((await answer).status).toBe(200)
  expect(await invocation).toMatchObject({ secret: 42 })
  expect((await invocation).left).toBeGreaterThan(3_600_000)
  client.close()
  expect(project.lines.join('\n')).not.toMatch(/Task timed out|For help, see/)
  expect(await project.call('other')).toBe(1)
  expect(project.of('other')[0]?.inspector).toBeNull()
})

test('between invocations it runs on, so that a debugger is answered', async () => {
  project = await startProject({ api: ['', code] }, { inspect: { functions: ['api'], port: 0 } })
  const { ticks } = await project.call<{ ticks: number }>('api')
  const client = await attach(await inspectorOf(project, 'api'))
  const evaluated = await client.call<{ result: { value: unknown } }>('Runtime.evaluate', {
    expression: '1 + 1',
  })
  expect(evaluated.result.value).toBe(2)
  client.close()
  await expect
    .poll(async () => (await project?.call<{ ticks: number }>('api'))?.ticks ?? 0, patient)
    .toBeGreaterThan(ticks)
})

test('takes the port that is asked for, the next one when it is in use, and the same one after a change', async () => {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port = 0 } = server.address() as { port?: number }
  const files = await makeProject({
    'thaw.config.ts': `import { defineApp, http } from '@thaw/app'
      export default defineApp({ name: 'p', functions: { api: http('./api.mjs') } })`,
    'extension.mjs': extensionCalls,
    'api.mjs': slowToEnd,
  })
  const inspect = { functions: ['api'], port }
  const watched = await start(files.root, { watch: true, inspect })
  try {
    const portNow = () => Number(new URL(watched.simulator.environments()[0]?.inspector ?? 'ws://x:0').port)
    await fetch(watched.simulator.url)
    await expect.poll(portNow, patient).toBeGreaterThan(port)
    const first = portNow()
    const [before] = watched.simulator.environments()
    await files.write('api.mjs', `${slowToEnd}\n// changed`)
    const again = () =>
      watched.simulator.environments().map(({ id, inspector }) => [id !== before?.id, inspector])
    await expect.poll(again, patient).toEqual([[true, expect.stringContaining(`:${first}/`)]])
  } finally {
    await watched.simulator.close()
    await files.remove()
  }
})

test('a function that is not there cannot be inspected', async () => {
  const inspect = { functions: ['apu'] }
  await expect(start(fixture, { inspect })).rejects.toThrow(
    /^there is no function 'apu' to inspect; there are: api, /,
  )
})
