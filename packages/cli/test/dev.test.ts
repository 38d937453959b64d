import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { afterEach, expect, test, vi } from 'vitest'
import { type Dev, dev, main, makeGuestbook, makeProject, patient } from './dev-support.ts'

// What has to be built first takes its time on a busy machine.
vi.setConfig({ testTimeout: 90_000 })

const ended: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

async function run(project: { readonly root: string; remove(): Promise<void> }, ...args: readonly string[]) {
  ended.push(project.remove)
  const running = await dev(project.root, ...args)
  ended.push(running.end)
  return running
}

const thaw = (...args: readonly string[]) => promisify(execFile)(process.execPath, [main, ...args])

async function get<T>({ url }: Dev, path: string): Promise<T> {
  return (await (await fetch(url + path)).json()) as T
}

test.each([[], ['--packaged']])('runs a function of every kind %s', async (...args) => {
  const project = await makeGuestbook()
  const running = await run(project, ...args)
  for (const row of [
    /api +HTTP API +everything else/,
    /census +schedule +rate\(1 day\), next at \d/,
    /greeter +queue +GREETER_QUEUE_URL/,
    /live +WebSocket API +ws:\/\/127\.0\.0\.1:\d+ /,
  ]) {
    await running.find(row)
  }
  const socket = new WebSocket(running.url.replace('http', 'ws'))
  await once(socket, 'open')
  const heard: string[] = []
  socket.onmessage = ({ data }) => heard.push(data)
  socket.send('hello?')
  await expect.poll(() => heard, patient).toEqual(['hello?'])

  const body = JSON.stringify({ id: 'ada', text: 'hello' })
  const headers = { 'content-type': 'application/json', 'idempotency-key': '1' }
  expect((await fetch(`${running.url}/entries`, { method: 'POST', headers, body })).status).toBe(201)
  await expect.poll(() => heard, patient).toContain('{"greeted":"ada"}')
  expect(await get(running, '/entries')).toEqual([{ id: 'ada', text: 'hello', greeting: 'Welcome, ada!' }])
  socket.close()

  await thaw('invoke', 'census', '--app', project.root)
  expect(await get(running, '/census')).toMatchObject([{ entries: 1 }])
})

const config = (functions: string, name = 'growing') => `
import { defineApp, http, queue, schedule, socket } from '@thaw/app'
export default defineApp({ name: '${name}', functions: { ${functions} } })`

const echo = `export const handler = async (event: object) => {
  console.log('GOT ' + Object.keys(event).join())
  return { statusCode: 200, body: JSON.stringify({ queue: process.env.WORKER_QUEUE_URL ?? null }) }
}`

const all = `api: http('./echo.ts', { route: ['GET /', 'GET /new'] }), worker: queue('./echo.ts'),
  often: schedule('./echo.ts', 'rate(1 day)'), live: socket('./echo.ts')`

