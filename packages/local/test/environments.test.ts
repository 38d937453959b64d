import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LocalError } from '../src/index.ts'
import { atRest, fixture, isRunning, start, type Watched } from './support.ts'

let watched: Watched
let meeting: string
let state: string

beforeAll(async () => {
  process.env.THAW_TEST_SECRET = 'of the developer'
  meeting = await mkdtemp(join(tmpdir(), 'thaw-test-meeting-'))
  state = await mkdtemp(join(tmpdir(), 'thaw-test-state-'))
  const environment = { FROM_OPTION: 'yes', MEETING_URL: pathToFileURL(meeting).href }
  watched = await start(fixture, { environment, stateDirectory: state })
})

afterAll(async () => {
  delete process.env.THAW_TEST_SECRET
  await watched.simulator.close()
  for (const folder of [meeting, state]) await rm(folder, { recursive: true })
})

/** What the fixture answers. */
interface Seen {
  readonly pid: number
  readonly invocations: number
  readonly marked: boolean
  readonly temporaryDirectory: string
  readonly folder: string
  readonly variables: Readonly<Record<string, string>>
  readonly remainingMs: number
  readonly context: Readonly<Record<string, unknown>>
}

async function get(path: string): Promise<Seen> {
  const response = await fetch(watched.simulator.url + path)
  expect(response.status).toBe(200)
  return (await response.json()) as Seen
}

async function status(path: string): Promise<[number, unknown]> {
  const response = await fetch(watched.simulator.url + path)
  return [response.status, await response.json()]
}

/** Each environment that lives has one. */
function environmentFolders(): string[] {
  return readdirSync(join(state, readdirSync(state)[0] ?? '', 'environments'))
}

const internalError = [500, { message: 'Internal Server Error' }]

describe('an environment', () => {
  test('is what a function sees on Lambda, and nothing of the developer', async () => {
    const { variables, folder, temporaryDirectory } = await get('/')
    expect(variables).toEqual({
      AWS_ACCESS_KEY_ID: expect.any(String),
      AWS_SECRET_ACCESS_KEY: expect.any(String),
      AWS_ENDPOINT_URL_S3: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: watched.simulator.url,
      AWS_ENDPOINT_URL_LAMBDA: watched.simulator.awsUrl,
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      AWS_LAMBDA_FUNCTION_NAME: 'api',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/api',
      AWS_LAMBDA_LOG_STREAM_NAME: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/),
      AWS_LAMBDA_RUNTIME_API: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      AWS_REGION: 'us-east-1',
      FROM_OPTION: 'yes',
      GREETING: 'hello',
      LAMBDA_TASK_ROOT: fixture,
      LANG: 'en_US.UTF-8',
      MEETING_URL: pathToFileURL(meeting).href,
      PATH: process.env.PATH,
      SHARED: 'function',
      THAW_STREAM: 'false',
      TMPDIR: temporaryDirectory,
      TZ: ':UTC',
      _HANDLER: 'src/api.handler',
      _X_AMZN_TRACE_ID: expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/),
    })
    expect(folder).toBe(fixture)
  })

  test('gives the context of the invocation', async () => {
    const { remainingMs, context, variables } = await get('/')
    expect(remainingMs).toBeGreaterThan(0)
    expect(remainingMs).toBeLessThanOrEqual(30_000)
    expect(context).toEqual({
      awsRequestId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      functionName: 'api',
      functionVersion: '$LATEST',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:api',
      logGroupName: '/aws/lambda/api',
      logStreamName: variables.AWS_LAMBDA_LOG_STREAM_NAME,
      memoryLimitInMB: '256',
    })
  })

  test('is used again, with its memory and its temporary folder, one request after the other', async () => {
    const first = await get('/')
    const second = await get('/')
    expect(second).toMatchObject({ pid: first.pid, invocations: first.invocations + 1, marked: true })
  })

  test('serves one request at a time: as many as come at once, each with a folder of its own', async () => {
    await watched.simulator.kill()
    const seen = await Promise.all(Array.from({ length: 4 }, () => get('/?answer=4')))
    const pids = new Set(seen.map(({ pid }) => pid))
    expect(pids.size).toBe(4)
    // Every one leaves a file there.
    expect(seen.map(({ marked }) => marked)).toEqual([false, false, false, false])
    const listed = watched.simulator.environments()
    expect(new Set(listed.map(({ pid }) => pid))).toEqual(pids)
    expect(listed.every(({ functionName }) => functionName === 'api')).toBe(true)

    // Now one is enough, and it is the one that was used last.
    const one = await get('/')
    expect(pids).toContain(one.pid)
    expect((await get('/')).pid).toBe(one.pid)
    expect(watched.simulator.environments()).toHaveLength(4)
  })

  test('tells in the log what Lambda tells', async () => {
    await atRest(watched)
    const from = watched.lines.length
    const { context } = await get('/logged')
    await watched.line(/REPORT/, from)
    const [id] = /^api#\d+/.exec(watched.lines[from] ?? '') ?? []
    expect(watched.lines.slice(from)).toEqual(
      expect.arrayContaining([
        `${id} | START RequestId: ${context.awsRequestId} Version: $LATEST`,
        `${id} | handling /logged`,
        `${id} | END RequestId: ${context.awsRequestId}`,
        expect.stringMatching(
          /REPORT RequestId: \S+\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\tMax Memory Used: \d+ MB$/,
        ),
        expect.stringMatching(new RegExp(`^GET /logged 200 [\\d.]+ ms ${id}$`)),
      ]),
    )
    const order = ['START', 'handling', 'END', 'REPORT'].map((word) =>
      watched.lines.findIndex((line, index) => index >= from && line.includes(word)),
    )
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  })
})

