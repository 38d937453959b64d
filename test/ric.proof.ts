import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { loadApp } from '@thaw/app'
import { type Simulator, simulate } from '@thaw/local'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { realRuntime } from './real-runtime.ts'

// AWS's own runtime client in the simulator: whatever it says and expects, the Runtime API has to know.

const runtime = await realRuntime().catch((error: Error) => error)
const missing = runtime instanceof Error ? runtime.message : null
if (missing !== null) console.warn(`aws-lambda-ric cannot be built here, so nothing is proven: ${missing}`)
const proof = test.skipIf(missing !== null)

const functions = {
  hello: `let count = 0
    export const handler = async (event, context) =>
      ({ hello: event.name, count: ++count, requestId: context.awsRequestId, ms: context.getRemainingTimeInMillis() })`,
  failing: `export const handler = async () => { throw new RangeError('out of it') }`,
  exiting: 'export const handler = async () => process.exit(7)',
  endless: 'export const handler = () => new Promise((resolve) => setTimeout(resolve, 60_000))',
  broken: `throw new TypeError('while it was loaded')`,
  ticking: `let ticks = 0
    setInterval(() => { ticks++ }, 5)
    export const handler = async () => ticks`,
  streaming: `export const handler = awslambda.streamifyResponse(async (event, stream) => {
      const out = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'x-made': 'yes' } })
      for (let part = 0; part < 50; part++) {
        out.write(String(part).padStart(10_000, '.'))
        await new Promise((resolve) => setImmediate(resolve))
      }
      out.end('the end')
    })`,
  breaking: `export const handler = awslambda.streamifyResponse(async (event, stream) => {
      stream.setContentType('text/plain')
      stream.write('begun')
      await new Promise((resolve) => setTimeout(resolve, 50))
      throw new RangeError('in the middle')
    })`,
}

const lines: string[] = []
let simulator: Simulator
let root: string

beforeAll(async () => {
  if (runtime instanceof Error) return
  // In the repository, where the configuration finds @thaw/app.
  const parent = fileURLToPath(new URL('../.thaw', import.meta.url))
  await mkdir(parent, { recursive: true })
  root = await mkdtemp(join(parent, 'ric-'))
  const declared = Object.keys(functions).map((name) => {
    const streams = name === 'streaming' || name === 'breaking'
    const at = streams ? `front: 'function-url', stream: true` : `route: 'ANY /${name}'`
    return `${name}: http('./${name}.mjs', { timeout: ${name === 'endless' ? 1 : 10}, ${at} })`
  })
  const config = `import { defineApp, http } from '@thaw/app'
    export default defineApp({ name: 'ric', functions: { ${declared.join(', ')} } })`
  await writeFile(join(root, 'thaw.config.ts'), config)
  for (const [name, code] of Object.entries(functions)) await writeFile(join(root, `${name}.mjs`), code)
  simulator = await simulate(await loadApp(root), { runtime, log: (line) => lines.push(line) })
})

afterAll(async () => {
  await simulator?.close()
  if (root !== undefined) await rm(root, { recursive: true })
})

async function call(name: string, event: unknown = {}) {
  const outcome = await simulator.invoke(name, event)
  return { ...outcome, answer: outcome.payload === '' ? null : JSON.parse(outcome.payload) }
}

proof('a function answers, again and again, in one environment', async () => {
  for (let count = 1; count <= 20; count++) {
    const { answer, requestId, functionError } = await call('hello', { name: `caller ${count}` })
    expect(functionError).toBe(null)
    expect(answer).toMatchObject({ hello: `caller ${count}`, count, requestId })
    expect(answer.ms).toBeGreaterThan(0)
  }
})

proof('an error is that of the function, and the environment goes on', async () => {
  for (let times = 0; times < 2; times++) {
    const { answer, functionError, environmentId } = await call('failing')
    expect(functionError).toBe('Unhandled')
    expect(answer).toMatchObject({ errorType: 'RangeError', errorMessage: 'out of it' })
    expect(simulator.environments().map(({ id }) => id)).toContain(environmentId)
  }
})

proof('a function that ends its process, one that never answers and one that cannot be loaded', async () => {
  expect(await call('exiting')).toMatchObject({
    functionError: 'Unhandled',
    answer: { errorType: 'Runtime.ExitError' },
  })
  expect(await call('endless')).toMatchObject({
    functionError: 'Unhandled',
    answer: { errorType: 'Sandbox.Timedout' },
  })
  const { functionError, answer } = await call('broken')
  expect(functionError).toBe('Unhandled')
  expect(answer).toMatchObject({ errorType: 'TypeError', errorMessage: 'while it was loaded' })
})

proof('it is frozen between invocations', async () => {
  const { answer: before } = await call('ticking')
  await new Promise((resolve) => setTimeout(resolve, 500))
  const { answer: after } = await call('ticking')
  expect(after - before).toBeLessThan(20)
})

proof('a streamed answer arrives whole, with its status and headers', async () => {
  const asked = request(simulator.url, { headers: { host: 'streaming.lambda-url.localhost' } }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const body = await text(response)
  expect(response.statusCode).toBe(201)
  expect(response.headers['x-made']).toBe('yes')
  expect(body).toHaveLength(50 * 10_000 + 'the end'.length)
  expect(body.endsWith('the end')).toBe(true)
})

proof('a streamed answer that breaks off is seen as broken', async () => {
  const { stream } = await simulator.invoke('breaking', {})
  const read = async () => {
    let received = ''
    for await (const chunk of stream?.body ?? []) received += Buffer.from(chunk).toString()
    return received
  }
  expect(stream?.contentType).toBe('text/plain')
  await expect(read()).rejects.toThrow('in the middle')
})
