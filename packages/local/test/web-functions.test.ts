import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SimulateOptions } from '../src/index.ts'
import { isRunning, makeProject, patient, sendRaw, start, type Watched } from './support.ts'

// A server of one's own: all that a Web Function has to be.
const server = `
import { createServer } from 'node:http'
import { existsSync, writeFileSync } from 'node:fs'

const [host, port] = process.env.AWS_LAMBDA_HTTP_ENDPOINT.split(':')
const variables = Object.keys(process.env)
process.on('SIGTERM', () => {
  console.log('SIGTERM')
  if (process.env.STUBBORN !== 'yes') process.exit()
})

let waiting = []
const until = async (path) => {
  while (!existsSync(path)) await new Promise((done) => setTimeout(done, 5))
}

const routes = {
  async '/pair'(_, response) {
    await new Promise((done) => {
      waiting.push(done)
      if (waiting.length < 2) return
      for (const go of waiting) go()
      waiting = []
    })
    response.end(String(process.pid))
  },
  async '/hold'(url, response) {
    await until(url.searchParams.get('until'))
    response.end(String(process.pid))
  },
  '/pid'(_, response) {
    response.end(String(process.pid))
  },
  '/later'(url, response) {
    response.end(String(process.pid))
    // Only when the answer is long gone.
    setTimeout(() => writeFileSync(url.searchParams.get('file'), String(process.pid)), 100)
  },
  '/never'() {
    console.log('never')
  },
  '/crash'(url) {
    until(url.searchParams.get('until')).then(() => process.exit(7))
  },
  async '/begin'(url, response) {
    response.write('begun')
    await until(url.searchParams.get('until'))
    process.exit(7)
  },
  '/trickle'(_, response) {
    response.write('begun')
  },
  '/closed'(url, response) {
    response.write('begun')
    response.on('close', () => writeFileSync(url.searchParams.get('file'), 'closed'))
  },
  '/echo'(_, response, request) {
    response.writeHead(201, [
      'X-Method', request.method, 'set-cookie', 'a=1', 'set-cookie', 'b=2', 'keep-alive', 'timeout=1',
    ])
    request.pipe(response)
  },
  async '/early'(url, response) {
    console.log('early')
    await until(url.searchParams.get('until'))
    response.writeHead(413).end('too much')
    // Long after a connection that the answer ends is closed.
    setTimeout(() => writeFileSync(url.searchParams.get('file'), ''), 100)
  },
  '/show'(_, response, request) {
    const { url, rawHeaders } = request
    response.end(JSON.stringify({ url, rawHeaders, variables }))
  },
}

createServer((request, response) => {
  const url = new URL(request.url, 'http://x')
  routes[url.pathname](url, response, request)
}).listen(Number(port), host)
`

interface WebProject extends Watched {
  readonly root: string
  end(): Promise<void>
}

async function startWeb(
  code: string,
  { options = '', simulate = {} }: { options?: string; simulate?: SimulateOptions } = {},
): Promise<WebProject> {
  const project = await makeProject({
    'thaw.config.ts': `import { defineApp, http } from '@thaw/app'
      const web = http('./src/web.mjs', { front: 'function-url', requestsPerEnvironment: 2, ${options} })
      export default defineApp({ name: 'project', functions: { web } })`,
    'src/web.mjs': code,
  })
  const watched = await start(project.root, simulate)
  return {
    ...watched,
    root: project.root,
    async end() {
      await watched.simulator.close()
      await project.remove()
    },
  }
}

const states = ({ simulator }: Watched) => simulator.environments().map(({ state }) => state)

async function withWeb<T>(fn: (web: WebProject) => Promise<T>, ...given: Parameters<typeof startWeb>) {
  const web = await startWeb(...given)
  try {
    return await fn(web)
  } finally {
    await web.end()
  }
}

