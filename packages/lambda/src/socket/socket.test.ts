import { afterEach, expect, test, vi } from 'vitest'
import { awsService, credentials } from '../../test/aws.ts'
import { lambdaContext } from '../../test/events.ts'
import {
  createConnections,
  everybody,
  memoryRegistry,
  type SocketEvent,
  type SocketRecord,
  socket,
} from '../index.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

/** An event of a WebSocket API, by AWS's description. */
function socketEvent(
  routeKey: string,
  changes: Record<string, unknown> = {},
  context: Record<string, unknown> = {},
) {
  const eventType = /^\$(connect|disconnect)$/.test(routeKey) ? routeKey.slice(1).toUpperCase() : 'MESSAGE'
  return {
    requestContext: {
      routeKey,
      eventType,
      messageId: eventType === 'MESSAGE' ? 'JVc6Rd-vIAMCIAA=' : undefined,
      extendedRequestId: 'JVc6RGLNoAMFXBw=',
      requestTime: '09/Feb/2024:18:23:28 +0000',
      messageDirection: 'IN',
      stage: 'prod',
      connectedAt: 1707503007396,
      requestTimeEpoch: 1707503008941,
      identity: { sourceIp: '192.0.2.1' },
      requestId: 'JVc6RGLNoAMFXBw=',
      domainName: 'abcd1234.execute-api.eu-west-1.amazonaws.com',
      connectionId: 'L0SM9cOFvHcCIhw=',
      apiId: 'abcd1234',
      ...context,
    },
    isBase64Encoded: false,
    ...changes,
  }
}

test('each event reaches its handler with what is known of it', async () => {
  const seen: [string, Partial<SocketEvent>][] = []
  const note = (name: string) => (event: SocketEvent) => void seen.push([name, event])
  const handler = socket({
    connect: note('connect'),
    disconnect: note('disconnect'),
    routes: { say: note('say') },
    message: note('message'),
  })
  const opening = socketEvent(
    '$connect',
    { headers: { Host: 'a.example', 'X-Key': 'k' }, queryStringParameters: { token: 't' } },
    { authorizer: { principalId: 'u1' } },
  )
  const events = [
    opening,
    socketEvent('say', { body: '{"a":1}' }),
    socketEvent('$default', { body: 'AQI=', isBase64Encoded: true }),
    socketEvent('constructor', { body: 'x' }),
    socketEvent('$disconnect'),
  ]
  for (const event of events) expect(await handler(event, lambdaContext())).toEqual({ statusCode: 200 })
  expect(seen.map(([name, { route }]) => [name, route])).toEqual([
    ['connect', '$connect'],
    ['say', 'say'],
    ['message', '$default'],
    ['message', 'constructor'],
    ['disconnect', '$disconnect'],
  ])
  expect(seen[0]?.[1]).toMatchObject({
    connectionId: 'L0SM9cOFvHcCIhw=',
    headers: new Map([
      ['host', 'a.example'],
      ['x-key', 'k'],
    ]),
    query: new Map([['token', 't']]),
    clientAddress: '192.0.2.1',
    authorizer: { principalId: 'u1' },
    body: '',
    event: opening,
  })
  expect(seen[1]?.[1].json?.()).toEqual({ a: 1 })
  expect(seen[2]?.[1].body).toEqual(Buffer.of(1, 2))
})

test('connections that open are registered, refused ones are not, and closed ones are forgotten', async () => {
  const connections = createConnections({ registry: memoryRegistry() })
  const open = () => connections.registry.list(everybody)
  let refused = true
  const handler = socket(
    {
      connect() {
        if (refused) throw Object.assign(new Error('who are you?'), { status: 401 })
      },
    },
    { connections },
  )
  expect(await handler(socketEvent('$connect'), lambdaContext())).toEqual({ statusCode: 401 })
  expect(await open()).toEqual([])
  refused = false
  await handler(socketEvent('$connect'), lambdaContext())
  await connections.join('L0SM9cOFvHcCIhw=', 'news')
  expect(await open()).toEqual(['L0SM9cOFvHcCIhw='])
  await handler(socketEvent('$disconnect'), lambdaContext())
  expect([await open(), await connections.registry.list('news')]).toEqual([[], []])
})

