import { expect, test } from 'vitest'
import { Request as StandIn } from '../fetch/request.ts'
import { Response as StandInResponse } from '../fetch/response.ts'
import type { RequestParts } from '../http/request.ts'
import { createRequest, readResponse } from './fetch.ts'

const Native = globalThis.Request

const parts: RequestParts = {
  method: 'POST',
  origin: 'http://a',
  target: "/x/../y?'",
  headers: new Map([['b', '1']]),
  body: new Uint8Array([97, 98]),
}

/** Both kinds of request that an application may get. */
function withClass<T>(Class: unknown, run: () => T): T {
  globalThis.Request = Class as typeof Native
  try {
    return run()
  } finally {
    globalThis.Request = Native
  }
}

test.each([
  ['a stand-in', StandIn],
  ['a request of Node', Native],
])('%s has the exact URL, in its copy too, and leaves what it was made of alone', async (_kind, Class) => {
  const [request, other] = withClass(Class, () => [createRequest(parts), createRequest(parts)])
  expect(request.constructor).toBe(Class)
  expect([request.url, request.clone().url]).toEqual(["http://a/x/../y?'", "http://a/x/../y?'"])
  request.headers.set('b', '2')
  request.headers.append('c', '3')
  const bytes = new Uint8Array(await request.arrayBuffer())
  bytes[0] = 0
  expect([...other.headers]).toEqual([['b', '1']])
  expect([...parts.headers]).toEqual([['b', '1']])
  expect(await other.text()).toBe('ab')
})

test('a stand-in is read as it is, once', async () => {
  const cookies = new Headers([
    ['set-cookie', 'a'],
    ['set-cookie', 'b'],
  ])
  const response = new StandInResponse('text', { status: 201, headers: cookies }) as unknown as Response
  const { status, headers, body } = readResponse(response)
  expect([status, [...headers].sort()]).toEqual([
    201,
    [
      ['content-type', 'text/plain;charset=UTF-8'],
      ['set-cookie', 'a'],
      ['set-cookie', 'b'],
    ],
  ])
  expect(body.text?.()).toBe('text')
  expect(() => body.text?.()).toThrow(TypeError)
  await expect(body.bytes()).rejects.toThrow(TypeError)
})
