import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const module = JSON.stringify(new URL('./install.ts', import.meta.url).href)

/** What `script` makes of `result`, in a process of its own that imports the stand-ins first. */
async function run(script: string, environment: Record<string, string> = {}): Promise<unknown> {
  const source = `await import(${module})
    const isLoaded = () => process.moduleLoadList.includes('NativeModule internal/deps/undici/undici')
    let result
    ${script}
    process.stdout.write(JSON.stringify(result))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', source], {
    env: { ...process.env, ...environment },
  })
  return JSON.parse(stdout)
}

/** Answers with what it was sent. */
const server = createServer(async (request, response) => {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk)
  const { method, url, headers } = request
  const body = Buffer.concat(chunks).toString('utf8')
  response.setHeader('set-cookie', ['a=1', 'b=2'])
  response.end(
    JSON.stringify({
      method,
      url,
      type: headers['content-type'],
      length: headers['content-length'],
      a: headers.a,
      body,
    }),
  )
})
let origin: string
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

test('the stand-ins are in place, and the usual work with them loads no class of fetch', async () => {
  const script = `
    const request = new Request('http://a/', { method: 'POST', body: '{"a":1}', headers: { b: '2' } })
    const copy = request.clone()
    const response = Response.json(await request.json(), { headers: new Headers([['c', '3']]) })
    const streamed = new Response(response.body, response)
    const texts = [await copy.text(), await streamed.text(), await (await new Response('x').blob()).text()]
    result = [texts, streamed instanceof Response, request.signal.aborted, isLoaded()]`
  expect(await run(script)).toEqual([['{"a":1}', '{"a":1}', 'x'], true, false, false])
})

test('fetch takes requests of the stand-in, and its responses are of the stand-in', async () => {
  const script = `
    const sent = async (...given) => (await fetch(...given)).json()
    const url = ${JSON.stringify(origin)} + '/x?y'
    const init = { method: 'POST', headers: new Headers({ a: '1' }) }
    const streamed = new Response('streamed').body
    const response = await fetch(new Request(url))
    result = {
      plain: await sent(url, { ...init, body: 'ü' }),
      request: await sent(new Request(url, { ...init, body: 'ü' })),
      changed: await sent(new Request(url, init), { method: 'PUT', body: new URLSearchParams('b=2') }),
      asInit: await sent(url, new Request(url, { ...init, body: 'text' })),
      streamed: await sent(new Request(url, { ...init, body: streamed, duplex: 'half' })),
      instances: [response instanceof Response, response.headers instanceof Headers, response instanceof Request],
      copied: new Response(response.body, response).headers.getSetCookie(),
      used: await fetch(response.constructor === Response ? '' : new Request('http://a', { signal: AbortSignal.abort() })).catch(({ name }) => name),
      names: [fetch.name, fetch.length],
    }`
  const common = { method: 'POST', url: '/x?y', type: 'text/plain;charset=UTF-8', a: '1' }
  expect(await run(script)).toEqual({
    plain: { ...common, length: '2', body: 'ü' },
    request: { ...common, length: '2', body: 'ü' },
    changed: {
      ...common,
      method: 'PUT',
      type: 'application/x-www-form-urlencoded;charset=UTF-8',
      length: '3',
      body: 'b=2',
    },
    asInit: { ...common, body: 'text' },
    streamed: { method: 'POST', url: '/x?y', a: '1', length: '8', body: 'streamed' },
    instances: [true, true, false],
    copied: ['a=1', 'b=2'],
    used: 'AbortError',
    names: ['fetch', 1],
  })
})

test('THAW_FETCH=native leaves everything as it is', async () => {
  const script = `const before = isLoaded()
    result = [before, String(fetch).includes('native'), new Response('x') instanceof Response, isLoaded()]`
  expect(await run(script, { THAW_FETCH: 'native' })).toEqual([false, false, true, true])
})
