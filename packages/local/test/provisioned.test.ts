import { afterEach, expect, test } from 'vitest'
import { atRest, type Project, patient, startProject } from './support.ts'

const handler = `
import { existsSync } from 'node:fs'
export const handler = async (event) => {
  while (event.until && !existsSync(event.until)) await new Promise((done) => setTimeout(done, 5))
  if (event.exit) process.exit(1)
  const { dev, ino } = (await import('node:fs')).statSync(process.env.TMPDIR)
  return { pid: process.pid, type: process.env.AWS_LAMBDA_INITIALIZATION_TYPE, tmp: dev + ':' + ino }
}
`

interface Seen {
  readonly pid: number
  readonly type: string
  readonly tmp: string
}

let project: Project

afterEach(() => project.end())

const kinds = () => project.of('kept').map(({ state, provisioned }) => `${state} ${provisioned}`)
const ready = () => expect.poll(kinds, patient).toEqual(['frozen true', 'frozen true'])

test('so many are initialised before any request, take it first, and stay', async () => {
  project = await startProject({ kept: ['provisioned: 2', handler] }, { idleMs: 100 })
  await ready()
  const ids = project.of('kept').map(({ id }) => id)
  const inits = project.lines.filter((line) =>
    /INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init$/.test(line),
  )
  expect(inits).toHaveLength(2)
  const outcome = await project.simulator.invoke('kept', {})
  expect(outcome.initMs).toBe(null)
  expect(JSON.parse(outcome.payload)).toMatchObject({ type: 'provisioned-concurrency' })

  // Three at once need one more, which is on demand and reaped again.
  const until = `${project.root}/go`
  const answers = [1, 2, 3].map(() => project.call<Seen>('kept', { until }))
  await expect
    .poll(() => project.of('kept').map(({ state }) => state), patient)
    .toEqual(['busy', 'busy', 'busy'])
  await project.write('go', '')
  const seen = await Promise.all(answers)
  expect(seen.map(({ type }) => type).sort()).toEqual([
    'on-demand',
    'provisioned-concurrency',
    'provisioned-concurrency',
  ])
  expect(new Set(seen.map(({ tmp }) => tmp)).size).toBe(3)
  await ready()
  expect(
    project
      .of('kept')
      .map(({ id }) => id)
      .sort(),
  ).toEqual(ids)
})

test('one that dies, crashes or has old code is made up for', async () => {
  project = await startProject({ kept: ['provisioned: 2', handler] }, { watch: true })
  await ready()
  const before = project.of('kept').map(({ id }) => id)
  await project.simulator.kill(before[0])
  await ready()
  expect(project.of('kept').map(({ id }) => id)).not.toContain(before[0])

  // A crash leaves the environment, which is initialised again at once.
  const crashed = await project.simulator.invoke('kept', { exit: true })
  expect(crashed.functionError).toBe('Unhandled')
  await ready()
  expect(project.of('kept').map(({ id }) => id)).toContain(crashed.environmentId)
  expect((await project.simulator.invoke('kept', {})).initMs).toBe(null)
  await atRest(project)

  const changed = project.line(/^changed: /)
  await project.write('src/kept.mjs', 'export const handler = () => 1')
  await changed
  await ready()
  expect(await project.call('kept')).toBe(1)
})

test('an initialisation may take longer than on demand, and one that fails is not tried for ever', async () => {
  project = await startProject(
    {
      kept: [
        'provisioned: 2',
        `await new Promise((done) => setTimeout(done, 400)); export const handler = () => 1`,
      ],
      broken: ['provisioned: 1', `throw new Error('no')`],
    },
    { initTimeoutMs: 300 },
  )
  await ready()
  await expect.poll(() => project.of('broken'), patient).toMatchObject([{ state: 'reset', id: 'broken#1' }])
  expect(project.lines.filter((line) => line.includes('broken#1 | INIT_REPORT'))).toHaveLength(1)
})

test('provisioned ones count for the reserved concurrency', async () => {
  project = await startProject({ kept: ['provisioned: 1, concurrency: 1', handler] })
  await expect.poll(kinds, patient).toEqual(['frozen true'])
  const until = `${project.root}/go`
  const answer = project.call<Seen>('kept', { until })
  await expect(project.call('kept')).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' })
  await project.write('go', '')
  expect((await answer).type).toBe('provisioned-concurrency')
})
