import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Headers as StandIn } from './headers.ts'
import { outcomeOf } from './side-by-side.ts'

const Native = globalThis.Headers
type AnyHeaders = globalThis.Headers

// Few names in varied case, so that they meet; values with what is trimmed, refused, and out of range.
const names = fc.oneof(
  fc.constantFrom(
    'a',
    'A',
    'set-cookie',
    'Set-Cookie',
    'content-type',
    'x-b',
    'X-B',
    'cookie',
    '',
    'a b',
    'é',
    'ü:',
  ),
  fc.string({ maxLength: 3 }),
)
const values = fc.oneof(
  fc.constantFrom(
    '',
    ' v ',
    '\tv\r\n',
    'a, b',
    'é',
    '€',
    'a\nb',
    'a\0b',
    '\x7f',
    '\v',
    'a=b; Expires=Wed, 1',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.constantFrom(null, undefined, 1, true, {}),
)

type Step = (headers: AnyHeaders) => unknown

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(names, values).map(
    ([name, value]) =>
      (headers: AnyHeaders) =>
        headers.append(name, value as string),
  ),
  fc.tuple(names, values).map(
    ([name, value]) =>
      (headers: AnyHeaders) =>
        headers.set(name, value as string),
  ),
  names.map((name) => (headers: AnyHeaders) => headers.delete(name)),
  names.map((name) => (headers: AnyHeaders) => [headers.get(name), headers.has(name)]),
  fc.constant((headers: AnyHeaders) => headers.getSetCookie()),
)

const inits = fc.oneof(
  fc.constant(undefined),
  fc.array(fc.tuple(names, values)),
  fc.array(fc.array(names, { maxLength: 3 })),
  fc.dictionary(names, values),
  fc.constantFrom(null, 1, 'text', [1], [null], new Map([['a', 'b']]), new Native({ a: '1' })),
)

test('headers made and changed in any way are what those of Node are, and refuse what those refuse', () => {
  const property = fc.property(inits, fc.array(steps, { maxLength: 8 }), (init, todo) => {
    const run = (Class: new (init?: never) => unknown) => {
      const made = outcomeOf(() => new Class(init as never) as AnyHeaders)
      const headers = (made.value ?? new Class()) as AnyHeaders
      const outcomes = todo.map((step) => outcomeOf(() => step(headers)))
      const shown = [...headers]
      return [
        made.error,
        outcomes,
        shown,
        [...headers.keys()],
        [...(new Class(headers as never) as AnyHeaders)],
      ]
    }
    expect(run(StandIn as never)).toEqual(run(Native as never))
  })
  fc.assert(property, { numRuns: 2000 })
})

test('an iterator shows what has changed since its last step, as that of Node does', () => {
  const property = fc.property(fc.array(fc.tuple(steps, fc.boolean()), { maxLength: 12 }), (todo) => {
    const run = (headers: AnyHeaders) => {
      const iterator = headers.entries()
      return todo.map(([step, advance]) => (advance ? iterator.next() : outcomeOf(() => step(headers))))
    }
    const init = { b: '1', a: '2', 'set-cookie': '3', 'x-b': '4' }
    expect(run(new StandIn(init) as never)).toEqual(run(new Native(init)))
  })
  fc.assert(property)
})

test('headers look like those of Node to whoever looks closely', () => {
  const look = (Class: typeof Native) => {
    const headers = new Class([
      ['B', '1'],
      ['a', '2'],
    ])
    const seen: unknown[] = []
    headers.forEach(function (this: unknown, value, name, same) {
      seen.push([value, name, same === headers, this])
    }, 'this')
    const iterator = headers.entries()
    return {
      seen,
      tag: String(headers),
      name: Class.name,
      length: Class.length,
      members: Object.keys(Class.prototype),
      own: Object.getOwnPropertyNames(headers),
      iterator: String(iterator),
      helpers: 'map' in iterator && iterator[Symbol.iterator]() === iterator,
      isDefault: Class.prototype[Symbol.iterator] === Class.prototype.entries,
      uncalled: outcomeOf(() => Reflect.apply(Class, undefined, [])).error,
      astray: outcomeOf(() => Class.prototype.get.call({} as never, 'a')).error,
      few: outcomeOf(() => Reflect.apply(headers.append, headers, ['a'])).error,
      noCallback: outcomeOf(() => headers.forEach(null as never)).error,
      copied: { ...headers },
      json: JSON.stringify(headers),
    }
  }
  expect(look(StandIn as never)).toEqual(look(Native))
  expect(inspect(new StandIn({ a: '1', b: '2' }))).toBe(inspect(new Native({ a: '1', b: '2' })))
})

test('both kinds are of the class, and what only has its members is not', () => {
  expect(new StandIn()).toBeInstanceOf(StandIn)
  expect(new Native()).toBeInstanceOf(StandIn)
  class Own extends StandIn {}
  expect(new Own()).toBeInstanceOf(StandIn)
  expect(new Native()).not.toBeInstanceOf(Own)
  for (const other of [null, undefined, 'x', {}, new Map(), StandIn.prototype, new Response()]) {
    expect(other).not.toBeInstanceOf(StandIn)
  }
})