test('sources that the configuration names now start, and those that it names no longer end', async () => {
  const small = config(`api: http('./echo.ts', { route: 'GET /' })`)
  const project = await makeProject({ 'thaw.config.ts': small, 'echo.ts': echo })
  const running = await run(project)
  expect(await get(running, '/')).toEqual({ queue: null })
  expect((await fetch(`${running.url}/new`)).status).toBe(404)

  let from = running.printed().length
  await project.write('thaw.config.ts', config(all))
  await running.find(/(changed: thaw\.config\.ts)/, from)
  const { queue } = await get<{ queue: string }>(running, '/new')
  const send = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessage' }
  const message = JSON.stringify({ QueueUrl: queue, MessageBody: 'x' })
  const sent = () => fetch(queue, { method: 'POST', headers: send, body: message })
  expect((await sent()).status).toBe(200)
  await running.find(/(worker#\d+ \| GOT Records)/, from)
  const socket = new WebSocket(running.url.replace('http', 'ws'))
  await once(socket, 'open')
  await thaw('invoke', 'often', '--app', project.root)
  await running.find(/(often#\d+ \| GOT version)/, from)
  socket.close()

  from = running.printed().length
  await project.write('thaw.config.ts', small)
  await running.find(/(changed: thaw\.config\.ts)/, from)
  expect((await sent()).status).toBe(400)
  expect((await fetch(`${running.url}/new`)).status).toBe(404)
  expect(await get(running, '/')).toEqual({ queue: null })
  await expect(thaw('invoke', 'often', '--app', project.root)).rejects.toMatchObject({ code: 1 })
})

test('what is wrong is said once and clearly, with file and line, and mended without a restart', async () => {
  const functions = `api: http('./echo.ts', { route: 'GET /' }), late: http('./late.ts', { route: 'GET /late' })`
  const project = await makeProject({ 'thaw.config.ts': config(functions), 'echo.ts': echo })
  const running = await run(project)
  await expect.poll(running.printed).toContain('warning: functions.late.entry: there is no file ./late.ts')
  expect((await fetch(`${running.url}/late`)).status).toBe(500)
  await running.find(/(late#\d+ \| cannot initialise late\.handler: no file for the handler)/)
  expect(await get(running, '/')).toEqual({ queue: null })
  await project.write('late.ts', echo)
  await running.find(/(changed: late\.ts)/)
  expect(await get(running, '/late')).toEqual({ queue: null })

  await project.write('thaw.config.ts', `${config(functions)}\nconst x = (\n`)
  expect(await running.find(/(everything stays as it was: [\s\S]*?thaw\.config\.ts:\d+)/)).toMatch(
    /SyntaxError/,
  )
  expect(await get(running, '/late')).toEqual({ queue: null })
  const from = running.printed().length
  await project.write('thaw.config.ts', config(functions.replace('GET /late', 'GET /later')))
  await running.find(/(changed: thaw\.config\.ts)\n/, from)
  expect(await get(running, '/later')).toEqual({ queue: null })
})

test('many changes at once are one', async () => {
  const names = Array.from({ length: 60 }, (_, index) => `src/file${index}.ts`)
  const importing = names.map((name, index) => `import { value as v${index} } from './${name}'`).join('\n')
  const sum = names.map((_, index) => `v${index}`).join(' + ')
  const project = await makeProject({
    'thaw.config.ts': config(`api: http('./api.ts')`),
    'api.ts': `${importing}\nexport const handler = async () => ${sum}`,
    ...Object.fromEntries(names.map((name) => [name, 'export const value: number = 1'])),
  })
  const running = await run(project)
  expect(await get(running, '/')).toBe(60)
  const from = running.printed().length
  await Promise.all(names.map((name) => project.write(name, 'export const value: number = 2')))
  await expect.poll(() => get(running, '/'), patient).toBe(120)
  expect(
    running
      .printed()
      .slice(from)
      .match(/changed: /g)?.length,
  ).toBeLessThanOrEqual(3)
})

test.each([[], ['--packaged']])('stack traces point to the sources %s', async (...args) => {
  const thrower = `\n// a comment\nexport interface Removed {\n  x: string\n}\nexport function fail(): never {\n  throw new Error('as told')\n}\n`
  const project = await makeProject({
    'thaw.config.ts': config(`api: http('./src/api.ts')`),
    'src/api.ts': `import { fail } from './thrower.ts'\nexport const handler = async () => fail()\n`,
    'src/thrower.ts': thrower,
  })
  const running = await run(project, ...args)
  expect((await fetch(running.url)).status).toBe(500)
  await running.find(/(REPORT)/)
  await expect.poll(running.printed).toContain(`${project.root}/src/thrower.ts:7:9`)
  await expect.poll(running.printed).toContain(`${project.root}/src/api.ts:2:`)
})

test('a project runs once at a time, and again after one that was killed', async () => {
  const project = await makeProject({ 'thaw.config.ts': config(`api: http('./echo.ts')`), 'echo.ts': echo })
  const running = await run(project)
  const second = await thaw('dev', project.root).catch((error) => error)
  expect(second).toMatchObject({ code: 1, stdout: '' })
  const told = `ALREADY_RUNNING: thaw dev runs this project already, at ${running.url} (process ${running.process.pid})`
  expect(second.stderr).toContain(told)
  expect(await get(running, '/')).toEqual({ queue: null })
  running.process.kill('SIGKILL')
  await running.exited
  const again = await run({ ...project, remove: async () => {} })
  expect(await get(again, '/')).toEqual({ queue: null })
})

test('--inspect names a function and says where to attach', async () => {
  const project = await makeProject({ 'thaw.config.ts': config(`api: http('./echo.ts')`), 'echo.ts': echo })
  const running = await run(project, '--inspect', 'api', '--inspect-port', '0')
  await expect.poll(running.printed).toContain('debugger  api: no time limits')
  await get(running, '/')
  await running.find(/(api#1 \| a debugger can be attached: ws:\/\/127\.0\.0\.1:)/)
  await running.end()
  const wrong = await thaw('dev', project.root, '--port', '0', '--inspect', 'apo').catch((error) => error)
  expect(wrong.stderr).toContain("FUNCTION_UNKNOWN: there is no function 'apo' to inspect")
})
