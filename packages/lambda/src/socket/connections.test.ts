import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { awsService, credentials, type Received, type Reply } from '../../test/aws.ts'
import {
  type ConnectionRegistry,
  createConnections,
  everybody,
  memoryRegistry,
  registryTable,
  sqlRegistry,
} from '../index.ts'

let api: Awaited<ReturnType<typeof awsService>>
let answer: (request: Received) => Reply
beforeEach(async () => {
  answer = () => ({ status: 200 })
  api = await awsService('execute-api', (request) => answer(request))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await api.close()
})

function connect(registry = memoryRegistry()) {
  return createConnections({ registry, credentials, region: 'eu-west-1', endpoint: `${api.url}/prod` })
}

// Base64 with all that a path would not keep as it is.
const id = 'L0SM9c/FvHc+Cw='

test('what is sent arrives, signed, at the connection', async () => {
  const connections = connect()
  expect(await connections.send(id, 'text é')).toBe(true)
  expect(await connections.send(id, { a: 1 })).toBe(true)
  expect(await connections.send(id, Buffer.from('bytes'))).toBe(true)
  expect(await connections.send(id, new TextEncoder().encode('-more-').buffer)).toBe(true)
  expect(await connections.send(id, new DataView(new TextEncoder().encode('-more-').buffer, 1, 4))).toBe(true)
  expect(api.received.map(({ method, path, body }) => [method, path, body])).toEqual([
    ['POST', '/prod/@connections/L0SM9c%2FFvHc%2BCw%3D', 'text é'],
    ['POST', '/prod/@connections/L0SM9c%2FFvHc%2BCw%3D', '{"a":1}'],
    ['POST', '/prod/@connections/L0SM9c%2FFvHc%2BCw%3D', 'bytes'],
    ['POST', '/prod/@connections/L0SM9c%2FFvHc%2BCw%3D', '-more-'],
    ['POST', '/prod/@connections/L0SM9c%2FFvHc%2BCw%3D', 'more'],
  ])
  expect(api.received[0]?.headers['x-amz-security-token']).toBe(credentials.sessionToken)
})

test('a service that does not believe the signature says so', async () => {
  const wrong = createConnections({
    registry: memoryRegistry(),
    credentials: { ...credentials, secretAccessKey: 'another' },
    region: 'eu-west-1',
    endpoint: api.url,
  })
  await expect(wrong.send(id, 'x')).rejects.toMatchObject({
    code: 'CONNECTION_FAILED',
    connectionId: id,
    answered: 403,
    message: expect.stringMatching(/status 403: .*signature.* needs execute-api:ManageConnections/),
  })
})

test('a closed connection is forgotten', async () => {
  answer = () => ({ status: 410 })
  const connections = connect()
  await connections.join(id, everybody)
  await connections.join(id, 'news')
  expect(await connections.send(id, 'x')).toBe(false)
  expect(await connections.registry.list(everybody)).toEqual([])
  expect(await connections.registry.list('news')).toEqual([])
})

test('a broadcast reaches a topic, forgets who is gone, and says who failed', async () => {
  answer = ({ path }) => ({ status: path.endsWith('gone') ? 410 : path.endsWith('slow') ? 429 : 200 })
  const connections = connect()
  const ids = Array.from({ length: 50 }, (_, index) => `c${index}`)
  for (const each of [...ids, 'gone', 'slow']) await connections.join(each, 'news')
  await connections.join('elsewhere', everybody)
  const { failed, ...counts } = await connections.broadcast({ n: 1 }, 'news')
  expect(counts).toEqual({ sent: 50, gone: 1 })
  expect(failed).toMatchObject([{ connectionId: 'slow', error: { answered: 429 } }])
  expect(api.received).toHaveLength(52)
  expect(await connections.registry.list('news')).toHaveLength(51)
  expect(await connections.broadcast('x')).toEqual({ sent: 1, gone: 0, failed: [] })
})