test('what a function prints comes before its END, much or little', async () => {
  for (const count of [1000, ...Array.from({ length: 30 }, () => 1)]) {
    await atRest(watched)
    const from = watched.lines.length
    await get(`/?print=${count}`)
    await watched.line(/END/, from)
    const lines = watched.lines.slice(from)
    expect(lines.filter((line) => line.includes('| printed'))).toHaveLength(count)
    const end = lines.findIndex((line) => line.includes('END'))
    expect(lines.findLastIndex((line) => line.includes('| printed'))).toBeLessThan(end)
    await watched.line(/REPORT/, from)
  }
})

describe('a function that fails', () => {
  test('throwing: 500, the error in the shape of Lambda, and the environment lives on', async () => {
    const { pid } = await get('/')
    expect(await status('/?throw=oh')).toEqual(internalError)
    const outcome = await watched.simulator.invoke('api', { rawPath: '/', rawQueryString: 'throw=oh' })
    expect(outcome.functionError).toBe('Unhandled')
    const failure = JSON.parse(outcome.payload)
    expect(failure).toMatchObject({ errorType: 'TypeError', errorMessage: 'oh' })
    expect(failure.trace[0]).toBe('TypeError: oh')
    expect(failure.trace.join()).toContain('fixtures/app/src/api.ts')
    expect((await get('/')).pid).toBe(pid)
  })

  test.each([
    ['exit=3', /Runtime exited with error: exit status 3/],
    ['exit=0', /Runtime exited without providing a reason/],
    ['reject=1', /Runtime\.UnhandledPromiseRejection: RangeError: nobody waits for this/],
  ])(
    'ending its process by %s: 500, a reason, and a new process for the next, in the same environment',
    async (query, reason) => {
      await watched.simulator.kill()
      const { pid, temporaryDirectory } = await get('/')
      const from = watched.lines.length
      expect(await status(`/?${query}`)).toEqual(internalError)
      await watched.line(reason, from)
      await watched.line(/REPORT .*\tStatus: error\tError Type: Runtime\.ExitError$/, from)
      const next = await get('/')
      expect(next.pid).not.toBe(pid)
      expect(next).toMatchObject({ marked: true, temporaryDirectory, invocations: 1 })
      await expect.poll(() => isRunning(pid)).toBe(false)
    },
  )

  test('waiting for what never comes: 500, a reason, and the process goes on', async () => {
    const { pid } = await get('/')
    const from = watched.lines.length
    expect(await status('/?stuck=1')).toEqual(internalError)
    await watched.line(/Runtime\.NodeJsExit/, from)
    expect((await get('/')).pid).toBe(pid)
  })

  test('killed in the middle of a request: 500, and everything of it is gone', async () => {
    const from = watched.lines.length
    await get('/')
    const answer = status('/?hang=1&child=1')
    const child = Number((await watched.line(/child \d+/, from)).split(' ').at(-1))
    const busy = watched.simulator.environments().find(({ state }) => state === 'busy')
    expect(isRunning(child)).toBe(true)
    const folder = busy?.id.replace('#', '-')
    expect(environmentFolders()).toContain(folder)
    await watched.simulator.kill(busy?.id)
    expect(await answer).toEqual(internalError)
    expect(watched.lines.slice(from).join('\n')).toContain('Runtime exited with error: signal: killed')
    expect(isRunning(Number(busy?.pid))).toBe(false)
    await expect.poll(() => isRunning(child)).toBe(false)
    expect(environmentFolders()).not.toContain(folder)
  })

  test('killed while idle: the next request gets another one', async () => {
    const { pid } = await get('/')
    await atRest(watched)
    const ended = watched.line(/ended while idle: Runtime exited with error: signal: killed/)
    process.kill(pid, 'SIGKILL')
    await ended
    expect((await get('/')).pid).not.toBe(pid)
  })

  test('killed while starting: the request, which no function has seen, goes to another one', async () => {
    const { simulator } = await start(fixture)
    const closed = expect(simulator.invoke('sleeper', {})).rejects.toMatchObject({ code: 'CLOSED' })
    const [first] = simulator.environments()
    expect(first?.state).toBe('starting')
    await expect.poll(() => simulator.environments()[0]?.pid, { interval: 1 }).not.toBe(null)
    await simulator.kill(first?.id)
    await expect.poll(() => simulator.environments().map(({ state }) => state)).toEqual(['starting'])
    expect(simulator.environments()[0]?.id).not.toBe(first?.id)
    await simulator.close()
    await closed
  })

  test('too slow for its time limit: its process is killed, 500; the environment stays', async () => {
    const from = watched.lines.length
    expect(await status('/brief')).toEqual(internalError)
    await watched.line(/Task timed out after 1\.00 seconds/, from)
    await watched.line(/REPORT .*\tStatus: timeout$/, from)
    const brief = watched.simulator.environments().filter(({ functionName }) => functionName === 'brief')
    expect(brief).toMatchObject([{ state: 'reset', pid: null }])
  })

  test.each([
    ['/thrower', /cannot initialise src\/thrower\.handler: no such configuration/, /thrower\.ts/],
    [
      '/exportless',
      /cannot initialise .*exportless\.ts has no function 'handler'/,
      /INIT_REPORT .*HandlerNotFound/,
    ],
  ])(
    'at its start (%s): 500, a reason, one more attempt within the invocation',
    async (path, reason, detail) => {
      // What is left to be said of the invocations before.
      await atRest(watched)
      const from = watched.lines.length
      expect(await status(path)).toEqual(internalError)
      await watched.line(/\| REPORT .*\tStatus: error\tError Type: /, from)
      const lines = watched.lines.slice(from)
      expect(lines.join('\n')).toMatch(reason)
      expect(lines.join('\n')).toMatch(detail)
      const words = lines.flatMap((line) => /Phase: \w+|START|END|REPORT R/.exec(line)?.[0] ?? [])
      expect(words).toEqual(['Phase: init', 'Phase: invoke', 'START', 'END', 'REPORT R'])
      const name = path.slice(1)
      expect(
        watched.simulator.environments().filter(({ functionName }) => functionName === name),
      ).toMatchObject([{ state: 'reset' }])
    },
  )

  test('answering more than 6 MB: 500 and the limit in the result', async () => {
    expect(await status('/?big=1')).toEqual(internalError)
    const outcome = await watched.simulator.invoke('api', { rawPath: '/', rawQueryString: 'big=1' })
    expect(JSON.parse(outcome.payload)).toEqual({
      errorType: 'Function.ResponseSizeTooLarge',
      errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
    })
  })
})

