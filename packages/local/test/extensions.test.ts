import { afterAll, beforeAll, expect, test } from 'vitest'
import { atRest, extensionCalls, type Project, startProject } from './support.ts'

const listening = `
import { next, register } from './extension.mjs'
const { id, status, body } = await register('listener', ['INVOKE'])
console.log('registered ' + status + ' ' + JSON.stringify(body))
async function listen() {
  for (;;) {
    const { body } = await next(id)
    console.log('told ' + JSON.stringify(body))
    // Long after the answer.
    await new Promise((done) => setTimeout(done, 400))
    console.log('flushed')
  }
}
void listen()
export const handler = (event, context) => ({ requestId: context.awsRequestId, pid: process.pid })
`
const refused = `
import { call, next, register } from './extension.mjs'
const early = [await register('events', ['SHUTDOWN']), await register('', []), await next('nobody')]
const { id } = await register('one')
early.push(await register('one'), await call('GET', 'event/next'))
early.push(await call('POST', 'exit/error', {}, { 'lambda-extension-identifier': id }))
void next(id)
export const handler = async () =>
  [...early, await register('late')].map(({ status, body }) => status + ' ' + body.errorType)
`
const failing = `
import { call, next, register } from './extension.mjs'
const { id } = await register('failing')
const headers = { 'lambda-extension-identifier': id, 'lambda-extension-function-error-type': 'Extension.Mine' }
await call('POST', 'init/error', {}, headers)
await new Promise((done) => setTimeout(done, 60_000))
`
const silent = `
import { register } from './extension.mjs'
await register('silent')
export const handler = () => 1
`
const unawaited = `
import { next, register } from './extension.mjs'
const registered = register('unawaited').then(({ id, status }) => (void next(id), status))
export const handler = async () => await registered
`

let project: Project

beforeAll(async () => {
  project = await startProject(
    {
      listening: ['', listening],
      refused: ['', refused],
      failing: ['', failing],
      silent: ['timeout: 1', silent],
      unawaited: ['', unawaited],
      extension: ['', extensionCalls],
    },
    { initTimeoutMs: 2000 },
  )
})

afterAll(() => project.end())

test('an internal extension hears of invocations, and the environment is busy until it asks for more', async () => {
  const from = project.lines.length
  const { requestId, pid } = await project.call<{ requestId: string; pid: number }>('listening')
  // The answer is there, the extension is not done: another request needs another environment.
  const other = await project.call<{ pid: number }>('listening')
  expect(other.pid).not.toBe(pid)
  await atRest(project)
  const lines = project.lines.slice(from).filter((line) => line.startsWith('listening#1 '))
  expect(lines[0]).toMatch(
    /registered 200 {"functionName":"listening","functionVersion":"\$LATEST","handler":"src\/listening\.handler"}/,
  )
  const told = JSON.parse(/told (.*)/.exec(lines.join('\n'))?.[1] ?? '')
  expect(told).toEqual({
    eventType: 'INVOKE',
    deadlineMs: expect.any(Number),
    requestId,
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:listening',
    tracing: { type: 'X-Amzn-Trace-Id', value: expect.stringMatching(/^Root=1-/) },
  })
  const words = lines.flatMap((line) => /START|flushed|END/.exec(line)?.[0] ?? [])
  expect(words).toEqual(['START', 'flushed', 'END'])
  expect(Number(/Duration: ([\d.]+)/.exec(lines.at(-1) ?? '')?.[1])).toBeGreaterThan(390)
})

test('what the Extensions API refuses', async () => {
  expect(await project.call('refused')).toEqual([
    '403 Extension.InvalidEventType',
    '403 Extension.InvalidExtensionName',
    '403 Extension.UnknownExtensionIdentifier',
    '403 Extension.InvalidExtensionState',
    '403 Extension.MissingExtensionIdentifier',
    '403 Extension.MissingHeader',
    '403 Extension.RegistrationClosed',
  ])
})

test('an extension that gives up ends the initialisation', async () => {
  const { payload } = await project.simulator.invoke('failing', {})
  expect(JSON.parse(payload)).toMatchObject({
    errorType: 'Extension.InitError',
    errorMessage: expect.stringContaining('Extension.Mine'),
  })
})

test('an extension that never asks for its next event holds the initialisation up', async () => {
  const from = project.lines.length
  const { payload } = await project.simulator.invoke('silent', {})
  expect(JSON.parse(payload).errorMessage).toMatch(/Task timed out after 1\.00 seconds/)
  expect(project.lines.slice(from).join('\n')).toMatch(
    /Phase: init\tStatus: timeout\n.*\n.*Phase: invoke\tStatus: timeout\n/,
  )
})

test('an extension whose registration nobody waits for is registered before the initialisation is over', async () => {
  const statuses = await Promise.all(Array.from({ length: 12 }, () => project.call('unawaited')))
  expect(statuses).toEqual(statuses.map(() => 200))
  await atRest(project)
})