test('what the registry cannot forget is an error, which keeps a broadcast from nobody', async () => {
  answer = ({ path }) => ({ status: path.endsWith('gone') ? 410 : 200 })
  const registry = memoryRegistry()
  const connections = connect({ ...registry, remove: () => Promise.reject(new Error('database is gone')) })
  const ids = Array.from({ length: 80 }, (_, index) => (index < 40 ? `${index}-gone` : `${index}`))
  for (const each of ids) await connections.join(each, 'news')
  await expect(connections.broadcast('x', 'news')).rejects.toThrow('database is gone')
  expect(api.received).toHaveLength(80)
})

test('disconnect closes and forgets, also what is closed already', async () => {
  const connections = connect()
  for (const status of [204, 410]) {
    answer = () => ({ status })
    await connections.join(id, everybody)
    await connections.disconnect(id)
    expect(await connections.registry.list(everybody)).toEqual([])
  }
  expect(api.received.map(({ method }) => method)).toEqual(['DELETE', 'DELETE'])
})

test('the endpoint, the region and the credentials come from the environment too', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI', `${api.url}/dev/`)
  vi.stubEnv('AWS_REGION', 'ap-south-1')
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey)
  vi.stubEnv('AWS_SESSION_TOKEN', credentials.sessionToken)
  expect(await createConnections({ registry: memoryRegistry() }).send('a', 'x')).toBe(true)
  expect(api.received[0]?.path).toBe('/dev/@connections/a')
  expect(api.received[0]?.headers.authorization).toContain('/ap-south-1/execute-api/')
})

test('without an endpoint, and with one where nobody listens, the error says what is wrong', async () => {
  const lost = createConnections({ registry: memoryRegistry(), region: 'eu-west-1', credentials })
  await expect(lost.send(id, 'x')).rejects.toThrow(/AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI/)
  const connections = connect()
  await api.close()
  await expect(connections.send(id, 'x')).rejects.toMatchObject({ code: 'CONNECTION_FAILED', answered: null })
  api = await awsService('execute-api', () => ({ status: 200 }))
})

describe.each<[string, () => ConnectionRegistry]>([
  ['memory', memoryRegistry],
  [
    'SQL',
    () => {
      const sqlite = new DatabaseSync(':memory:')
      sqlite.exec(registryTable())
      return sqlRegistry(async (sql, parameters) => ({ rows: sqlite.prepare(sql).all(...parameters) }))
    },
  ],
])('a registry in %s', (_name, create) => {
  test('lists what was added to a topic, once, and forgets from one or from all', async () => {
    const registry = create()
    expect(await registry.list('t')).toEqual([])
    for (const [topic, connection] of [
      ['t', 'a'],
      ['t', 'a'],
      ['t', 'b'],
      ['u', 'a'],
    ] as const) {
      await registry.add(topic, connection)
    }
    expect(await registry.list('t')).toEqual(['a', 'b'])
    await registry.remove('u', 'a')
    expect([await registry.list('t'), await registry.list('u')]).toEqual([['a', 'b'], []])
    await registry.add('u', 'a')
    await registry.remove(null, 'a')
    await registry.remove(null, 'unknown')
    expect([await registry.list('t'), await registry.list('u')]).toEqual([['b'], []])
  })
})

test('the SQL of PostgreSQL numbers its parameters; a table has a plain name', async () => {
  const statements: unknown[] = []
  const registry = sqlRegistry(
    async (sql, parameters) => {
      statements.push([sql, parameters])
      return { rows: [] }
    },
    { table: 'live', parameters: '$1' },
  )
  await registry.remove('t', 'a')
  expect(statements).toEqual([['delete from live where connection_id = $1 and topic = $2', ['a', 't']]])
  expect(() => sqlRegistry(async () => ({ rows: [] }), { table: 'x; drop table y' })).toThrow(TypeError)
})
