import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { makeProject, start, type Watched } from './support.ts'

// Broadcasts over a registry in a folder that all environments see.
const chat = `
import { appendFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createConnections, socket } from '@thaw/lambda'

const folder = process.env.REGISTRY
mkdirSync(folder, { recursive: true })
const pairs = () => readdirSync(folder).map((name) => name.split('~'))
const registry = {
  add: async (topic, id) => writeFileSync(folder + '/' + topic + '~' + id, ''),
  async remove(topic, id) {
    for (const [t, i] of pairs())
      if (i === id && (topic === null || t === topic)) rmSync(folder + '/' + t + '~' + i, { force: true })
  },
  list: async (topic) => pairs().filter(([t]) => t === topic).map(([, id]) => id),
}
const connections = createConnections({ registry })
const note = (event) => appendFileSync(process.env.EVENTS, JSON.stringify(event.event) + '\\n')

const handle = socket(
  {
    connect: (event) => {
      note(event)
      if (event.query.has('refuse')) throw Object.assign(new Error('no'), { status: 401 })
      if (event.query.has('crash')) process.exit(1)
    },
    disconnect: note,
    routes: {
      async say(event) {
        await connections.broadcast({ pid: process.pid, said: event.json().text })
      },
      pid: (event) => connections.send(event.connectionId, { pid: process.pid }),
      async hold(event) {
        await connections.send(event.connectionId, { holding: process.pid })
        await new Promise(() => setTimeout(() => {}, 60_000))
      },
      close: (event) => connections.disconnect(event.connectionId),
      die: () => process.exit(1),
    },
    async message(event) {
      note(event)
      await connections.send(event.connectionId, event.body)
    },
  },
  { connections },
)

export async function handler(event, context) {
  const { subprotocol } = event.queryStringParameters ?? {}
  const answer = await handle(event, context)
  if (subprotocol) return { ...answer, headers: { 'Sec-WebSocket-Protocol': subprotocol } }
  return answer
}
`

const config = (route: string) => `
import { defineApp, http, socket } from '@thaw/app'
export default defineApp({
  name: 'chat',
  functions: {
    web: http('./web.mjs'),
    chat: socket('./chat.mjs'${route}),
  },
})
`
const web = `
export const handler = async (event) => ({ statusCode: 200, body: JSON.stringify({ path: event.rawPath, variables: process.env }) })
`

const routes = `, { route: ['$connect', '$disconnect', '$default', 'say', 'pid', 'hold', 'close', 'die'] }`

let project: Awaited<ReturnType<typeof makeProject>>
let watched: Watched
let url: string

beforeAll(async () => {
  project = await makeProject({ 'thaw.config.ts': config(routes), 'web.mjs': web, 'chat.mjs': chat })
  const environment = { REGISTRY: join(project.root, 'registry'), EVENTS: join(project.root, 'events') }
  watched = await start(project.root, { environment, webSocket: { integrationTimeoutMs: 20_000 } })
  url = watched.simulator.url.replace('http', 'ws')
})

afterAll(async () => {
  await watched?.simulator.close()
  await project?.remove()
})

/** A client whose messages are read one after the other. */
class Client {
  readonly socket: WebSocket
  readonly #messages: string[] = []
  #wake = () => {}
  readonly closed: Promise<[code: number, reason: string]>
  readonly refused: Promise<{ status: number; body: string }>

  constructor(address: string, protocols: string[] = [], options: ClientOptions = {}) {
    this.socket = new WebSocket(address, protocols, options)
    this.socket.on('error', () => {})
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve([code, reason.toString()]))
    })
    this.refused = new Promise((resolve) => {
      this.socket.on('unexpected-response', async (_request, response) => {
        let body = ''
        for await (const chunk of response) body += chunk
        resolve({ status: response.statusCode ?? 0, body })
      })
    })
    this.socket.on('message', (data) => {
      this.#messages.push(data.toString())
      this.#wake()
    })
  }

  async open(): Promise<this> {
    const refused = this.refused.then(({ status }) => Promise.reject(new Error(`refused with ${status}`)))
    await Promise.race([once(this.socket, 'open'), refused])
    return this
  }

  send(data: unknown): void {
    this.socket.send(typeof data === 'string' || data instanceof Uint8Array ? data : JSON.stringify(data))
  }

  /** The next message, as JSON where it is that. */
  async next() {
    while (this.#messages.length === 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    const text = this.#messages.shift() ?? ''
    return text.startsWith('{') ? JSON.parse(text) : text
  }
}

const connect = (path = '/', ...rest: [string[]?, ClientOptions?]) => new Client(url + path, ...rest).open()

