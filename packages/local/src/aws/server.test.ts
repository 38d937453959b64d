import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type AwsServer, type Service, startAwsServer } from './server.ts'

let server: AwsServer | null = null
afterEach(async () => await server?.close())

async function serving(service: Service) {
  const lines: string[] = []
  server = await startAwsServer({ host: '127.0.0.1', port: 0, log: (line) => lines.push(line) })
  server.serve(service)
  return { url: server.url, lines }
}

test('what fails in a service ends the connection, and the log says why', async () => {
  const { url, lines } = await serving(async () => {
    throw new TypeError('as told')
  })
  await expect(fetch(`${url}/x`, { method: 'POST', body: '{}' })).rejects.toThrow()
  expect(lines).toEqual([expect.stringMatching(/^POST \/x: TypeError: as told\n/)])
})

test('a client that sends too much is heard out, so that it hears why', async () => {
  const { url } = await serving(async () => null)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const answer = once(socket, 'data')
  const body = Buffer.alloc(48 * 1024 * 1024)
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`)
  // A connection that is reset fails what is being written.
  const failed = await new Promise((resolve) => socket.write(body, resolve))
  expect(failed ?? null).toBeNull()
  expect(String(await answer)).toMatch(/^HTTP\/1\.1 413 /)
  socket.destroy()
})
