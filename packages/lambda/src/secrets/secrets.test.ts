import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { awsService, credentials } from '../../test/aws.ts'
import { createSecrets } from '../index.ts'

let values: Record<string, string>
const services: Awaited<ReturnType<typeof awsService>>[] = []

/** Secrets Manager or the Parameter Store, as their API references describe them. */
async function start(service: 'secretsmanager' | 'ssm', variable: string) {
  const running = await awsService(service, ({ method, path, headers, body }) => {
    const { SecretId, Name, WithDecryption } = JSON.parse(body)
    const target = headers['x-amz-target']
    if (method !== 'POST' || path !== '/' || headers['content-type'] !== 'application/x-amz-json-1.1')
      return { status: 500 }
    const value = values[SecretId ?? Name]
    if (value === undefined) {
      return {
        status: 400,
        body: '{"__type":"com.amazonaws#ResourceNotFoundException","message":"no such thing"}',
      }
    }
    if (target === 'secretsmanager.GetSecretValue') {
      return {
        status: 200,
        body: JSON.stringify(value === 'binary' ? { SecretBinary: 'AQ==' } : { SecretString: value }),
      }
    }
    if (target === 'AmazonSSM.GetParameter' && WithDecryption) {
      return { status: 200, body: JSON.stringify({ Parameter: { Name, Value: value } }) }
    }
    return { status: 400 }
  })
  vi.stubEnv(variable, running.url)
  services.push(running)
  return running
}

beforeEach(() => {
  values = { db: 'v1', '/app/key': 'p1', blob: 'binary' }
  vi.stubEnv('AWS_REGION', 'eu-west-1')
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey)
  vi.stubEnv('AWS_SESSION_TOKEN', credentials.sessionToken)
  vi.stubEnv('PARAMETERS_SECRETS_EXTENSION_HTTP_PORT', undefined)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const service of services.splice(0)) await service.close()
})

test('secrets and parameters are had from their services, by signed requests', async () => {
  await start('secretsmanager', 'AWS_ENDPOINT_URL_SECRETS_MANAGER')
  await start('ssm', 'AWS_ENDPOINT_URL_SSM')
  const { secret, parameter } = createSecrets()
  expect(await secret('db')).toBe('v1')
  expect(await parameter('/app/key')).toBe('p1')
})

test('a value is known until its time is up, or until somebody asks for a new one', async () => {
  const { received } = await start('secretsmanager', 'AWS_ENDPOINT_URL_SECRETS_MANAGER')
  let now = 0
  const { secret } = createSecrets({ ttlMs: 1_000, now: () => now })
  await Promise.all([secret('db'), secret('db')])
  values.db = 'v2'
  now = 999
  expect([await secret('db'), received.length]).toEqual(['v1', 1])
  now = 1_000
  expect([await secret('db'), received.length]).toEqual(['v2', 2])
  values.db = 'v3'
  expect(await Promise.all([secret('db', { refresh: true }), secret('db', { refresh: true })])).toEqual([
    'v3',
    'v3',
  ])
  expect([await secret('db'), received.length]).toEqual(['v3', 3])
})

test('an answer that comes after a newer one changes nothing', async () => {
  await start('secretsmanager', 'AWS_ENDPOINT_URL_SECRETS_MANAGER')
  const asked = Promise.withResolvers<ServerResponse>()
  const extension = createServer((_request, response) => asked.resolve(response))
  await once(extension.listen(0, 'localhost'), 'listening')
  try {
    vi.stubEnv('PARAMETERS_SECRETS_EXTENSION_HTTP_PORT', String((extension.address() as AddressInfo).port))
    const { secret } = createSecrets()
    const slow = secret('db')
    const response = await asked.promise
    values.db = 'rotated'
    expect(await secret('db', { refresh: true })).toBe('rotated')
    response.end('{"SecretString":"v1"}')
    expect(await slow).toBe('rotated')
    expect(await secret('db')).toBe('rotated')
  } finally {
    extension.closeAllConnections()
    extension.close()
  }
})

test('what is not there is an error that says so, and is asked for again', async () => {
  await start('secretsmanager', 'AWS_ENDPOINT_URL_SECRETS_MANAGER')
  const { secret } = createSecrets()
  await expect(secret('new')).rejects.toMatchObject({
    code: 'SECRET_UNAVAILABLE',
    message: 'The secret new: status 400 ResourceNotFoundException no such thing',
  })
  await expect(secret('blob')).rejects.toThrow('The secret blob: it holds no text.')
  values.new = 'here now'
  expect(await secret('new')).toBe('here now')
})

test('without credentials nothing is asked', async () => {
  const { received } = await start('secretsmanager', 'AWS_ENDPOINT_URL_SECRETS_MANAGER')
  vi.stubEnv('AWS_ACCESS_KEY_ID', '')
  await expect(createSecrets().secret('db')).rejects.toMatchObject({
    code: 'AWS_CALL_FAILED',
    message: expect.stringMatching(/^AWS cannot be asked: AWS_ACCESS_KEY_ID .* set it yourself\.$/),
  })
  expect(received).toEqual([])
})

test('the extension is asked first; the service when it is not ready, and for a new value', async () => {
  const { received } = await start('secretsmanager', 'AWS_ENDPOINT_URL_SECRETS_MANAGER')
  const asked: unknown[] = []
  let ready = true
  const extension = createServer((request, response) => {
    asked.push([request.url, request.headers['x-aws-parameters-secrets-token']])
    if (ready) response.end('{"SecretString":"of the extension"}')
    else response.writeHead(400).end('not ready to serve traffic, please wait')
  })
  await once(extension.listen(0, 'localhost'), 'listening')
  try {
    vi.stubEnv('PARAMETERS_SECRETS_EXTENSION_HTTP_PORT', String((extension.address() as AddressInfo).port))
    expect(await createSecrets().secret('db/é')).toBe('of the extension')
    expect(asked).toEqual([['/secretsmanager/get?secretId=db%2F%C3%A9', credentials.sessionToken]])
    expect(received).toEqual([])
    expect(await createSecrets().secret('db', { refresh: true })).toBe('v1')
    expect(asked).toHaveLength(1)
    ready = false
    expect(await createSecrets().secret('db')).toBe('v1')
    expect(asked).toHaveLength(2)
  } finally {
    extension.closeAllConnections()
    extension.close()
  }
})
