import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FunctionProcess, startFunctionProcess } from '../src/environment/function-process.ts'
import { eventRuntime } from '../src/environment/program.ts'
import { folderSandbox } from '../src/sandbox/folder.ts'
import { type RawApi, startRawApi } from './raw-api.ts'

let root: string
let api: RawApi
let runtime: FunctionProcess | null = null
let lines: string[]

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'thaw-test-runtime-'))
  api = await startRawApi()
  lines = []
})

afterEach(async () => {
  runtime?.kill()
  await runtime?.exited
  runtime = null
  api.close()
  await rm(root, { recursive: true })
})

/** Runs a module that exports `handler`. */
async function run(
  source: string,
  options: { readonly inspectPort?: number } = {},
): Promise<FunctionProcess> {
  await writeFile(join(root, 'index.mjs'), source)
  runtime = startFunctionProcess({
    taskRoot: root,
    variables: {
      AWS_LAMBDA_RUNTIME_API: api.address,
      AWS_LAMBDA_FUNCTION_NAME: 'stream',
      LAMBDA_TASK_ROOT: root,
      _HANDLER: 'index.handler',
      _X_AMZN_TRACE_ID: 'of before',
    },
    program: eventRuntime,
    compileCache: join(root, 'compiled'),
    temporary: await folderSandbox.open({ directory: join(root, 'tmp'), sizeMb: 1, opt: null, visible: [] }),
    temporaryMb: 1,
    memoryMb: 256,
    sourceMaps: false,
    onLine: (line) => lines.push(line),
    ...options,
  })
  return runtime
}

/** A streaming handler of this body, which sees `stream`, `event`, `context`, `from` and `wait`. */
const streaming = (body: string, options = '') => `
  const { from } = awslambda.HttpResponseStream
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  export const handler = awslambda.streamifyResponse(async (event, stream, context) => { ${body} }, ${options})`

/** The error that the trailers of a broken answer carry. */
function trailersOf(message: { readonly trailers: NodeJS.Dict<string> }) {
  const { trailers } = message
  const body = Buffer.from(trailers['lambda-runtime-function-error-body'] ?? '', 'base64').toString()
  return { type: trailers['lambda-runtime-function-error-type'], error: JSON.parse(body) as unknown }
}

describe('a streamed answer', () => {
  test('is sent while it is made, with a content type of the function', async () => {
    await run(
      streaming(`
      stream.setContentType('text/plain')
      stream.write('one,')
      await new Promise((resolve) => process.once('SIGUSR2', resolve))
      stream.end('two')`),
    )
    await api.give({})
    const post = await api.taken()
    expect(post.path).toBe('invocation/request-1/response')
    expect(post.headers).toMatchObject({
      'lambda-runtime-function-response-mode': 'streaming',
      'transfer-encoding': 'chunked',
      'content-type': 'text/plain',
      trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
    })
    const chunks: AsyncIterator<Buffer> = post.message[Symbol.asyncIterator]()
    expect(String((await chunks.next()).value)).toBe('one,')
    runtime?.signal('SIGUSR2')
    expect(String((await chunks.next()).value)).toBe('two')
    expect((await chunks.next()).done).toBe(true)
    expect(post.message.trailers).toEqual({})
    post.accept()

    // And then comes the next one, on the same connection.
    await api.give({})
    expect(await api.taken()).toMatchObject({ path: 'invocation/request-1/response' })
  })

  test('begins with a prelude when it is for HTTP', async () => {
    await run(
      streaming(`
      const http = from(stream, { statusCode: 201, cookies: ['a=b'] })
      http.write({ an: 'object' })
      http.end()`),
    )
    await api.give({})
    const post = await api.taken()
    expect(post.headers['content-type']).toBe('application/vnd.awslambda.http-integration-response')
    expect(await text(post.message)).toBe(
      `{"statusCode":201,"cookies":["a=b"]}${'\0'.repeat(8)}{"an":"object"}`,
    )
  })

  test('that ends without a write has no prelude, as on Lambda', async () => {
    await run(streaming(`from(stream, { statusCode: 204 }).end()`))
    await api.give({})
    const post = await api.taken()
    expect(post.headers['content-type']).toBe('application/vnd.awslambda.http-integration-response')
    expect(await text(post.message)).toBe('')
  })

  test('can be piped to, and waits for a slow reader', async () => {
    await run(
      streaming(`
      const { Readable } = await import('node:stream')
      const { pipeline } = await import('node:stream/promises')
      let made = 0
      const source = new Readable({ read() { made++; this.push(made > 400 ? null : Buffer.alloc(65536, made)) } })
      process.once('SIGUSR2', () => console.log('made ' + made))
      await pipeline(source, stream)`),
    )
    await api.give({})
    const post = await api.taken()
    // Its buffers and the sockets' are full now, and it has stopped.
    const made = async () => {
      const count = lines.length
      runtime?.signal('SIGUSR2')
      await expect.poll(() => lines.length).toBe(count + 1)
      return Number(lines.at(-1)?.split(' ')[1])
    }
    await expect.poll(() => post.message.readableLength).toBeGreaterThan(0)
    expect(await made()).toBeLessThan(300)
    const body = await buffer(post.message)
    expect(body.length).toBe(400 * 65_536)
    expect([0, 200, 399].map((index) => body[index * 65_536])).toEqual([1, 201, 400 % 256])
    post.accept()
  })

  test.each([
    ['throws after a write', `stream.write('begun'); throw new RangeError('broken')`, 'begun', 'RangeError'],
    ['throws before', `throw new TypeError('never begun')`, '', 'TypeError'],
    ['destroys it', `stream.write('begun'); await wait(20); stream.destroy()`, 'begun', 'Error'],
    [
      'pipes what fails into it',
      `const { pipeline } = await import('node:stream/promises')
       await pipeline(async function* () { yield 'begun'; await wait(20); throw new RangeError('broken') }, stream)`,
      'begun',
      'RangeError',
    ],
  ])('of a handler that %s ends with trailers that say so', async (_, body, sent, errorType) => {
    await run(streaming(body))
    await api.give({})
    const post = await api.taken()
    expect(await text(post.message)).toBe(sent)
    expect(trailersOf(post.message)).toMatchObject({ type: errorType, error: { errorType } })
    post.accept()
    await api.give({})
    await api.taken()
  })

  test('of a process that ends by an error ends with trailers too', async () => {
    const { exited } = await run(
      streaming(
        `stream.write('begun'); setTimeout(() => { throw new RangeError('late') }, 20); await wait(60000)`,
      ),
    )
    await api.give({})
    const post = await api.taken()
    expect(await text(post.message)).toBe('begun')
    expect(trailersOf(post.message)).toMatchObject({
      error: { errorType: 'RangeError', errorMessage: 'late' },
    })
    post.accept()
    expect(await exited).toMatchObject({ code: 129, outOfMemory: false })
  })

  test('takes no content type once it has begun, and a handler must be async', async () => {
    await run(`
      export const handler = awslambda.streamifyResponse((event, stream) => {
        stream.write('begun')
        try { stream.setContentType('text/plain') } catch (error) { console.log(error.name) }
      })`)
    await api.give({})
    const post = await api.taken()
    expect(await text(post.message)).toBe('begun')
    expect(trailersOf(post.message)).toMatchObject({ type: 'Error' })
    expect(lines).toContain('Runtime.InvalidStreamingOperation')
  })
})

