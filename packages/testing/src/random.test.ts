import { expect, test } from 'vitest'
import { seededRandom } from './random.ts'

const draw = (random: { next(): number }, n = 20) => Array.from({ length: n }, () => random.next())

test('a seed gives the same numbers every time, other seeds others', () => {
  expect(draw(seededRandom('seed'))).toEqual(draw(seededRandom('seed')))
  expect(draw(seededRandom(7))).toEqual(draw(seededRandom('7')))
  const firsts = Array.from({ length: 10_000 }, (_, seed) => seededRandom(seed).next())
  expect(new Set(firsts).size).toBe(10_000)
  expect(firsts.reduce((sum, value) => sum + value) / 10_000).toBeCloseTo(0.5, 1)
})

test('the same numbers on every machine', () => {
  expect(Array.from(seededRandom('thaw').bytes(8))).toMatchInlineSnapshot(`
    [
      98,
      114,
      205,
      230,
      120,
      43,
      90,
      81,
    ]
  `)
})

test('numbers are spread evenly', () => {
  const random = seededRandom('even')
  const counts = new Map<number, number>()
  for (let i = 0; i < 60_000; i++) {
    const face = random.integer(1, 6)
    counts.set(face, (counts.get(face) ?? 0) + 1)
  }
  expect([...counts.keys()].sort()).toEqual([1, 2, 3, 4, 5, 6])
  for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(400)
  const hits = Array.from({ length: 10_000 }, () => random.chance(0.1)).filter(Boolean).length
  expect(Math.abs(hits - 1000)).toBeLessThan(150)
})

test('a shuffle keeps every item, and a pick needs one', () => {
  const random = seededRandom('shuffle')
  const items = Array.from({ length: 100 }, (_, i) => i)
  const shuffled = random.shuffle(items)
  expect(shuffled).not.toEqual(items)
  expect(shuffled.toSorted((a, b) => a - b)).toEqual(items)
  expect(items).toContain(random.pick(items))
  expect(() => random.pick([])).toThrow(RangeError)
})

test('a fork does not depend on what was drawn before', () => {
  const one = seededRandom('seed')
  const two = seededRandom('seed')
  draw(two)
  expect(draw(one.fork('a'))).toEqual(draw(two.fork('a')))
  expect(draw(one.fork('a'))).not.toEqual(draw(one.fork('b')))
})
