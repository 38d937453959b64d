import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '@thaw/testing'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { serve } from '../src/index.ts'

const fixture = fileURLToPath(new URL('./fixtures/web.ts', import.meta.url))
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
let port: number
let run: Awaited<ReturnType<typeof start>>
beforeAll(async () => {
  run = await start()
})
afterAll(() => {
  run.child.kill('SIGKILL')
  agent.destroy()
})
afterEach(() => {
  vi.unstubAllEnvs()
})

async function start() {
  port = await freePort()
  const child = spawn(process.execPath, [fixture], {
    env: { ...process.env, AWS_LAMBDA_HTTP_ENDPOINT: `127.0.0.1:${port}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const output = text(child.stdout)
  const ended = once(child, 'close').then(([, signal]) => signal as string)
  while (child.exitCode === null) {
    if (await call('GET', '/v1/none').catch(() => null)) break
    await setTimeout(10)
  }
  return { child, output, ended }
}

async function call(
  method: string,
  path: string,
  headers: Record<string, string | string[]> = {},
  body?: string,
) {
  const outgoing = request({ agent, port, host: '127.0.0.1', method, path, headers })
  outgoing.end(body)
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  return { status: incoming.statusCode, headers: incoming.headers, body: await text(incoming) }
}

test('a Web Function listens by itself; request and answer are those of the client', async () => {
  const answer = await call(
    'POST',
    '/v1/a%2Fb/../c?x=%2B+1&x=2',
    {
      host: 'bcdf.b7t.lambda-web.eu-west-1.on.aws',
      cookie: 'k=v',
      'x-forwarded-for': '198.51.100.9, 192.0.2.7',
      'lambda-web-request-id': 'the-id',
    },
    'sent',
  )
  expect(answer.status).toBe(201)
  expect(JSON.parse(answer.body)).toEqual({
    method: 'POST',
    url: 'https://bcdf.b7t.lambda-web.eu-west-1.on.aws/a%2Fb/../c?x=%2B+1&x=2',
    cookie: 'k=v',
    length: '4',
    body: 'sent',
    requestId: 'the-id',
    clientAddress: '192.0.2.7',
  })
  expect(answer.headers).toMatchObject({
    'set-cookie': ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2'],
    'x-name': Buffer.from('é').toString('latin1'),
    'x-thaw-bookmark': 'm-1',
  })
})

test('a body that came in chunks has a length, for those who look for one before they read', async () => {
  const outgoing = request({ agent, port, host: '127.0.0.1', method: 'POST', path: '/v1/' })
  outgoing.write('sent ')
  outgoing.end('in chunks')
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  expect(JSON.parse(await text(incoming))).toMatchObject({ body: 'sent in chunks', length: '14' })
})

test('a method that no application is given is refused, as behind other fronts', async () => {
  expect(await call('TRACE', '/v1/')).toMatchObject({ status: 501 })
})

test('answers without a body, errors and bodies that break off', async () => {
  expect(await call('GET', '/v1/none')).toMatchObject({ status: 204, body: '' })
  expect(await call('HEAD', '/v1/x')).toMatchObject({ status: 201, body: '' })
  const failed = await call('GET', '/v1/fail')
  expect(JSON.parse(failed.body)).toMatchObject({
    status: 418,
    detail: 'no tea',
    requestId: expect.any(String),
  })
  await expect(call('GET', '/v1/broken')).rejects.toThrow(/aborted|ECONNRESET|socket hang up/)
})

test('the head of an answer does not wait for its body', async () => {
  const outgoing = request({ agent: false, port, host: '127.0.0.1', path: '/v1/waiting' })
  outgoing.end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  expect(incoming.statusCode).toBe(200)
  expect((await call('GET', '/v1/go')).status).toBe(204)
  expect(await text(incoming)).toBe('gone')
})

test('64 requests at once each have their own context', async () => {
  const ids = Array.from({ length: 64 }, (_, index) => `r${index}`)
  const answers = await Promise.all(ids.map((id) => call('GET', '/v1/', { 'lambda-web-request-id': id })))
  expect(answers.map(({ body }) => JSON.parse(body).requestId)).toEqual(ids)
})

test('bookmarks and log lines of requests at once are those of each', async () => {
  const lines: string[] = []
  run.child.stdout.on('data', (chunk) => lines.push(...String(chunk).trim().split('\n')))
  const ids = Array.from({ length: 40 }, (_, index) => `own-${index}`)
  const fails = (id: string) => id.endsWith('7')
  const answers = await Promise.all(
    ids.map((id) =>
      call('GET', '/v1/own', {
        'lambda-web-request-id': id,
        'x-thaw-bookmark': `of-${id}`,
        ...(fails(id) && { 'x-fail': '1' }),
      }),
    ),
  )
  ids.forEach((id, index) => {
    const { status, headers, body } = answers[index]!
    if (fails(id)) expect(JSON.parse(body)).toMatchObject({ status: 500, requestId: id })
    else {
      expect([status, headers['x-thaw-bookmark']]).toEqual([200, `of-${id}`])
      expect(JSON.parse(body)).toEqual({ requestId: id, read: `of-${id}`, isAborted: false })
    }
  })
  const failed = ids.filter(fails).map((id) => `${id} failed ${id}`)
  await vi.waitFor(() => expect(lines.toSorted()).toEqual(failed.toSorted()))
})

test.each(['nonsense', '127.0.0.1', 'http://'])('the endpoint %j is refused', (endpoint) => {
  vi.stubEnv('AWS_LAMBDA_HTTP_ENDPOINT', endpoint)
  expect(() => serve(() => new Response())).toThrow(expect.objectContaining({ code: 'SERVE_CONFIG' }))
})

test('on SIGTERM what is under way is answered, then the participants are shut down', async () => {
  const slow = call('GET', '/v1/slow')
  await once(run.child.stdout, 'data')
  run.child.kill('SIGTERM')
  expect((await slow).status).toBe(201)
  expect(await run.ended).toBe('SIGTERM')
  expect(await run.output).toMatch(/(^|\n)slow\nshut down\n$/)
})
