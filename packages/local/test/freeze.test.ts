import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { atRest, type Project, patient, startProject } from './support.ts'

const ticker = `
import { existsSync } from 'node:fs'

const started = performance.now()
let last = started
let longest = 0
setInterval(() => {
  longest = Math.max(longest, performance.now() - last)
  last = performance.now()
}, 5)

export async function handler(event) {
  // A timer that came due meanwhile fires before this goes on.
  await new Promise((done) => setTimeout(done, 10))
  if (event.late) setTimeout(() => console.log('late'), 300)
  while (event.until && !existsSync(event.until)) await new Promise((done) => setTimeout(done, 5))
  const gap = longest
  longest = 0
  return { gap, pid: process.pid }
}
`

let project: Project

beforeAll(async () => {
  project = await startProject({ ticker: ['', ticker] })
})

afterAll(() => project.end())

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function isStopped(pid: number): boolean {
  return /^\d+ \(.*\) T/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
}

test('between invocations nothing runs: no timer fires, nothing is printed, until the next one', async () => {
  const begin = project.lines.length
  await project.call('ticker', { late: true })
  await atRest(project)
  expect(project.of()).toMatchObject([{ state: 'frozen' }])
  const from = project.lines.length
  await pause(400)
  expect(project.lines.slice(from)).toEqual([])
  expect((await project.call<{ gap: number }>('ticker')).gap).toBeGreaterThan(390)
  await project.line(/\| late$/, begin)
})

test('an environment that nobody has invoked yet is frozen too', async () => {
  const other = await startProject({ ticker: ['provisioned: 1', ticker] })
  try {
    await expect.poll(() => other.of(), patient).toMatchObject([{ state: 'frozen' }])
    await pause(300)
    expect((await other.call<{ gap: number }>('ticker')).gap).toBeGreaterThan(290)
  } finally {
    await other.end()
  }
})

test.skipIf(process.platform !== 'linux')('a busy environment can be stopped and goes on later', async () => {
  const begun = project.line(/START/)
  const file = `${project.root}/go`
  const answer = project.call<{ pid: number; gap: number }>('ticker', { until: file })
  await begun
  const [busy] = project.of()
  const { id, pid } = busy ?? { id: '', pid: 0 }
  project.simulator.freeze(id)
  await expect.poll(() => isStopped(Number(pid)), patient).toBe(true)
  expect(project.of()).toMatchObject([{ state: 'busy' }])
  await project.write('go', '')
  await pause(200)
  expect(isStopped(Number(pid))).toBe(true)
  project.simulator.thaw(id)
  expect((await answer).gap).toBeGreaterThan(190)
})

test('an environment that is held does not begin with what it is given', async () => {
  await atRest(project)
  const [{ id } = { id: '' }] = project.of()
  project.simulator.freeze(id)
  const begun = project.line(/START/)
  const answer = project.call<{ gap: number }>('ticker')
  await begun
  await pause(200)
  project.simulator.thaw(id)
  expect((await answer).gap).toBeGreaterThan(190)
  expect(() => project.simulator.freeze('ticker#0')).toThrow(/no environment 'ticker#0'/)
})