function events() {
  const text = readFileSync(join(project.root, 'events'), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** The last event of this type for a connection, once it is there. */
async function eventOf(eventType: string, connectionId: string) {
  for (;;) {
    const found = events().findLast(
      ({ requestContext }) =>
        requestContext.eventType === eventType && requestContext.connectionId === connectionId,
    )
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Sends a message to `$default`, and reads the event that the function got. */
async function idOf(client: Client): Promise<string> {
  const mark = `mark ${Math.random()}`
  client.send(mark)
  expect(await client.next()).toBe(mark)
  return events().findLast(({ body }) => body === mark).requestContext.connectionId
}

const corpora = new URL('../../../../shared/corpora/lambda-events/other/', import.meta.url)
const recorded = (name: string) => JSON.parse(readFileSync(new URL(name, corpora), 'utf8'))
/** Names of fields at every level; those of headers, which differ from client to client, left out. */
const shape = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([name]) => !['apiKey', 'apiKeyId', 'userAgent'].includes(name))
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, inner]) => [name, /headers/i.test(name) ? 'headers' : shape(inner)]),
      )
    : typeof value

describe('events', () => {
  test('of a connection, its messages and its end', async () => {
    const client = await connect('/any/path?a=1&a=2&b=%20+', [], {
      headers: { 'User-Agent': 'tester', Cookie: 'c=1', 'X-Forwarded-For': '203.0.113.7' },
    })
    const id = await idOf(client)
    const { host, port } = new URL(url)
    const opening = await eventOf('CONNECT', id)
    expect(opening).toMatchObject({
      headers: {
        Host: host,
        'User-Agent': 'tester',
        Cookie: 'c=1',
        'X-Forwarded-For': '203.0.113.7, 127.0.0.1',
        'X-Forwarded-Port': port,
      },
      multiValueHeaders: { Cookie: ['c=1'] },
      queryStringParameters: { a: '2', b: '  ' },
      multiValueQueryStringParameters: { a: ['1', '2'], b: ['  '] },
      requestContext: {
        routeKey: '$connect',
        stage: 'local',
        domainName: host,
        identity: { userAgent: 'tester', sourceIp: '127.0.0.1' },
      },
      isBase64Encoded: false,
    })
    expect(Object.keys(opening.headers).map((name) => name.toLowerCase())).not.toContain('connection')
    expect(id).toMatch(/^[\w-]{15}=$/)

    const message = await eventOf('MESSAGE', id)
    expect(Object.keys(message).sort()).toEqual(['body', 'isBase64Encoded', 'requestContext'])
    expect(message.requestContext).toMatchObject({
      routeKey: '$default',
      connectedAt: opening.requestContext.connectedAt,
      messageId: expect.any(String),
    })

    client.socket.close(3001, 'had enough')
    const end = await eventOf('DISCONNECT', id)
    expect(end).toMatchObject({
      headers: { Host: host, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' },
      requestContext: { routeKey: '$disconnect', disconnectStatusCode: 3001, disconnectReason: 'had enough' },
    })

    const bare = await connect()
    const bareId = await idOf(bare)
    bare.socket.close()
    const bareEnd = await eventOf('DISCONNECT', bareId)
    expect(bareEnd.requestContext).toMatchObject({
      disconnectStatusCode: 1005,
      disconnectReason: 'Client-side close frame status not set',
    })
    const cut = await connect()
    const cutId = await idOf(cut)
    cut.socket.terminate()
    expect((await eventOf('DISCONNECT', cutId)).requestContext.disconnectStatusCode).toBe(1006)
  })

  test.skipIf(!existsSync(corpora))('have the shape of recorded ones', async () => {
    const client = await connect()
    const id = await idOf(client)
    client.socket.close()
    const opening = await eventOf('CONNECT', id)
    expect(shape(opening)).toEqual(shape(recorded('example-apigw-websocket-request-without-method.json')))
    const end = await eventOf('DISCONNECT', id)
    expect(shape(end)).toEqual(shape(recorded('example-apigw-websocket-request-disconnect-route.json')))
    expect(Object.keys(end.headers)).toEqual(
      Object.keys(recorded('example-apigw-websocket-request-disconnect-route.json').headers),
    )
  })
})

describe('a client', () => {
  test('is refused with the status of the function, or 502', async () => {
    expect(await new Client(`${url}/?refuse`).refused).toEqual({ status: 401, body: '' })
    const crashed = await new Client(`${url}/?crash`).refused
    expect(crashed.status).toBe(502)
    expect(JSON.parse(crashed.body)).toMatchObject({ message: 'Internal server error' })
  })

  test('gets the subprotocol that the function answers', async () => {
    const chosen = await connect('/?subprotocol=b', ['a', 'b'])
    expect(chosen.socket.protocol).toBe('b')
    // Clients that offered some and get none do not like it, on AWS as here.
    const none = new Client(url, ['a'])
    expect(await none.closed).toEqual([1006, ''])
  })

  test('of the browser’s kind works as well', async () => {
    const browser = new globalThis.WebSocket(url)
    await once(browser, 'open')
    browser.send('hello')
    const [{ data }] = (await once(browser, 'message')) as [MessageEvent]
    expect(data).toBe('hello')
    browser.close()
    await once(browser, 'close')
  })

  test('that asks for what is no upgrade to a WebSocket gets the HTTP API', async () => {
    const http = watched.simulator.url
    expect(await (await fetch(`${http}/x`)).json()).toMatchObject({ path: '/x' })
    const answer = await fetch(`${http}/@connections`)
    expect(await answer.json()).toMatchObject({ path: '/@connections' })
  })
})

describe('messages', () => {
  test('reach everybody, from two environments', async () => {
    const clients = await Promise.all([connect(), connect(), connect()])
    const [one, two, three] = clients as [Client, Client, Client]
    one.send({ action: 'hold' })
    const { holding } = await one.next()
    two.send({ action: 'say', text: 'from the second' })
    const heard = await Promise.all(clients.map((client) => client.next()))
    expect(heard).toEqual(Array(3).fill({ pid: expect.any(Number), said: 'from the second' }))
    expect(heard[0].pid).not.toBe(holding)

    // The environment of the first is killed while it works on its message.
    const busy = watched.simulator.environments().find(({ pid }) => pid === holding)
    expect(busy).toMatchObject({ functionName: 'chat', state: 'busy' })
    await watched.simulator.kill(busy?.id)
    expect(await one.next()).toEqual({
      message: 'Internal server error',
      connectionId: expect.any(String),
      requestId: expect.any(String),
    })
    one.send({ action: 'say', text: 'still here' })
    expect(await Promise.all(clients.map((client) => client.next()))).toMatchObject(
      Array(3).fill({ said: 'still here' }),
    )
    // One that is gone is found out, and forgotten.
    three.socket.terminate()
    await three.closed
    two.send({ action: 'say', text: 'two left' })
    expect(await two.next()).toMatchObject({ said: 'two left' })
    expect(await one.next()).toMatchObject({ said: 'two left' })
  })

  test('without a route go to $default, whatever they are', async () => {
    const client = await connect()
    for (const text of [
      '',
      'null',
      '"say"',
      '[1]',
      '{"action":"unknown"}',
      '{"action":{"say":1}}',
      '{"action":"$connect"}',
      'ü😀',
    ]) {
      client.send(text)
      const got = await client.next()
      expect(typeof got === 'string' ? got : JSON.stringify(got)).toBe(text)
    }
  })

  test('are refused when they are binary or too large', async () => {
    const binary = await connect()
    binary.send(Buffer.from('x'))
    expect((await binary.closed)[0]).toBe(1003)

    const frame = await connect()
    frame.send('x'.repeat(32 * 1024))
    expect(await frame.next()).toHaveLength(32 * 1024)
    frame.send('x'.repeat(32 * 1024 + 1))
    expect((await frame.closed)[0]).toBe(1009)

    const many = await connect()
    const fragment = 'x'.repeat(32 * 1024)
    for (let count = 1; count <= 4; count++) many.socket.send(fragment, { fin: count === 4 })
    expect(await many.next()).toHaveLength(128 * 1024)
    for (let count = 1; count <= 4; count++) many.socket.send(fragment, { fin: false })
    many.socket.send('x', { fin: true })
    expect((await many.closed)[0]).toBe(1009)
  })

  test('of a function that crashes: the client is told and stays', async () => {
    const client = await connect()
    const connectionId = await idOf(client)
    client.send({ action: 'die' })
    expect(await client.next()).toEqual({
      message: 'Internal server error',
      connectionId,
      requestId: expect.any(String),
    })
    await idOf(client)
  })
})

describe('the management API', () => {
  const address = (id: string, stage = '') =>
    `${watched.simulator.url}${stage}/@connections/${encodeURIComponent(id)}`

  test('sends, tells and closes', async () => {
    const client = await connect('/', [], { headers: { 'User-Agent': 'tester' } })
    const id = await idOf(client)
    expect((await fetch(address(id), { method: 'POST', body: 'pushed' })).status).toBe(200)
    expect(await client.next()).toBe('pushed')
    // An endpoint made of the event's domain name and stage.
    const { domainName, stage } = (await eventOf('CONNECT', id)).requestContext
    const made = `http://${domainName}/${stage}/@connections/${encodeURIComponent(id)}`
    expect((await fetch(made, { method: 'POST', body: 'ü'.repeat(64 * 1024) })).status).toBe(200)
    expect(await client.next()).toHaveLength(64 * 1024)

    const answer = await fetch(address(id, '/local'))
    const told = (await answer.json()) as Record<'connectedAt' | 'lastActiveAt', string>
    expect(told).toEqual({
      connectedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      identity: { sourceIp: '127.0.0.1', userAgent: 'tester' },
      lastActiveAt: expect.stringMatching(/^\d{4}-.*Z$/),
    })
    expect(Date.parse(told.lastActiveAt)).toBeGreaterThanOrEqual(Date.parse(told.connectedAt))

    expect((await fetch(address(id), { method: 'DELETE' })).status).toBe(204)
    expect(await client.closed).toEqual([1000, 'Connection Closed Normally'])
    for (const method of ['POST', 'GET', 'DELETE']) {
      const answer = await fetch(address(id), { method })
      expect(answer.status).toBe(410)
      expect(answer.headers.get('x-amzn-errortype')).toBe('GoneException')
    }
  })

  test('refuses what is too large, badly signed or nothing that it does', async () => {
    const client = await connect()
    const id = await idOf(client)
    const post = (body: string, headers = {}) => fetch(address(id), { method: 'POST', body, headers })
    expect((await post('x'.repeat(128 * 1024 + 1))).status).toBe(413)
    expect((await post('x', { authorization: 'Bearer me' })).status).toBe(403)
    expect((await fetch(address(id), { method: 'PUT' })).status).toBe(403)
    expect((await post('still')).status).toBe(200)
    expect(await client.next()).toBe('still')
  })

  test('closes from within a function', async () => {
    const client = await connect()
    client.send({ action: 'close' })
    expect((await client.closed)[0]).toBe(1000)
  })

  test('is known to functions, like the S3 server, and nothing else of AWS is', async () => {
    const answer = await fetch(watched.simulator.url)
    const { variables } = (await answer.json()) as { readonly variables: Readonly<Record<string, string>> }
    expect(variables).toMatchObject({
      AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: watched.simulator.url,
      AWS_ENDPOINT_URL_S3: watched.simulator.s3Url,
      AWS_ACCESS_KEY_ID: expect.any(String),
      AWS_SECRET_ACCESS_KEY: expect.any(String),
    })
    expect(variables).not.toHaveProperty('AWS_ENDPOINT_URL')
  })
})

test('without $connect everybody may come, and without $default a message may be forbidden', async () => {
  const own = await makeProject({
    'thaw.config.ts': config(`, { route: 'only' }`),
    'web.mjs': web,
    'chat.mjs': `export const handler = async () => ({ statusCode: 200, body: 'never seen' })`,
  })
  const simulation = await start(own.root)
  try {
    const client = await new Client(simulation.simulator.url.replace('http', 'ws')).open()
    client.send('what?')
    expect(await client.next()).toEqual({
      message: 'Forbidden',
      connectionId: expect.any(String),
      requestId: expect.any(String),
    })
    // The answer of a function goes nowhere: the next thing to come is the complaint.
    const done = simulation.line(/websocket only done/)
    client.send({ action: 'only' })
    await done
    client.send('and now?')
    expect(await client.next()).toMatchObject({ message: 'Forbidden' })
    await simulation.simulator.close()
    expect((await client.closed)[0]).toBe(1006)
  } finally {
    await simulation.simulator.close()
    await own.remove()
  }
})

test('limits of time: too slow, idle, and too long connected', async () => {
  const files = {
    'thaw.config.ts': config(`, { route: ['$default'] }`),
    'web.mjs': web,
    'chat.mjs': 'export const handler = () => new Promise(() => setTimeout(() => {}, 60_000))',
  }
  const own = await makeProject(files)
  const slow = await start(own.root, { webSocket: { integrationTimeoutMs: 50, idleMs: 400 } })
  const brief = await start(own.root, { webSocket: { lifetimeMs: 200 } })
  try {
    const client = await new Client(slow.simulator.url.replace('http', 'ws')).open()
    client.send('x')
    expect(await client.next()).toMatchObject({ message: 'Endpoint request timed out' })
    expect(await client.closed).toEqual([1001, 'Going away'])
    const other = await new Client(brief.simulator.url.replace('http', 'ws')).open()
    expect(await other.closed).toEqual([1001, 'Going away'])
  } finally {
    await slow.simulator.close()
    await brief.simulator.close()
    await own.remove()
  }
})

test('an application without sockets takes a request to upgrade as a plain one', async () => {
  const own = await makeProject({
    'thaw.config.ts': `import { defineApp, http } from '@thaw/app'
export default defineApp({ name: 'plain', functions: { web: http('./web.mjs') } })`,
    'web.mjs': web,
  })
  const plain = await start(own.root)
  try {
    expect((await new Client(plain.simulator.url.replace('http', 'ws')).refused).status).toBe(200)
    const answer = await fetch(`${plain.simulator.url}/@connections/abc`)
    expect(await answer.json()).toMatchObject({ path: '/@connections/abc' })
  } finally {
    await plain.simulator.close()
    await own.remove()
  }
})