test('inside a handler, connections speak to the API of the event', async () => {
  vi.stubEnv('AWS_REGION', 'eu-west-1')
  const connections = createConnections({ registry: memoryRegistry(), credentials })
  const tried: string[] = []
  const handler = socket({
    message: ({ connectionId }) =>
      connections.send(connectionId, 'x').catch((error: Error) => {
        tried.push(/https:[^ ]+(?=\/@)/.exec(String(error.cause))?.[0] ?? String(error))
      }),
  })
  // No name below .invalid resolves.
  const host = 'abcd1234.execute-api.eu-west-1.amazonaws.invalid'
  await handler(socketEvent('$default', {}, { domainName: host }), lambdaContext())
  expect(tried).toEqual([`https://${host}/prod`])
})

test('many connections are sent to within a message, by the function’s own credentials', async () => {
  const api = await awsService('execute-api', () => ({ status: 200 }))
  vi.stubEnv('AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI', `${api.url}/prod`)
  vi.stubEnv('AWS_REGION', 'eu-west-1')
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey)
  vi.stubEnv('AWS_SESSION_TOKEN', credentials.sessionToken)
  const warnings: unknown[] = []
  const warn = (warning: unknown) => warnings.push(warning)
  process.on('warning', warn)
  const connections = createConnections({ registry: memoryRegistry() })
  for (let index = 0; index < 50; index++) await connections.join(`c${index}`, everybody)
  const sent: unknown[] = []
  const handler = socket({
    routes: { ping: async (event) => sent.push(await connections.broadcast(event.json())) },
  })
  expect(await handler(socketEvent('ping', { body: '7' }), lambdaContext())).toEqual({ statusCode: 200 })
  await new Promise(setImmediate)
  process.off('warning', warn)
  await api.close()
  expect(sent).toEqual([{ sent: 50, gone: 0, failed: [] }])
  expect(new Set(api.received.map(({ path }) => path)).size).toBe(50)
  expect(warnings).toEqual([])
})

test('failures have a status and a line; what the client did wrong has none', async () => {
  const lines: SocketRecord[] = []
  const routes = {
    json: (event: SocketEvent) => event.json(),
    broken: () => Promise.reject(new Error('bug')),
    race: () => Promise.reject(Object.assign(new Error('lost'), { retryable: true })),
  }
  const handler = socket({ routes }, { log: (line) => void lines.push(line) })
  const statuses = []
  for (const route of ['json', 'broken', 'race', 'unknown']) {
    statuses.push((await handler(socketEvent(route, { body: 'no json' }), lambdaContext())).statusCode)
  }
  expect(statuses).toEqual([400, 500, 503, 404])
  expect(lines).toMatchObject([
    {
      level: 'ERROR',
      route: 'broken',
      connectionId: 'L0SM9cOFvHcCIhw=',
      status: 500,
      error: { message: 'bug' },
    },
    { level: 'ERROR', route: 'race', status: 503 },
    { level: 'WARN', route: 'unknown', status: 404 },
  ])
})

test('participants are around every event', async () => {
  const seen: unknown[] = []
  const handler = socket(
    { connect: () => void seen.push('work') },
    {
      with: [
        {
          async around({ event }, next) {
            seen.push(event)
            return next()
          },
        },
      ],
    },
  )
  const event = socketEvent('$connect')
  await handler(event, lambdaContext())
  expect(seen).toEqual([event, 'work'])
})

test.each([[{}], [null], [{ requestContext: { connectionId: 'a', routeKey: 'x' } }], [{ Records: [] }]])(
  '%j is no event of a WebSocket API',
  async (event) => {
    await expect(socket({})(event, lambdaContext())).rejects.toMatchObject({ code: 'EVENT_NOT_SOCKET' })
  },
)
