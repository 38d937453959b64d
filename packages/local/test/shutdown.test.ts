import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { SimulateOptions } from '../src/index.ts'
import { atRest, extensionCalls, type Project, patient, startProject } from './support.ts'

/** Notes every SIGTERM that it gets in a file. */
const notes = `
import { appendFileSync } from 'node:fs'
const note = (word) => appendFileSync(process.env.LAMBDA_TASK_ROOT + '/signals.txt', word + ' ')
`
const plain = `${notes}
process.on('SIGTERM', () => note('plain'))
export const handler = () => process.pid
`
const graceful = (then: string) => `${notes}
import { next, register } from './extension.mjs'
const { id } = await register('test')
next(id).catch(() => {})
process.on('SIGTERM', () => { note('SIGTERM'); ${then} })
export const handler = async (event) => {
  if (event.ms) await new Promise((done) => setTimeout(done, event.ms))
  return process.pid
}
`

let project: Project

afterEach(() => project.end())

async function run(options: SimulateOptions = {}): Promise<void> {
  project = await startProject(
    {
      plain: ['', plain],
      graceful: ['', graceful(`setTimeout(() => { note('cleaned'); process.exit() }, 20)`)],
      stubborn: ['', graceful('')],
      late: ['timeout: 1', graceful(`note('cleaned'); process.exit()`)],
      extension: ['', extensionCalls],
    },
    options,
  )
}

function signals(): string {
  const file = join(project.root, 'signals.txt')
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
}

async function idOf(name: string): Promise<string> {
  await project.call(name)
  await atRest(project)
  const [environment] = project.of(name)
  expect(environment?.state).toBe('frozen')
  return environment?.id ?? ''
}

describe('shutting down', () => {
  test('without an extension: SIGKILL at once, and no signal before', async () => {
    await run()
    await project.simulator.shutDown(await idOf('plain'))
    expect(project.of()).toEqual([])
    expect(signals()).toBe('')
  })

  test('with an internal extension: thawed, SIGTERM, and time to clean up', async () => {
    await run()
    await project.simulator.shutDown(await idOf('graceful'))
    expect(project.of()).toEqual([])
    expect(signals()).toBe('SIGTERM cleaned')
  })

  test('whoever does not end after SIGTERM is killed half a second later', async () => {
    await run()
    const id = await idOf('stubborn')
    const startedAt = performance.now()
    await project.simulator.shutDown(id)
    expect(performance.now() - startedAt).toBeGreaterThan(490)
    expect(signals()).toBe('SIGTERM')
  })

  test('after its time limit a process is warned likewise', async () => {
    await run()
    await expect(project.call('late', { ms: 60_000 })).rejects.toThrow('timed out after 1.00 seconds')
    expect(signals()).toBe('SIGTERM cleaned')
    expect(project.of('late')).toMatchObject([{ state: 'reset' }])
  })

  test('kill() is without warning', async () => {
    await run()
    await project.simulator.kill(await idOf('graceful'))
    expect(signals()).toBe('')
  })

  test('a busy environment is shut down after its request', async () => {
    await run()
    const begun = project.line(/START/)
    const answer = project.call('graceful', { ms: 200 })
    await begun
    const [{ id } = { id: '' }] = project.of()
    const gone = project.simulator.shutDown(id)
    expect(await answer).toEqual(expect.any(Number))
    await gone
    expect(signals()).toBe('SIGTERM cleaned')
  })
})

describe('an environment is shut down', () => {
  test('after idleMs without a request, but not before', async () => {
    await run({ idleMs: 300 })
    const pid = await project.call('graceful')
    const answeredAt = performance.now()
    await expect.poll(() => project.of(), patient).toEqual([])
    expect(performance.now() - answeredAt).toBeGreaterThan(290)
    expect(signals()).toBe('SIGTERM cleaned')
    expect(await project.call('graceful')).not.toBe(pid)
  })

  test('when another function needs its place', async () => {
    await run({ maxEnvironments: 1 })
    await idOf('graceful')
    await project.call('plain')
    await expect.poll(() => project.of('graceful'), patient).toEqual([])
    expect(signals()).toBe('SIGTERM cleaned')
  })

  test('when its code has changed', async () => {
    await run({ watch: true })
    const id = await idOf('graceful')
    const changed = project.line(/^changed: /)
    await project.write('src/graceful.mjs', 'export const handler = () => 1')
    await changed
    expect(await project.call('graceful')).toBe(1)
    await expect.poll(() => project.of().map((one) => one.id), patient).not.toContain(id)
    expect(signals()).toBe('SIGTERM cleaned')
  })

  test('by close(), whatever it does', async () => {
    await run()
    await idOf('graceful')
    const begun = project.line(/START/)
    const hanging = expect(project.call('graceful', { ms: 60_000 })).rejects.toMatchObject({ code: 'CLOSED' })
    await begun
    await project.simulator.close()
    await hanging
    expect(signals()).toBe('SIGTERM cleaned')
  })
})
