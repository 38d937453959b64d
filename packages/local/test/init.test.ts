import { afterAll, beforeAll, expect, test } from 'vitest'
import { atRest, type Project, startProject } from './support.ts'

/** Does something the first time that it runs in an environment only. */
const first = (then: string) => `
import { existsSync, writeFileSync } from 'node:fs'
const mark = process.env.TMPDIR + '/mark'
const isFirst = !existsSync(mark)
writeFileSync(mark, '')
if (isFirst) { ${then} }
export const handler = () => ({ isFirst, type: process.env.AWS_LAMBDA_INITIALIZATION_TYPE })
`
const hang = 'await new Promise((done) => setTimeout(done, 60_000))'
const resetting = `
import { appendFileSync, readFileSync } from 'node:fs'
const log = process.env.TMPDIR + '/log'
const startedAt = performance.now()
while (performance.now() - startedAt < 200);
let count = 0
export const handler = async (event) => {
  appendFileSync(log, event.name + ' ')
  if (event.exit) process.exit(1)
  if (event.hang) { setTimeout(() => {}, 60_000); await new Promise(() => {}) }
  const { AWS_LAMBDA_LOG_STREAM_NAME: stream } = process.env
  return { pid: process.pid, count: ++count, log: readFileSync(log, 'utf8'), stream }
}
`

interface Reset {
  readonly pid: number
  readonly count: number
  readonly log: string
  readonly stream: string
}

let project: Project

beforeAll(async () => {
  const functions = {
    slow: ['', first(hang)],
    never: ['timeout: 1', hang],
    crashing: ['', first('process.exit(7)')],
    resetting: ['timeout: 2', resetting],
  } as const
  project = await startProject(functions, { initTimeoutMs: 1500 })
})

afterAll(() => project.end())

/** The lines about one function since then, without ids and numbers. */
async function linesOf(name: string): Promise<string[]> {
  await atRest(project)
  const lines = project.lines.filter((line) => line.startsWith(`${name}#`))
  return lines.map((line) =>
    line
      .replace(/^\S+ \| /, '')
      .replace(/RequestId: \S+/, 'RequestId: …')
      .replaceAll(/\d+(\.\d+)? (ms|MB)/g, '… $2'),
  )
}

test('an initialisation that takes too long is repeated within the invocation and its time', async () => {
  const outcome = await project.simulator.invoke('slow', {})
  expect(outcome).toMatchObject({ functionError: null, initMs: null })
  expect(JSON.parse(outcome.payload)).toEqual({ isFirst: false, type: 'on-demand' })
  expect(await linesOf('slow')).toEqual([
    'INIT_REPORT Init Duration: … ms\tPhase: init\tStatus: timeout',
    'cannot initialise src/slow.handler: it took longer than 1.5 s',
    'START RequestId: … Version: $LATEST',
    'END RequestId: …',
    expect.stringMatching(
      /^REPORT RequestId: …\tDuration: … ms\tBilled Duration: … ms\tMemory Size: … MB(\tMax Memory Used: … MB)?$/,
    ),
  ])
})

test('one that then takes longer than the function may is the failure of the invocation', async () => {
  const outcome = await project.simulator.invoke('never', {})
  expect(outcome.functionError).toBe('Unhandled')
  expect(JSON.parse(outcome.payload)).toEqual({
    errorType: 'Sandbox.Timedout',
    errorMessage: `RequestId: ${outcome.requestId} Error: Task timed out after 1.00 seconds`,
  })
  expect(await linesOf('never')).toEqual([
    'INIT_REPORT Init Duration: … ms\tPhase: init\tStatus: timeout',
    'cannot initialise src/never.handler: it took longer than 1.5 s',
    'INIT_REPORT Init Duration: … ms\tPhase: invoke\tStatus: timeout',
    'cannot initialise src/never.handler: it took longer than 1 s',
    'START RequestId: … Version: $LATEST',
    'RequestId: … Error: Task timed out after 1.00 seconds',
    'END RequestId: …',
    'REPORT RequestId: …\tDuration: … ms\tBilled Duration: … ms\tMemory Size: … MB\tMax Memory Used: … MB\tStatus: timeout',
  ])
})

test('one that crashes is repeated within the invocation', async () => {
  const outcome = await project.simulator.invoke('crashing', {})
  expect(JSON.parse(outcome.payload)).toMatchObject({ isFirst: false })
  const lines = await linesOf('crashing')
  expect(lines.slice(0, 3)).toEqual([
    'INIT_REPORT Init Duration: … ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError',
    'cannot initialise src/crashing.handler: Runtime exited with error: exit status 7',
    'START RequestId: … Version: $LATEST',
  ])
})

test('a timeout resets the environment: a new process, the same /tmp, initialised within the next invocation', async () => {
  const before = await project.call<Reset>('resetting', { name: 'one' })
  await atRest(project)
  const [{ id } = { id: '' }] = project.of('resetting')
  const timedOut = await project.simulator.invoke('resetting', { name: 'two', hang: true })
  expect(JSON.parse(timedOut.payload).errorType).toBe('Sandbox.Timedout')
  expect(timedOut.durationMs).toBeGreaterThan(1999)
  expect(project.of('resetting')).toMatchObject([{ id, pid: null, state: 'reset' }])

  const outcome = await project.simulator.invoke('resetting', { name: 'three' })
  const after = JSON.parse(outcome.payload) as Reset
  expect(after).toEqual({ pid: expect.any(Number), count: 1, log: 'one two three ', stream: before.stream })
  expect(after.pid).not.toBe(before.pid)
  expect(outcome).toMatchObject({ environmentId: id, initMs: null })
  expect(outcome.durationMs).toBeGreaterThan(200)
})

test('so does a crash', async () => {
  await project.simulator.kill()
  await project.call<Reset>('resetting', { name: 'one' })
  const crashed = await project.simulator.invoke('resetting', { name: 'two', exit: true })
  expect(JSON.parse(crashed.payload).errorMessage).toMatch(/Runtime exited with error: exit status 1$/)
  expect(await project.call<Reset>('resetting', { name: 'three' })).toMatchObject({
    count: 1,
    log: 'one two three ',
  })
  expect(project.of('resetting')).toHaveLength(1)
})

test('Init Duration is in the first report, and billed', async () => {
  await project.simulator.kill()
  const from = project.lines.length
  expect((await project.simulator.invoke('resetting', { name: 'one' })).initMs).toBeGreaterThan(200)
  await atRest(project)
  expect((await project.simulator.invoke('resetting', { name: 'two' })).initMs).toBe(null)
  await atRest(project)
  const [cold = '', warm = ''] = project.lines.slice(from).filter((line) => line.includes('REPORT'))
  const number = (line: string, name: string) => Number(new RegExp(`\t${name}: ([\\d.]+) ms`).exec(line)?.[1])
  const initMs = number(cold, 'Init Duration')
  expect(initMs).toBeGreaterThan(200)
  // The figures of the line are rounded.
  expect(Math.abs(number(cold, 'Billed Duration') - (number(cold, 'Duration') + initMs))).toBeLessThan(1.02)
  expect(warm).not.toContain('Init Duration')
  // What is shown is rounded, what is billed is not.
  const paidMs = number(warm, 'Billed Duration') - number(warm, 'Duration')
  expect(paidMs).toBeGreaterThan(-0.01)
  expect(paidMs).toBeLessThan(1.01)
})
