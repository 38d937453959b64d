import { afterEach, expect, test } from 'vitest'
import { type ChaosOptions, type ChaosReport, describeReport } from '../src/index.ts'
import { makeProject, patient, start, type Watched } from './support.ts'

const off = { kill: false, freeze: false, storm: false, bucket: false }

const web = `
import { createServer } from 'node:http'
import { openStore } from '@thaw/store'

const store = openStore('s3://thaw-bucket/prefix?forcePathStyle=true')
const [host, port] = process.env.AWS_LAMBDA_HTTP_ENDPOINT.split(':')
const wait = (ms) => new Promise((done) => setTimeout(done, ms))

const routes = {
  '/rest': async () => [200, await wait(100)],
  '/throw': async () => [500, 'a fault of its own'],
  '/exit': async () => process.exit(3),
  '/read': async () => [await store.get('x').then(() => 200, () => 503)],
  '/clock': async () => [200, [Date.now(), new Date().getTime()]],
}
createServer(async (request, response) => {
  if (request.url === '/stream') {
    response.write('begun')
    await wait(300)
    response.end('ended')
    return
  }
  const [status, body = null] = await routes[request.url]()
  response.writeHead(status).end(JSON.stringify(body))
}).listen(Number(port), host)
`

let ends: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of ends.reverse()) await end()
  ends = []
})

async function run(
  chaos: ChaosOptions,
  options = '',
): Promise<Watched & { report(): ChaosReport; get(path: string): Promise<number | 'broken'> }> {
  const project = await makeProject({
    'thaw.config.ts': `import { defineApp, http } from '@thaw/app'
      const web = http('./web.mjs', { front: 'function-url', requestsPerEnvironment: 4, ${options} })
      export default defineApp({ name: 'project', functions: { web } })`,
    'web.mjs': web,
  })
  ends.push(() => project.remove())
  const watched = await start(project.root, { chaos })
  const { simulator } = watched
  ends.push(() => simulator.close())
  return {
    ...watched,
    report: () => simulator.chaos?.report() as ChaosReport,
    async get(path) {
      const answer = await fetch(simulator.url + path)
      return await answer.text().then(
        () => answer.status,
        () => 'broken',
      )
    },
  }
}

const described = (report: ChaosReport) => describeReport(report).join('\n')

test('a kill explains what became of every request that was under way, and of no other', async () => {
  const { report, get } = await run({ ...off, seed: 4, kill: 6 })
  const seen: (number | 'broken')[] = []
  const explainedTo = (path: string) =>
    report().errors.filter(({ request, explanation }) => request.endsWith(path) && explanation !== null)
  const paths = ['/rest', '/rest', '/stream', '/stream']
  const deadline = performance.now() + 60_000
  while (explainedTo('/rest').length === 0 || explainedTo('/stream').length === 0) {
    seen.push(...(await Promise.all(paths.map(get))))
    if (performance.now() > deadline) throw new Error(described(report()))
  }
  const { errors, answers, unexplained, kills } = report()
  expect(unexplained, described(report())).toBe(0)
  for (const { explanation } of errors)
    expect(explanation).toMatch(/^web#\d+ was killed at .* while (busy|streaming|starting|idle)$/)
  // One kill, several requests.
  const byFault = Map.groupBy(errors, ({ explanation }) => explanation)
  expect(Math.max(...[...byFault.values()].map(({ length }) => length))).toBeGreaterThan(1)
  const counted = [...Map.groupBy(seen, (status) => status)].map(([status, all]) => [status, all.length])
  expect(answers).toEqual(Object.fromEntries(counted))
  expect((kills.busy ?? 0) + (kills.streaming ?? 0)).toBeGreaterThan(0)
}, 90_000)

test('what the server does wrong itself stays unexplained', async () => {
  const { report, get } = await run({ ...off, seed: 4 })
  expect(await Promise.all([get('/throw'), get('/rest')])).toEqual([500, 200])
  expect(await get('/exit')).toBe(502)
  const { errors, explained, unexplained } = report()
  expect([explained, unexplained]).toEqual([0, 2])
  expect(errors.map(({ detail }) => detail)).toEqual([
    'the function answered so',
    expect.stringMatching(/^web#1: Runtime\.ExitError: .*exit status 3$/),
  ])
})

test('a failing bucket explains a 503 of the requests that were under way', async () => {
  const { report, get } = await run({ ...off, seed: 5, bucket: 100 })
  const statuses = await Promise.all(Array.from({ length: 6 }, () => get('/read')))
  expect(report().answers[503]).toBe(statuses.filter((status) => status === 503).length)
  expect(report().answers[503]).toBeGreaterThan(0)
  expect(report().unexplained, described(report())).toBe(0)
  for (const { explanation } of report().errors) {
    expect(explanation).toMatch(/^the bucket .* for GET thaw-bucket\/prefix\/x of web#\d+ at/)
  }
})

test('freezes stop it with and without a request, and put its clock wrong', async () => {
  const { report, simulator } = await run({ ...off, seed: 3, freeze: 200 }, 'timeout: 60')
  const seen = { ahead: 0, behind: 0 }
  await expect
    .poll(
      async () => {
        const from = Date.now()
        const [first, second] = (await (await fetch(`${simulator.url}/clock`)).json()) as [number, number]
        expect(Math.abs(second - first)).toBeLessThan(1000)
        const offMinutes = (first - from) / 60_000
        if (offMinutes > 30) seen.ahead++
        if (offMinutes < -3) seen.behind++
        return Math.min(seen.ahead, seen.behind)
      },
      { ...patient, timeout: 60_000 },
    )
    .toBeGreaterThan(0)
  const { freezes } = report()
  expect(freezes.idle + freezes.busyMs.length).toBeGreaterThan(1)
  expect(freezes.clockAhead).toBeGreaterThan(0)
}, 90_000)
