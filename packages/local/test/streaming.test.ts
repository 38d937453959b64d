import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Outcome } from '../src/index.ts'
import { atRest, type Project, startProject } from './support.ts'

/** A runtime of its own, that streams what the event says: texts, and what to do between them. */
const streaming = `
import { existsSync } from 'node:fs'
import { request } from 'node:http'

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
const path = '/2018-06-01/runtime/invocation/'

const open = (method, url, headers = {}) => request({ host, port, method, path: path + url, headers })
const text = async (incoming) => {
  let all = ''
  for await (const chunk of incoming) all += chunk
  return all
}
const answerOf = (outgoing) => new Promise((done, failed) => outgoing.on('response', done).on('error', failed))

let count = 0
for (;;) {
  const asked = open('GET', 'next')
  asked.end()
  const invocation = await answerOf(asked)
  const { parts, until, exit, hang } = JSON.parse(await text(invocation))
  const outgoing = open('POST', invocation.headers['lambda-runtime-aws-request-id'] + '/response', {
    'lambda-runtime-function-response-mode': 'streaming',
    'content-type': 'text/plain',
  })
  const answered = answerOf(outgoing)
  outgoing.write(++count + ' ' + process.pid)
  while (until && !existsSync(until)) await new Promise((done) => setTimeout(done, 5))
  if (hang) await new Promise((done) => setTimeout(done, 60_000))
  for (let part = 0; part < (parts ?? 0); part++) {
    if (!outgoing.write('x'.repeat(1 << 16))) await new Promise((done) => outgoing.once('drain', done))
  }
  if (exit) process.exit(1)
  outgoing.end()
  await text(await answered)
}
`

let project: Project

beforeAll(async () => {
  project = await startProject({ streaming: ['timeout: 2', streaming] })
})

afterAll(() => project.end())

async function open(
  event: unknown,
): Promise<{ outcome: Outcome; parts: AsyncIterator<Uint8Array>; head: string }> {
  const outcome = await project.simulator.invoke('streaming', event)
  const parts = outcome.stream?.body[Symbol.asyncIterator]()
  if (parts === undefined) throw new Error('it does not stream')
  return { outcome, parts, head: String((await parts.next()).value) }
}

async function lengthOf(parts: AsyncIterator<Uint8Array>): Promise<number> {
  let length = 0
  for (let part = await parts.next(); part.done !== true; part = await parts.next())
    length += part.value.length
  return length
}

test('the answer is there as soon as it begins, and the environment busy until it ends', async () => {
  const from = project.lines.length
  const { outcome, parts, head } = await open({ until: `${project.root}/go`, parts: 3 })
  expect(outcome).toMatchObject({ payload: '', functionError: null, stream: { contentType: 'text/plain' } })
  expect(head).toMatch(/^1 /)
  expect(project.of()).toMatchObject([{ state: 'busy' }])
  expect(project.lines.slice(from).join('\n')).not.toContain('END')
  const second = await open({})
  expect(second.head).toMatch(/^1 /)
  expect(await lengthOf(second.parts)).toBe(0)
  await project.write('go', '')
  expect(await lengthOf(parts)).toBe(3 << 16)
  await atRest(project)
  expect(project.of()).toMatchObject([{ state: 'frozen' }, { state: 'frozen' }])
  await project.simulator.kill()
})

test('a client that goes away does not stop the function', async () => {
  const { parts, head } = await open({ parts: 200 })
  await parts.return?.()
  await atRest(project)
  const next = await open({})
  expect(next.head).toBe(head.replace('1 ', '2 '))
  expect(await lengthOf(next.parts)).toBe(0)
})

test('the function waits for whoever reads', async () => {
  const { parts } = await open({ parts: 200 })
  // Far more than sockets hold: 12.5 MB.
  await new Promise((done) => setTimeout(done, 200))
  expect(project.of()).toMatchObject([{ state: 'busy' }])
  expect(await lengthOf(parts)).toBe(200 << 16)
  await atRest(project)
})

test('a crash in the middle breaks the answer off', async () => {
  const from = project.lines.length
  const { parts } = await open({ parts: 2, exit: true })
  await expect(lengthOf(parts)).rejects.toMatchObject({ code: 'RESPONSE_BROKEN_OFF' })
  await atRest(project)
  expect(project.lines.slice(from).at(-1)).toMatch(
    /REPORT .*\tStatus: error\tError Type: Runtime\.ExitError$/,
  )
  expect(project.of()).toMatchObject([{ state: 'reset' }])
})

test('a timeout in the middle breaks the answer off', async () => {
  const from = project.lines.length
  const { parts } = await open({ hang: true })
  await expect(lengthOf(parts)).rejects.toMatchObject({ code: 'RESPONSE_BROKEN_OFF' })
  await atRest(project)
  expect(project.lines.slice(from).at(-1)).toMatch(/REPORT .*\tStatus: timeout$/)
  expect((await open({})).head).toMatch(/^1 /)
})