describe('limits', () => {
  test('past maxEnvironments a request is refused, and an idle environment gives way to another function', async () => {
    const small = await start(fixture, { maxEnvironments: 1 })
    const { simulator } = small
    try {
      const hanging = simulator.invoke('api', { rawPath: '/', rawQueryString: 'hang=1' })
      await small.line(/handling/, 0)
      const refused = await fetch(`${simulator.url}/echo`)
      expect([refused.status, await refused.json()]).toEqual([429, { message: 'Too Many Requests' }])
      await expect(simulator.invoke('echo', {})).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' })
      await simulator.kill()
      expect((await hanging).functionError).toBe('Unhandled')

      await simulator.invoke('echo', {})
      await simulator.invoke('api', { rawPath: '/', rawQueryString: '' })
      const living = simulator.environments().filter(({ state }) => state !== 'dead')
      expect(living.map(({ functionName }) => functionName)).toEqual(['api'])
    } finally {
      await simulator.close()
    }
  })

  test('a function of a limited concurrency has no more environments than that', async () => {
    const limited = await start(fixture)
    const { simulator } = limited
    try {
      const hanging = simulator.invoke('single', { rawPath: '/', rawQueryString: 'hang=1' })
      await limited.line(/handling/, 0)
      const second = simulator.invoke('single', { rawPath: '/', rawQueryString: '' })
      await expect(second).rejects.toThrow(/all environments of 'single' are busy, and its concurrency is 1/)
      expect((await simulator.invoke('echo', {})).functionError).toBe(null)
      await simulator.kill()
      expect((await hanging).functionError).toBe('Unhandled')
      expect((await simulator.invoke('single', { rawPath: '/', rawQueryString: '' })).functionError).toBe(
        null,
      )
    } finally {
      await simulator.close()
    }
  })

  test('what cannot be done is said', async () => {
    const { simulator } = watched
    await expect(simulator.invoke('nobody', {})).rejects.toThrow(
      /no function 'nobody'; there are: api, brief/,
    )
    await expect(simulator.invoke('echo', 'x'.repeat(7_000_000))).rejects.toMatchObject({
      code: 'EVENT_TOO_LARGE',
    })
    await expect(simulator.kill('api#0')).rejects.toMatchObject({ code: 'ENVIRONMENT_UNKNOWN' })
    await expect(start(fixture, { port: Number(new URL(simulator.url).port) })).rejects.toThrow(
      /port \d+ of 127\.0\.0\.1 is in use/,
    )
    await expect(start(fixture, { watch: true, packages: [] })).rejects.toBeInstanceOf(LocalError)
    await expect(start(fixture, { maxEnvironments: 0 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })
})
