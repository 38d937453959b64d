import { expect, test } from 'vitest'
import { dayNumber, isIsoDate, isoDate } from './days.ts'

test('days and dates are each other', () => {
  expect(dayNumber('1970-01-02')).toBe(1)
  expect(isoDate(dayNumber('2024-02-28') + 1)).toBe('2024-02-29')
  expect(isoDate(dayNumber('2026-03-01') - 1)).toBe('2026-02-28')
})

test.each([
  ['2026-10-31', true],
  ['2024-02-29', true],
  ['2026-02-29', false],
  ['2026-13-01', false],
  ['2026-00-10', false],
  ['2026-1-1', false],
  ['0026-01-01', false],
  ['2026-10-31T00:00:00Z', false],
  ['', false],
  [20261031, false],
  [null, false],
])('%s is a date: %s', (value, expected) => {
  expect(isIsoDate(value)).toBe(expected)
})
