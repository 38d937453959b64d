import { expect, test } from 'vitest'
import { Lag } from './lag.ts'

test('the oldest write that an attempt took tells, once it is settled', () => {
  const lag = new Lag()
  expect(lag.settled(0, 5)).toBe(null)
  lag.wrote(1, 100)
  lag.wrote(2, 300)
  lag.attempted()
  lag.wrote(3, 400)
  expect(lag.settled(2, 1_000)).toBe(900)
  expect(lag.settled(2, 1_000)).toBe(null)
  lag.attempted()
  expect(lag.settled(3, 1_500)).toBe(1_100)
})

test('attempts that failed do not make it younger, nor does an earlier one that is settled late', () => {
  const lag = new Lag()
  lag.wrote(1, 100)
  lag.attempted()
  lag.wrote(2, 200)
  lag.attempted()
  lag.wrote(3, 300)
  lag.attempted()
  expect(lag.settled(1, 1_000)).toBe(900)
  expect(lag.settled(3, 1_000)).toBe(800)
})

test('a clock that was set back makes nothing older than now', () => {
  const lag = new Lag()
  lag.wrote(1, 1_000)
  lag.attempted()
  expect(lag.settled(1, 400)).toBe(0)
})
