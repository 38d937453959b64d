import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Response as StandIn } from './response.ts'
import { outcomeOf, settled } from './side-by-side.ts'

const Native = globalThis.Response
type AnyResponse = globalThis.Response

const inits = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record(
      {
        status: fc.constantFrom(
          200,
          '201',
          204,
          205,
          304,
          199,
          600,
          0,
          -1,
          65736,
          404.9,
          Number.NaN,
          null,
          undefined,
          'x',
          101,
        ),
        statusText: fc.constantFrom('OK', '', 'é', '€', 'a\nb', '\t', null, undefined, 7),
        headers: fc.constantFrom(
          { a: '1' },
          { 'Content-Type': 'x/y' },
          [
            ['set-cookie', 'a'],
            ['set-cookie', 'b'],
          ],
          null,
          undefined,
          1,
        ),
      },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(null, undefined, 'text', new Native(null, { status: 404 })) },
)

async function look(response: AnyResponse) {
  const { type, url, redirected, status, ok, statusText, bodyUsed } = response
  return [
    [type, url, redirected, status, ok, statusText, bodyUsed],
    [...response.headers],
    outcomeOf(() => response.headers.set('x', 'y')).error,
    response.body === null,
    await settled(() => response.text()),
  ]
}

/** Ways to make one, of an argument and an init. */
const ways: ((Class: typeof Native, data: unknown, init: unknown) => AnyResponse)[] = [
  (Class, data, init) => new Class(data as string, init as ResponseInit),
  // Node refuses null there, against the standard.
  (Class, data, init) => Class.json(data, (init ?? undefined) as ResponseInit),
  (Class, data, init) => Class.redirect(data as string, (init as { status?: 302 })?.status),
  (Class) => Class.error(),
]

test('a response of any arguments, made in any way, and its copy are what those of Node are', async () => {
  const data = fc.constantFrom<unknown[]>(
    null,
    undefined,
    'text',
    '',
    'http://a/ü?b c#d',
    '/relative',
    { a: 1 },
    1n,
    [1],
  )
  const property = fc.asyncProperty(fc.constantFrom(...ways), data, inits, async (make, given, init) => {
    const run = async (Class: typeof Native) => {
      const { value, error } = outcomeOf(() => make(Class, given, init))
      if (!value) return error
      const copy = value.clone()
      return [await look(value), await look(copy), outcomeOf(() => value.clone()).error]
    }
    expect(await run(StandIn as never)).toEqual(await run(Native))
  })
  await fc.assert(property, { numRuns: 2000 })
})

test('a response looks like one of Node to whoever looks closely', () => {
  const look = (Class: typeof Native) => {
    const response = new Class('x', { headers: { a: '1' } })
    return {
      tag: String(response),
      name: Class.name,
      lengths: [Class.length, Class.json.length, Class.redirect.length, Class.error.length],
      members: Object.keys(Class.prototype),
      statics: Object.getOwnPropertyNames(Class).sort(),
      own: Object.getOwnPropertyNames(response),
      few: outcomeOf(() => Reflect.apply(Class.json, Class, [])).error,
      uncalled: outcomeOf(() => Reflect.apply(Class, undefined, [])).error,
      astray: outcomeOf(() => Object.create(response).status).error,
      inspected: inspect(response),
    }
  }
  expect(look(StandIn as never)).toEqual(look(Native))
})

test('both kinds are of the class, and what only has its members is not', () => {
  expect(new StandIn()).toBeInstanceOf(StandIn)
  expect(new Native()).toBeInstanceOf(StandIn)
  class Own extends StandIn {}
  expect(new Own('x')).toBeInstanceOf(StandIn)
  expect(new Native()).not.toBeInstanceOf(Own)
  for (const other of [
    null,
    'x',
    {},
    StandIn.prototype,
    new Headers(),
    { status: 200, headers: new Headers() },
  ]) {
    expect(other).not.toBeInstanceOf(StandIn)
  }
})
