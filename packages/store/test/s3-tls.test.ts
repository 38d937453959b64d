import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { s3Store } from '../src/index.ts'

// The key stands in this repository, so it protects nothing: it is trusted in this file alone.
const [key, certificate] = await Promise.all(
  ['key', 'certificate'].map((name) => readFile(new URL(`./tls/${name}.pem`, import.meta.url), 'utf8')),
)

const log: string[] = []
const server = createServer({ key, cert: certificate }, (request, response) => {
  log.push(`${request.method} ${request.url}`)
  request.resume().on('end', () => {
    response.writeHead(200, { etag: '"1"', 'last-modified': 'Fri, 20 Nov 2026 19:00:00 GMT' }).end('abc')
  })
})
let connections = 0
server.on('secureConnection', () => connections++)

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

function open() {
  const { port } = server.address() as AddressInfo
  return s3Store({
    bucket: 'bucket',
    region: 'us-east-1',
    endpoint: `https://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    sleep: async () => {},
  })
}

test('a certificate that nobody has signed: nothing is sent', async () => {
  await expect(open().put('a', new Uint8Array(1))).rejects.toMatchObject({
    code: 'STORE_UNREACHABLE',
    unknown: false,
    message: expect.stringContaining('self-signed certificate'),
  })
  expect(log).toEqual([])
})

test('over TLS, one connection serves one request after the other', async () => {
  setDefaultCACertificates([...getCACertificates('default'), certificate ?? ''])
  const store = open()
  connections = 0
  expect(await store.put('a', new Uint8Array(200_000), { ifAbsent: true })).toMatchObject({
    outcome: 'stored',
  })
  expect((await store.get('a'))?.body).toEqual(new TextEncoder().encode('abc'))
  expect(await store.get('b')).toMatchObject({ size: 3 })
  expect(log).toEqual(['PUT /bucket/a', 'GET /bucket/a', 'GET /bucket/b'])
  expect(connections).toBe(1)
  await store.close()
})
