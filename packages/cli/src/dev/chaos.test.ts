import { expect, test } from 'vitest'
import { readChaos } from './chaos.ts'

test('without --chaos there is none, and what belongs to it is refused', () => {
  expect(readChaos({})).toBeNull()
  expect(() => readChaos({ seed: '7' })).toThrow('--seed goes with --chaos')
  expect(() => readChaos({ 'chaos-rate': '7' })).toThrow('--chaos-rate goes with --chaos')
})

test('the seed is given, or any number', () => {
  expect(readChaos({ chaos: true, seed: 'x7' })).toEqual({ seed: 'x7' })
  expect(readChaos({ chaos: true })).toEqual({ seed: expect.any(Number) })
})

test.each([
  ['0.5', { rate: 0.5 }],
  ['kill=2,storm=0', { kill: 2, storm: 0 }],
  ['3, bucket=0', { rate: 3, bucket: 0 }],
])('a rate of %s', (text, rates) => {
  expect(readChaos({ chaos: true, seed: '7', 'chaos-rate': text })).toEqual({ seed: '7', ...rates })
})

test.each(['', 'much', 'rain=2', '-1', '1e9', '1001', 'kill=', 'kill'])('a rate of %j is refused', (text) => {
  expect(() => readChaos({ chaos: true, 'chaos-rate': text })).toThrow(
    /--chaos-rate takes numbers from 0 to 1000/,
  )
})
