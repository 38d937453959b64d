import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const app = fileURLToPath(new URL('../../../local/test/fixtures/app', import.meta.url))

let child: { readonly process: ChildProcess; readonly exited: Promise<unknown> } | null = null
let server: Server | null = null

afterEach(async () => {
  child?.process.kill('SIGKILL')
  await child?.exited
  server?.close()
})

/** `thaw dev` in a process of its own, and everything that it prints. */
function dev(...args: readonly string[]) {
  const running = spawn(process.execPath, [main, 'dev', app, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(running, 'exit')
  child = { process: running, exited }
  let printed = ''
  for (const stream of [running.stdout, running.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
  }
  const find = async (pattern: RegExp) => {
    await expect.poll(() => printed, { timeout: 20_000 }).toMatch(pattern)
    return pattern.exec(printed)?.[1] ?? ''
  }
  return { running, find, exited, printed: () => printed }
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 0],
] as const)('runs the application, and ends on %s with %i', async (signal, code) => {
  const { running, find, exited, printed } = dev('--port', '0')
  const url = await find(/fixture is at (http:\/\/127\.0\.0\.1:\d+)/)
  await find(/echo +HTTP API +ANY \/echo\n +ANY \/echo\/\{proxy\+\}\n +GET \/users\/\{id\}/)
  await find(/S3 +http:\/\/127\.0\.0\.1:\d+, kept in \.thaw\/s3/)
  expect((await fetch(`${url}/echo`)).status).toBe(200)
  await find(/(echo#1 \| REPORT)/)
  await find(/^GET \/echo 200 [\d.]+ ms echo#1 \(cold start \d+ ms\)$/m)
  expect(printed()).not.toContain('START RequestId')
  running.kill(signal)
  expect(await exited).toEqual([code, null])
  await expect(fetch(url)).rejects.toThrow()
})

test('takes the next port when one is in use, and says so', async () => {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const taken = typeof address === 'object' && address !== null ? address.port : 0
  const { find } = dev('--port', String(taken), '--verbose')
  const port = Number(await find(new RegExp(`port ${taken} is in use; took (\\d+)`)))
  expect(port).toBeGreaterThan(taken)
  expect((await fetch(`http://127.0.0.1:${port}/echo`)).status).toBe(200)
  await find(/(START RequestId)/)
})

test.each([
  [['--port', 'http'], "--port takes a number from 0 to 65535, not 'http'"],
  [['--host', ''], '--host takes an address such as 127.0.0.1'],
  [['--inspect', ' ,'], '--inspect takes names of functions'],
  [['--inspect-port', '9300'], '--inspect-port goes with --inspect'],
])('%j is a wrong command line', async (options, message) => {
  const { exited, printed } = dev('--port', '0', ...options)
  expect((await exited)[0]).toBe(2)
  await expect.poll(printed).toContain(message)
})