describe('a server of its own', () => {
  let web: WebProject
  let count = 0
  const file = () => join(web.root, `file-${++count}`)
  const get = async (path: string) => await fetch(web.simulator.url + path)
  const text = async (path: string) => await (await get(path)).text()

  beforeAll(async () => {
    web = await startWeb(server)
  })
  afterAll(() => web.end())

  test('has several requests at once in one environment', async () => {
    const [first, second] = await Promise.all([text('/pair'), text('/pair')])
    expect(first).toBe(second)
    expect(web.simulator.environments()).toHaveLength(1)
  })

  test('gets more environments when there are more requests than theirs', async () => {
    const go = file()
    const all = Array.from({ length: 5 }, () => text(`/hold?until=${go}`))
    await expect.poll(() => states(web), patient).toEqual(['busy', 'busy', 'busy'])
    writeFileSync(go, '')
    const pids = await Promise.all(all)
    const each = [...new Set(pids)].map((pid) => pids.filter((other) => other === pid).length)
    expect(each.sort()).toEqual([1, 2, 2])
  })

  test('runs on while no request is open', async () => {
    const path = file()
    const pid = await text(`/later?file=${path}`)
    await expect.poll(() => states(web), patient).toContain('idle')
    await expect.poll(() => existsSync(path) && readFileSync(path, 'utf8'), patient).toBe(pid)
  })

  test('gets the request as it is, without what is of the connection and with what Lambda adds', async () => {
    const lines = [
      'GET /show?a=1&b=%2F+%20 HTTP/1.1',
      'Host: web.lambda-url.localhost',
      'X-Twice: 1',
      'x-twice: \u00e9',
      'X-Forwarded-For: 192.0.2.1',
      'X-Real-IP: 192.0.2.2',
      'Lambda-Web-Request-Id: mine',
      'X-HTTP-Method-Override: DELETE',
      'Connection: close, x-gone',
      'X-Gone: 1',
    ]
    const sent = await sendRaw(web.simulator.url, Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'))
    const headers = new Map(sent.headers)
    const id = headers.get('lambda-web-request-id')
    expect(id).toMatch(/^[A-Z2-7]{26}$/)
    expect(headers.get('lambda-web-logstream')).toMatch(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/)
    const { url, rawHeaders, variables } = JSON.parse(sent.body.toString())
    expect(url).toBe('/show?a=1&b=%2F+%20')
    expect(rawHeaders.slice(0, -2)).toEqual([
      ...['Host', 'web.lambda-url.localhost', 'X-Twice', '1', 'X-Twice', '\u00e9'],
      ...['x-forwarded-for', '192.0.2.1, 127.0.0.1', 'lambda-web-request-id', id],
      ...['lambda-web-endpoint-name', 'live'],
    ])
    expect(rawHeaders.slice(-2)).toEqual(['connection', 'keep-alive'])
    expect(variables).toContain('AWS_REGION')
    expect(variables).not.toContain('AWS_LAMBDA_FUNCTION_NAME')
    expect(variables).not.toContain('NODE_COMPILE_CACHE')
  })

  test.each([
    ['with a length', {}],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
  ])('streams a body %s both ways while it is made, and keeps status and headers', async (_, headers) => {
    const body = Buffer.alloc(300_000, 'x')
    const length = 'transfer-encoding' in headers ? {} : { 'content-length': String(body.length) }
    const outgoing = request(`${web.simulator.url}/echo`, {
      method: 'DELETE',
      headers: { ...headers, ...length },
    })
    outgoing.write(body.subarray(0, 100_000))
    const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve).once('error', reject)
    })
    expect(response.statusCode).toBe(201)
    expect(response.headers).toMatchObject({ 'x-method': 'DELETE', 'set-cookie': ['a=1', 'b=2'] })
    outgoing.end(body.subarray(100_000))
    let bytes = 0
    for await (const chunk of response) bytes += chunk.length
    expect(bytes).toBe(body.length)
  })

  test('which a request crashes is 502 for each that is open, and a break for an answer that has begun', async () => {
    const go = file()
    const begun = await get(`/begin?until=${go}`)
    const reader = begun.body!.getReader()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('begun')
    const arrived = web.line(/\| never$/)
    const never = get('/never')
    await arrived
    writeFileSync(go, '')
    await expect(reader.read()).rejects.toThrow()
    const answer = await never
    expect([answer.status, answer.headers.get('lambda-web-error-type')]).toEqual([502, 'Runtime.ExitError'])
    await web.line(/GET \/begin\S* 200 .* web#\d+, which broke off: .*exit status 7$/, 0)
    await web.line(/GET \/never 502 .*exit status 7$/, 0)
    await web.line(
      /REPORT RequestId: [A-Z2-7]+\tDuration: .*\tStatus: error\tError Type: Runtime.ExitError$/,
      0,
    )
    expect((await get('/pid')).status).toBe(200)
  })

  test('may answer without reading the request, whose client is still sending', async () => {
    const [go, answered] = [file(), file()]
    const [early, reported] = [web.line(/\| early/), web.line(/\| REPORT/)]
    const socket = connect(Number(new URL(web.simulator.url).port), '127.0.0.1')
    const heard = once(socket, 'data')
    const body = Buffer.alloc(1024 * 1024)
    const lines = [
      `POST /early?until=${go}&file=${answered} HTTP/1.1`,
      'host: x',
      `content-length: ${body.length}`,
    ]
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    await early
    // The simulator, which is in this process, has the body before it has the answer.
    socket.write(body)
    writeFileSync(go, '')
    while (!existsSync(answered)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    expect(String((await heard)[0])).toMatch(/^HTTP\/1\.1 413 /)
    expect(await reported).not.toContain('Status')
    socket.destroy()
  })

  test('finds out that a client has gone away', async () => {
    const path = file()
    const leaving = new AbortController()
    const answer = await fetch(`${web.simulator.url}/closed?file=${path}`, { signal: leaving.signal })
    expect(answer.status).toBe(200)
    leaving.abort()
    await web.line(/GET \/closed\S* 200 .*, but the client has gone away$/, 0)
    await expect.poll(() => existsSync(path), patient).toBe(true)
  })

  test('takes no events, and not every request', async () => {
    await expect(web.simulator.invoke('web', {})).rejects.toMatchObject({ code: 'FUNCTION_IS_WEB' })
    expect(() => web.simulator.invokeAsync('web', {})).toThrow('is a Web Function')
    for (const type of ['RequestResponse', 'Event']) {
      const { status, headers } = await fetch(
        `${web.simulator.awsUrl}/2015-03-31/functions/web/invocations`,
        {
          method: 'POST',
          headers: { 'x-amz-invocation-type': type },
        },
      )
      expect([status, headers.get('x-amzn-errortype')]).toEqual([404, 'ResourceNotFoundException'])
    }
    const statusOf = async (lines: string) => (await sendRaw(web.simulator.url, `${lines}\r\n\r\n`)).status
    expect(await statusOf('GET /pid HTTP/1.0')).toBe(505)
    expect(await statusOf('PROPFIND /pid HTTP/1.1\r\nhost: x\r\nconnection: close')).toBe(400)
    expect(await statusOf('PUT /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nexpect: 100-continue')).toBe(
      417,
    )
  })
})

