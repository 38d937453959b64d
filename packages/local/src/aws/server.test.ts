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