test('the context has what the headers say', async () => {
  await run(
    `export const handler = async (event, context) => ({ ...context, trace: process.env._X_AMZN_TRACE_ID ?? null })`,
  )
  const answer = async (headers: Record<string, string>) => {
    await api.give({}, headers)
    const post = await api.taken()
    const body: unknown = JSON.parse(await text(post.message))
    post.accept()
    return body
  }
  const headers = {
    'lambda-runtime-trace-id': 'Root=1-2-3',
    'lambda-runtime-client-context': '{"client":{"app_title":"x"}}',
    'lambda-runtime-cognito-identity': '{"cognitoIdentityId":"y"}',
  }
  expect(await answer(headers)).toEqual({
    awsRequestId: 'request-1',
    clientContext: { client: { app_title: 'x' } },
    functionName: 'stream',
    identity: { cognitoIdentityId: 'y' },
    invokedFunctionArn: '',
    trace: 'Root=1-2-3',
  })
  expect(await answer({})).toEqual({
    awsRequestId: 'request-1',
    functionName: 'stream',
    invokedFunctionArn: '',
    trace: null,
  })
})

test('an error that nobody catches while the handler is loaded is an error of initialisation', async () => {
  const { exited } = await run(
    `Promise.reject(new RangeError('loading')); await new Promise((resolve) => setTimeout(resolve, 1000))`,
  )
  const post = await api.taken()
  expect(post.path).toBe('init/error')
  expect(JSON.parse(await text(post.message))).toMatchObject({
    errorType: 'Runtime.UnhandledPromiseRejection',
  })
  post.accept()
  expect(await exited).toMatchObject({ code: 128 })
})

test('SIGTERM ends a function that does not listen to it', async () => {
  const { exited, signal } = await run('export const handler = async () => null')
  await api.give({})
  ;(await api.taken()).accept()
  signal('SIGTERM')
  expect(await exited).toMatchObject({ signal: 'SIGTERM', outOfMemory: false })
})

test('a debugger finds the process', async () => {
  const { inspector } = await run('export const handler = async () => null', { inspectPort: 0 })
  const address = await inspector
  expect(address).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]{36}$/)
  const socket = new WebSocket(address ?? '')
  const evaluated = new Promise<unknown>((resolve) => {
    socket.onmessage = ({ data }) => resolve(JSON.parse(String(data)))
  })
  await new Promise((resolve) => {
    socket.onopen = resolve
  })
  socket.send('{"id":1,"method":"Runtime.evaluate","params":{"expression":"process.env._HANDLER"}}')
  expect(await evaluated).toMatchObject({ result: { result: { value: 'index.handler' } } })
  socket.close()
  expect(lines.join('\n')).not.toContain('Debugger listening')
})

test('without a port there is no debugger', async () => {
  const { inspector } = await run('export const handler = async () => null')
  expect(await inspector).toBe(null)
})

test('a folder in place of /tmp is held to its size', async () => {
  const { exited } = await run(`
    import { writeFileSync } from 'node:fs'
    export const handler = async ({ kib }) => {
      writeFileSync('tmp/file', Buffer.alloc(kib * 1024, 1))
      await new Promise((resolve) => setTimeout(resolve, kib > 1024 ? 60_000 : 1))
    }`)
  await api.give({ kib: 1020 })
  ;(await api.taken()).accept()
  await api.give({ kib: 1030 })
  expect(await exited).toMatchObject({ signal: 'SIGKILL', outOfMemory: false })
  expect(lines.join('\n')).toContain('TMPDIR holds more than the 1 MB')
})
