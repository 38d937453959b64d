import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Request as StandIn } from './request.ts'
import { outcomeOf, settled } from './side-by-side.ts'

const Native = globalThis.Request
type AnyRequest = globalThis.Request

const urls = fc.constantFrom(
  'http://a',
  'HTTP://A:80/../b c?d e#f',
  '/relative',
  '',
  'http://u:p@a/',
  'data:,x',
  'http://[::1]:8/ü',
  'no url',
)

// Mostly valid: one that is not ends the comparison.
const word = (...valid: unknown[]) =>
  fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...valid, undefined) },
    { weight: 1, arbitrary: fc.constantFrom('BAD', null, '') },
  )
const methods = fc.constantFrom(
  'GET',
  'get',
  'post',
  'POST',
  'patch',
  'PaTcH',
  'HEAD',
  'CONNECT',
  'trace',
  'a b',
  'é',
  1,
)

/** A request init, made afresh for each of the two. */
const inits: fc.Arbitrary<Record<string, unknown> | null | undefined | string> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record(
      {
        method: methods,
        body: fc.constantFrom('text', new Uint8Array(2), null, undefined, new URLSearchParams('a=b')),
        headers: fc.constantFrom(
          { a: '1' },
          [['b', '2']],
          new Headers({ 'content-type': 'x/y' }),
          undefined,
          null,
          'x',
        ),
        mode: word('cors', 'same-origin'),
        credentials: word('omit', 'include'),
        cache: word('no-store'),
        redirect: word('follow', 'manual', 'error'),
        referrer: word('http://a/b', 'about:client'),
        referrerPolicy: word('origin', 'unsafe-url'),
        integrity: word('sha256-x'),
        keepalive: word(true, 0),
        duplex: word('half'),
        priority: word('high'),
        window: word(null),
        signal: fc.constantFrom(null, undefined, AbortSignal.abort('why')),
      },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(null, undefined, 'text') },
)

const shown = [
  'method',
  'url',
  'destination',
  'referrer',
  'referrerPolicy',
  'mode',
  'credentials',
  'cache',
  'redirect',
  'integrity',
  'keepalive',
  'isReloadNavigation',
  'isHistoryNavigation',
  'bodyUsed',
  'duplex',
] as const

async function look(request: AnyRequest, isMadeOfAnother = false) {
  const { aborted, reason } = request.signal
  return [
    // Node takes no referrer over from another request, against the standard.
    shown
      .filter((name) => !(isMadeOfAnother && name.startsWith('referrer')))
      .map((name) => request[name as keyof AnyRequest]),
    [...request.headers],
    [aborted, aborted && String(reason)],
    request.body === null,
    await settled(() => request.text()),
    request.bodyUsed,
  ]
}

test('a request of any arguments, and requests made of it, are what those of Node are', async () => {
  const property = fc.asyncProperty(urls, inits, inits, fc.boolean(), async (url, init, change, asInit) => {
    const run = async (Class: typeof Native) => {
      const first = outcomeOf(() => new Class(url, init as RequestInit))
      if (!first.value) return first.error
      const request = first.value
      const copy = request.clone()
      const second = outcomeOf(() =>
        asInit ? new Class('http://b/', request) : new Class(request, change as RequestInit),
      )
      const usedBySecond = request.bodyUsed
      return [
        second.error ?? (await look(second.value as AnyRequest, true)),
        usedBySecond,
        await look(request),
        await look(copy),
        outcomeOf(() => request.clone()).error,
        outcomeOf(() => new Class(request)).error,
      ]
    }
    expect(await run(StandIn as never)).toEqual(await run(Native))
  })
  await fc.assert(property, { numRuns: 2000 })
})

test('a request can be made of one of Node, which is used up by it', async () => {
  const signal = AbortSignal.abort()
  const native = new Native('http://a/', {
    method: 'PUT',
    body: 'text',
    headers: { a: '1' },
    signal,
    redirect: 'manual',
  })
  const request = new StandIn(native, { headers: { b: '2' } })
  expect([request.method, request.url, [...request.headers], request.redirect]).toEqual([
    'PUT',
    'http://a/',
    [['b', '2']],
    'manual',
  ])
  expect(request.signal.aborted).toBe(true)
  expect(native.bodyUsed).toBe(true)
  expect(await request.text()).toBe('text')
  expect(() => new StandIn(native)).toThrow(TypeError)
  expect(native).toBeInstanceOf(StandIn)
})

test('a signal aborts the requests that follow it, and their copies', () => {
  const controller = new AbortController()
  const request = new StandIn('http://a/', { signal: controller.signal })
  const all = [request, request.clone(), new StandIn(request), new StandIn('http://b/', request)]
  expect(all.map(({ signal }) => signal.aborted)).toEqual([false, false, false, false])
  controller.abort('why')
  expect(all.map(({ signal }) => signal.reason)).toEqual(['why', 'why', 'why', 'why'])
  expect(request.signal).not.toBe(controller.signal)
})

test('a request looks like one of Node to whoever looks closely', () => {
  const look = (Class: typeof Native) => {
    const request = new Class('http://a/')
    return {
      tag: String(request),
      name: Class.name,
      length: Class.length,
      members: [...Object.keys(Class.prototype)].filter((name) => name !== 'attribute').sort(),
      own: Object.getOwnPropertyNames(request),
      few: outcomeOf(() => Reflect.construct(Class, [])).error,
      uncalled: outcomeOf(() => Reflect.apply(Class, undefined, ['http://a/'])).error,
      astray: outcomeOf(() => Object.create(request).url).error,
      inspected: inspect(request),
    }
  }
  expect(look(StandIn as never)).toEqual(look(Native))
})
