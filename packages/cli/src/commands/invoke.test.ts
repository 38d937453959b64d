import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const app = fileURLToPath(new URL('../../../local/test/fixtures/sources', import.meta.url))
const announcement = join(app, '.thaw', 'dev.json')

interface Result {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** `thaw invoke` in the folder of the application. */
async function invoke(args: readonly string[], input = ''): Promise<Result> {
  const child = execFile(process.execPath, [main, 'invoke', ...args], { cwd: app })
  let out = ''
  let err = ''
  child.stdout?.on('data', (text) => (out += text))
  child.stderr?.on('data', (text) => (err += text))
  child.stdin?.end(input)
  const [code] = await once(child, 'close')
  return { code, out, err }
}

let dev: ChildProcess | null = null
afterAll(() => void dev?.kill('SIGKILL'))

test.each([
  [[], /^Which function\? Usage: thaw invoke NAME/],
  [['sender', 'more'], /'more' is one argument too many/],
  [['sender', '--payload', '{'], /^What --payload gives is no JSON/],
  [['sender', '-', '--payload', '{}'], /take one of them/],
  [['sender', '--port', '0'], /--port takes a number from 1 to 65535/],
  [['sender', '--url', 'elsewhere'], /--url takes an address/],
  [['sender', '--url', 'http://127.0.0.1:4000', '--app', '.'], /say the same thing/],
  [['sender', '--async'], /start thaw dev/],
] as const)('a wrong call ends with 2: %j', async (args, message) => {
  await rm(announcement, { force: true })
  const { code, out, err } = await invoke(args)
  expect([code, out]).toEqual([2, ''])
  expect(err).toMatch(message)
})

describe('without thaw dev', () => {
  test('a simulator runs the function once', async () => {
    const result = await invoke(['sender', '-'], '{"a":["ü"]}')
    expect(result).toMatchObject({ code: 0, out: '{"a":["ü"]}\n' })
    expect(result.err).toMatch(/GOT \S+ {"a":\["ü"\]}\n.*REPORT RequestId/)
  })

  test('a function that fails ends it with 1, an unknown one too', async () => {
    const failed = await invoke(['sender', '--payload', '{"act":"throw"}'])
    expect([failed.code, JSON.parse(failed.out)]).toEqual([
      1,
      expect.objectContaining({ errorMessage: 'as told' }),
    ])
    expect(await invoke(['none'])).toEqual({
      code: 1,
      out: '',
      err: "FUNCTION_UNKNOWN: 'sources' has no function 'none'; there are: api, nightly, ordered, sender, worker\n",
    })
  })

  test('what a killed one left behind, or another program that has its port now, does not count', {
    timeout: 60_000, // four simulators
  }, async () => {
    const server = createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    try {
      await mkdir(dirname(announcement), { recursive: true })
      for (const awsUrl of [`http://127.0.0.1:${port}`, 'http://127.0.0.1:1', 7]) {
        await writeFile(announcement, JSON.stringify({ pid: 1, url: '', awsUrl, s3Url: '' }))
        expect(await invoke(['sender', '--payload', '1'])).toMatchObject({ code: 0, out: '1\n' })
      }
      expect(await invoke(['sender', '--port', String(port)])).toMatchObject({
        code: 1,
        err: expect.stringMatching(/^SIMULATOR_UNREACHABLE: .*what answers there is no simulator\n$/),
      })
    } finally {
      server.close()
      await rm(announcement, { force: true })
    }
  })
})

describe('beside thaw dev', () => {
  let printed = ''
  let awsUrl = ''

  beforeAll(async () => {
    const running = spawn(process.execPath, [main, 'dev', app, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    dev = running
    running.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
    await vi.waitFor(() => expect(printed).toMatch(/Ctrl-C ends it/), { timeout: 20_000 })
    awsUrl = JSON.parse(await readFile(announcement, 'utf8')).awsUrl
  })

  test('the banner tells of queues, schedules and the address', () => {
    expect(printed).toMatch(
      /nightly +schedule +cron\(0 3 \* \* \? \*\), not enabled\n +ordered +FIFO queue +ORDERED_QUEUE_URL\n/,
    )
    expect(printed).toMatch(new RegExp(`Lambda +${awsUrl}, as in: aws lambda invoke --endpoint-url`))
  })

  test('its environments run the function, and what that prints comes along', async () => {
    const result = await invoke(['sender', '--payload', '{"b":2}'])
    expect(result).toMatchObject({ code: 0, out: '{"b":2}\n' })
    expect(result.err).toMatch(
      /^START RequestId: (\S+) .*\nGOT \1 {"b":2}\nEND RequestId: \1\nREPORT RequestId: \1/,
    )
    expect(printed).toContain('GOT')
    expect(await invoke(['sender', '--url', awsUrl, '--payload', '{"act":"throw"}'])).toMatchObject({
      code: 1,
    })
    expect((await invoke(['none', '--url', awsUrl])).err).toMatch(/^FUNCTION_UNKNOWN: .* nightly/)
  })

  test("a schedule's function gets the event of its schedule, unless another is given", async () => {
    expect(JSON.parse((await invoke(['nightly'])).out)).toMatchObject({ source: 'aws.events' })
    expect((await invoke(['nightly', '--payload', '{}'])).out).toBe('{}\n')
  })

  test('--async hands over, and the file is gone when it ends', async () => {
    const { code, out, err } = await invoke(['sender', '--async', '--payload', '{"c":3}'])
    const [, requestId] = /^accepted as (\S+)\n$/.exec(err) ?? []
    expect([code, out]).toEqual([0, ''])
    await expect.poll(() => printed, { timeout: 10_000 }).toContain(`GOT ${requestId} {"c":3}`)
    const ended = once(dev as ChildProcess, 'exit')
    dev?.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    await expect(readFile(announcement)).rejects.toThrow('ENOENT')
  })
})
