import { expect, test } from 'vitest'
import { ParameterError } from '../errors.ts'
import { postgresParameters, sqliteParameters } from './parameters.ts'

const SQL = 'insert into t values (?)'
const moment = new Date(Date.UTC(2026, 10, 20))

test.each([
  [true, 1],
  [false, 0],
  [moment, '2026-11-20T00:00:00.000Z'],
  [2n ** 63n - 1n, 2n ** 63n - 1n],
  [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  [null, null],
  ['', ''],
])('SQLite binds %s as %s', (given, bound) => {
  expect(sqliteParameters([given], SQL)).toEqual([bound])
})

test('SQLite binds bytes of every kind', () => {
  const bytes = [new Uint8Array([1, 2]), Buffer.from('x')]
  expect(sqliteParameters(bytes, SQL)).toEqual(bytes)
})

test.each([
  [undefined, /parameter 2 of "insert into t values \(\?\)" is undefined \(null stands for no value\)/],
  [Number.NaN, /is NaN, which SQLite would store as NULL/],
  [2n ** 63n, /does not fit into 64 bits/],
  [new Date(Number.NaN), /is an invalid Date/],
  [{}, /is a plain object: give/],
  [Object.create(null), /is a plain object/],
  [[1], /is an array/],
  [new Map(), /is an object of class Map/],
  [() => 1, /is a function/],
  [Symbol('s'), /is a symbol/],
])('SQLite refuses %s', (value, message) => {
  expect(() => sqliteParameters([1, value], SQL)).toThrow(ParameterError)
  expect(() => sqliteParameters([1, value], SQL)).toThrow(message)
})

test('PostgreSQL gets what it takes, so that it means the same', () => {
  const given = [true, false, moment, 5n, null, { a: 1 }, [1]]
  expect(postgresParameters(given, SQL)).toEqual([
    '1',
    '0',
    '2026-11-20T00:00:00.000Z',
    5n,
    null,
    { a: 1 },
    [1],
  ])
  for (const bad of [undefined, () => 1, Symbol('s'), new Date(Number.NaN)])
    expect(() => postgresParameters([bad], SQL)).toThrow(ParameterError)
})
