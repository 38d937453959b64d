import { expect, test } from 'vitest'
import { describeReport } from '../src/index.ts'
import { atRest, startProject } from './support.ts'

/** Until chance has done what a test is about, on a busy machine. */
const long = { timeout: 60_000, interval: 5 }

const off = { kill: false, freeze: false, storm: false, bucket: false }

const api = `
import { openStore } from '@thaw/store'

const store = openStore('s3://thaw-bucket/prefix?forcePathStyle=true')
const kept = Date.now

export async function handler(event, context) {
  const { what = 'rest', ms = '0' } = event.queryStringParameters ?? {}
  if (what === 'throw') throw new TypeError('a fault of its own')
  if (what === 'exit') process.exit(3)
  if (what === 'read') {
    try { await store.get('x') } catch { return { statusCode: 503 } }
  }
  await new Promise((done) => setTimeout(done, Number(ms)))
  const now = [Date.now(), new Date().getTime(), kept()]
  return { now, leftMs: context.getRemainingTimeInMillis() }
}
`

test('errors of the application stay unexplained, beside kills that explain what they caused', async () => {
  const chaos = { ...off, seed: 11, kill: 6 }
  const project = await startProject({ api: ['', api] }, { chaos })
  const { simulator } = project
  try {
    const get = async (query: string) => (await fetch(`${simulator.url}/api?${query}`)).status
    const report = () => simulator.chaos?.report() ?? { errors: [], answers: {} as Record<string, number> }
    const of = (text: string) => report().errors.filter(({ request }) => request.includes(text))
    const seen: number[] = []
    // Until each has come at least once: an error of its own, and a kill of a request that is fine.
    while (
      !of('throw').some(({ explanation }) => explanation === null) ||
      !of('exit').some(({ explanation }) => explanation === null) ||
      of('rest').length === 0
    ) {
      for (const query of ['what=throw', 'what=exit', 'what=rest&ms=100']) seen.push(await get(query))
      if (seen.length > 600) throw new Error(describeReport(simulator.chaos?.report() as never).join('\n'))
    }
    for (const { explanation } of of('rest'))
      expect(explanation).toMatch(/^api#\d+ was killed at .* while (busy|starting)$/)
    for (const { explanation, detail } of of('throw')) {
      if (explanation === null) expect(detail).toContain('TypeError: a fault of its own')
      else expect(explanation).toContain('was killed')
    }
    for (const { explanation, detail } of of('exit')) {
      if (explanation === null) expect(detail).toContain('exit status 3')
      else expect(explanation).toContain('was killed')
    }
    const { answers } = report()
    const counted = [...Map.groupBy(seen, (status) => status)].map(([status, all]) => [status, all.length])
    expect(answers).toEqual(Object.fromEntries(counted))
    expect(describeReport(simulator.chaos?.report() as never).join('\n')).toMatch(
      /ERRORS THAT NO FAULT EXPLAINS: \d+\n.*GET \/api\?what=/,
    )
  } finally {
    await project.end()
  }
  expect(project.lines).toContainEqual(expect.stringMatching(/^chaos, seed 11/))
}, 90_000)

test('a failing bucket explains a 503 of whoever asked it, and nobody else is hit', async () => {
  const chaos = { ...off, seed: 5, bucket: 100 }
  const project = await startProject({ api: ['', api] }, { chaos })
  const { simulator } = project
  try {
    const statuses = await Promise.all(
      Array.from({ length: 12 }, async () => (await fetch(`${simulator.url}/api?what=read`)).status),
    )
    const report = simulator.chaos?.report()
    expect(report?.answers[503]).toBe(statuses.filter((status) => status === 503).length)
    expect(report?.explained).toBeGreaterThan(0)
    expect(report?.unexplained).toBe(0)
    for (const { explanation } of report?.errors ?? []) {
      expect(explanation).toMatch(/^the bucket .* for GET thaw-bucket\/prefix\/x of api#\d+ at/)
    }
    // It is always told to fail, but what is not an environment's is left alone.
    const failed = report?.bucket
    for (let n = 0; n < 30; n++) expect((await fetch(`${simulator.s3Url}/thaw-bucket/none`)).status).toBe(404)
    expect(simulator.chaos?.report().bucket).toEqual(failed)
  } finally {
    await project.end()
  }
})

test('clocks are wrong after a freeze, and deadlines go along with those that are ahead', async () => {
  const chaos = { ...off, seed: 3, freeze: 300 }
  const project = await startProject({ api: ['timeout: 20', api] }, { chaos })
  try {
    const seen = { ahead: 0, behind: 0 }
    await expect
      .poll(async () => {
        const from = Date.now()
        const { now, leftMs } = await project.call<{ now: number[]; leftMs: number }>('api')
        await atRest(project)
        const [first = 0] = now
        for (const other of now) expect(Math.abs(other - first)).toBeLessThan(1000)
        const offMinutes = (first - from) / 60_000
        if (offMinutes > 1) {
          seen.ahead++
          expect(offMinutes).toBeGreaterThan(59)
          expect(leftMs).toBeLessThanOrEqual(20_000)
          expect(leftMs).toBeGreaterThan(0)
        }
        if (offMinutes < -1) {
          seen.behind++
          expect(offMinutes).toBeLessThan(-3)
          expect(leftMs).toBeGreaterThan(60_000)
        }
        return Math.min(seen.ahead, seen.behind)
      }, long)
      .toBeGreaterThan(0)
    const { clockAhead = 0, clockBehind = 0 } = project.simulator.chaos?.report().freezes ?? {}
    expect(Math.min(clockAhead, clockBehind)).toBeGreaterThan(0)
  } finally {
    await project.end()
  }
}, 90_000)

test('a storm under load takes every environment, and only what was under way fails', async () => {
  const chaos = { ...off, seed: 2, storm: 25 }
  const project = await startProject({ api: ['', api] }, { chaos })
  const { simulator } = project
  try {
    await expect
      .poll(async () => {
        await Promise.all(Array.from({ length: 4 }, () => fetch(`${simulator.url}/api?what=rest&ms=200`)))
        return simulator.chaos?.report().explained
      }, long)
      .toBeGreaterThan(0)
    const report = simulator.chaos?.report()
    expect(report?.storms).toBeGreaterThan(0)
    expect(report?.unexplained).toBe(0)
    for (const { explanation } of report?.errors ?? []) expect(explanation).toContain('with all others')
  } finally {
    await project.end()
  }
}, 90_000)

const streaming = `
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const headers = { environment: process.env.AWS_LAMBDA_LOG_STREAM_NAME }
  const answer = awslambda.HttpResponseStream.from(stream, { statusCode: 200, headers })
  for (let n = 0; n < 40; n++) {
    answer.write(n + ' ')
    await new Promise((done) => setTimeout(done, 5))
  }
  answer.end('end')
})
`
const whole = `${Array.from({ length: 40 }, (_, n) => `${n} `).join('')}end`

test('a kill within a stream breaks the connection, is told of, and the next request has another environment', async () => {
  const chaos = { ...off, seed: 4, kill: 10 }
  const options = `front: 'rest-api', stream: true`
  const project = await startProject({ stream: [options, streaming] }, { chaos })
  const { simulator } = project
  try {
    let broken: string[] = []
    let wholes = 0
    for (let n = 0; broken.length < 4 || wholes < 2; n++) {
      if (n === 200) throw new Error(describeReport(simulator.chaos?.report() as never).join('\n'))
      const answer = await fetch(`${simulator.url}/stream`)
      // Killed before it began to stream.
      if (answer.status !== 200) continue
      const environment = answer.headers.get('environment') ?? ''
      // Whoever was killed answers nobody any more.
      expect(broken).not.toContain(environment)
      const { text, isWhole } = await readUntilBreak(answer)
      if (isWhole) {
        expect(text).toBe(whole)
        wholes++
      } else {
        // What was sent until then, and nothing about the end.
        expect([text, whole.startsWith(text) && text !== whole]).toEqual([text, true])
        broken = [...broken, environment]
      }
    }
    const report = simulator.chaos?.report()
    expect(report?.answers.broken).toBe(broken.length)
    expect(report?.answers['200']).toBe(wholes)
    expect(report?.unexplained).toBe(0)
    const breaks = report?.errors.filter(({ saw }) => saw === 'broken') ?? []
    expect(breaks).toHaveLength(broken.length)
    for (const { request, explanation } of breaks) {
      expect(request).toMatch(/^GET \/stream/)
      // What a process sent right before it was killed is seen right after.
      expect(explanation).toMatch(/^stream#\d+ was killed at .* while (busy|streaming)$/)
    }
    expect(breaks.some(({ explanation }) => explanation?.endsWith('streaming'))).toBe(true)
  } finally {
    await project.end()
  }
}, 90_000)

async function readUntilBreak(answer: Response): Promise<{ text: string; isWhole: boolean }> {
  let text = ''
  try {
    for await (const piece of answer.body ?? []) text += Buffer.from(piece).toString()
    return { text, isWhole: true }
  } catch {
    return { text, isWhole: false }
  }
}