test('a request that takes too long is 504, or cut, and the environment goes on', async () => {
  await withWeb(
    async ({ simulator, line }) => {
      const [late, begun] = await Promise.all([
        fetch(`${simulator.url}/never`),
        fetch(`${simulator.url}/trickle`),
      ])
      expect([late.status, late.headers.get('lambda-web-error-type')]).toEqual([
        504,
        'Runtime.RequestTimeout',
      ])
      expect(begun.status).toBe(200)
      await expect(begun.text()).rejects.toThrow()
      await line(/REPORT .*\tStatus: timeout/, 0)
      expect((await fetch(`${simulator.url}/pid`)).status).toBe(200)
      expect(simulator.environments()).toHaveLength(1)
      expect(simulator.environments()[0]?.id).toBe('web#1')
    },
    server,
    { options: 'timeout: 1' },
  )
})

test('more requests than there may be environments for are 429', async () => {
  await withWeb(
    async (web) => {
      const go = join(web.root, 'go')
      const held = Array.from({ length: 2 }, () => fetch(`${web.simulator.url}/hold?until=${go}`))
      await expect.poll(() => states(web), patient).toEqual(['busy'])
      const third = await fetch(`${web.simulator.url}/pid`)
      writeFileSync(go, '')
      expect(third.status).toBe(429)
      for (const answer of await Promise.all(held)) expect(answer.status).toBe(200)
    },
    server,
    { simulate: { maxEnvironments: 1 } },
  )
})

test('at its end an environment gets SIGTERM, without an extension, and SIGKILL a second later', async () => {
  await withWeb(
    async ({ simulator, lines }) => {
      const pid = Number(await (await fetch(`${simulator.url}/pid`)).text())
      const startedAt = performance.now()
      await simulator.shutDown('web#1')
      expect(performance.now() - startedAt).toBeGreaterThan(990)
      expect(lines).toContain('web#1 | SIGTERM')
      expect(isRunning(pid)).toBe(false)
    },
    server,
    { options: `environment: { STUBBORN: 'yes' }` },
  )
})

test('an environment without requests ends, and one that is killed is not told', async () => {
  await withWeb(
    async ({ simulator, lines }) => {
      await fetch(`${simulator.url}/pid`)
      await simulator.kill()
      expect(lines.join()).not.toContain('SIGTERM')
      await fetch(`${simulator.url}/pid`)
      await expect.poll(() => simulator.environments(), patient).toEqual([])
      expect(lines).toContain('web#2 | SIGTERM')
    },
    server,
    { simulate: { idleMs: 50 } },
  )
})

test.each([
  ['throws', `throw new Error('no')`, 'Application.InitCodeError', /Error: no/],
  [
    'ends',
    '',
    'Application.InitCodeError',
    /web#1 \| cannot initialise src\/web.handler: .*without providing/,
  ],
  [
    'listens nowhere',
    'setInterval(() => {}, 1000)',
    'Runtime.InitTimeout',
    /nothing listens at AWS_LAMBDA_HTTP_E/,
  ],
])('a server that %s is 502 with a reason, each time', async (_, code, errorType, said) => {
  await withWeb(
    async ({ simulator, line }) => {
      for (const _ of [1, 2]) {
        const answer = await fetch(simulator.url)
        expect([answer.status, answer.headers.get('lambda-web-error-type')]).toEqual([502, errorType])
      }
      await line(said, 0)
      await line(/INIT_REPORT Init Duration: .*\tPhase: init\tStatus: error/, 0)
    },
    code,
    { simulate: { initTimeoutMs: code.startsWith('set') ? 400 : 10_000 } },
  )
})
