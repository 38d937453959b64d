import { expect, test } from 'vitest'
import { gaps, median, ratio, sampleDeviation, sum } from './statistics.ts'

test('of nothing', () => {
  expect([sum([]), median([]), sampleDeviation([1]), ratio(1, 0), gaps([3])]).toEqual([
    0,
    null,
    null,
    null,
    [],
  ])
})

test('of something', () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([9, 1, 5, 6])).toBe(5.5)
  expect(sampleDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7), 12)
  expect(gaps([1, 4, 10])).toEqual([3, 6])
})
