import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { start, type Watched } from '../../packages/local/test/support.ts'
import type { Job } from './jobs/src/database.ts'

// An application with a queue, a schedule and a WebSocket API on one database, whose home is the simulator's S3.

const root = fileURLToPath(new URL('./jobs', import.meta.url))
const patient = { timeout: 20_000, interval: 20 }

let app: Watched

beforeAll(async () => {
  app = await start(root, {
    environment: { DATABASE_URL: 'sqlite+s3://jobs/db', THAW_MIGRATIONS: `${root}/migrations` },
    sources: { visibilityMs: 3_000, retryDelaysMs: [10, 20] },
  })
})

afterAll(() => app.simulator.close())

async function send(job: Job): Promise<void> {
  const answer = await fetch(app.simulator.url, { method: 'POST', body: JSON.stringify(job) })
  expect(answer.status).toBe(202)
}

async function done(): Promise<string[]> {
  return (await (await fetch(app.simulator.url)).json()) as string[]
}

const results = async (job: string) => (await done()).filter((other) => other === job)

/** Kills the environment that works on a job as soon as it says so. */
async function killInTheMiddle(job: string): Promise<void> {
  const line = await app.line(new RegExp(`MIDDLE of ${job}$`), 0)
  await app.simulator.kill(line.split(' ')[0] ?? '')
}

const said = (text: string) => app.lines.filter((line) => line.endsWith(`| ${text}`)).length

test.each([
  ['before it has committed', 'before'],
  ['after it has committed', 'after'],
] as const)('a message is worked on once although the environment is killed %s', async (_, act) => {
  await send({ job: act, act })
  await killInTheMiddle(act)
  expect(await results(act)).toEqual(act === 'before' ? [] : [act])
  await app.line(new RegExp(`DONE ${act}$`), 0)
  expect(await results(act)).toEqual([act])
  expect([said(`RECEIVED ${act} 1`), said(`RECEIVED ${act} 2`), said(`DONE ${act}`)]).toEqual([1, 1, 1])
  expect(app.simulator.deadLetters('worker')).toEqual([])
})

test('a message that always fails leaves nothing behind and becomes a dead letter', async () => {
  await send({ job: 'bad', act: 'fail' })
  await expect.poll(() => app.simulator.deadLetters('worker'), patient).toHaveLength(1)
  expect(app.simulator.deadLetters('worker')).toMatchObject([{ body: '{"job":"bad","act":"fail"}' }])
  expect([said('RECEIVED bad 1'), said('RECEIVED bad 2'), said('RECEIVED bad 3')]).toEqual([1, 1, 0])
  expect(await results('bad')).toEqual([])
})

test('a schedule takes effect once although its environment is killed and Lambda tries again', async () => {
  app.simulator.runSchedule('nightly')
  await killInTheMiddle('nightly')
  await app.line(/DONE nightly$/, 0)
  expect(await results('nightly')).toEqual(['nightly'])
})

test('a WebSocket client learns of a job that an HTTP request began', async () => {
  const socket = new WebSocket(app.simulator.url.replace('http', 'ws'))
  const messages: unknown[] = []
  socket.addEventListener('message', ({ data }) => messages.push(JSON.parse(String(data))))
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  try {
    await send({ job: 'plain' })
    await expect.poll(() => messages, patient).toEqual([{ done: 'plain' }])
    socket.send('{"action":"count"}')
    await expect.poll(() => messages, patient).toContainEqual({ count: (await done()).length })
  } finally {
    socket.close()
  }
})

test('what was written is there when every environment is killed at once', async () => {
  const before = await done()
  expect(before.length).toBeGreaterThan(0)
  await app.simulator.kill()
  expect(app.simulator.environments()).toEqual([])
  expect(await done()).toEqual(before)
})
