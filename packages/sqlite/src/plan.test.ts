import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ltxFile as file } from '../test/kit.ts'
import type { LtxFile } from './files.ts'
import { planFrom } from './plan.ts'

const names = (files: readonly LtxFile[]) =>
  files.map(({ level, first, last }) => `${level}:${first}-${last}`)

test('begins with the newest snapshot, then takes what reaches furthest', () => {
  const files = [
    file(9, 1, 10),
    file(9, 1, 40),
    file(3, 1, 30),
    file(2, 31, 50),
    file(1, 45, 55),
    file(1, 51, 60),
    ...[58, 59, 60, 61, 62].map((txid) => file(0, txid, txid)),
  ]
  const plan = planFrom(files, 0)
  expect(names(plan.files)).toEqual(['9:1-40', '2:31-50', '1:51-60', '0:61-61', '0:62-62'])
  expect(plan.reaches).toBe(62)
  expect(names(planFrom(files, 0, 54).files)).toEqual(['9:1-40', '2:31-50'])
  expect(planFrom(files, 0, 54).reaches).toBe(50)
})

test('stops before a gap, and has nothing where nothing begins', () => {
  const files = [file(0, 1, 1), file(0, 2, 2), file(0, 4, 4)]
  expect(planFrom(files, 0).reaches).toBe(2)
  expect(planFrom(files, 3).reaches).toBe(4)
  expect(planFrom([file(0, 7, 7)], 0)).toEqual({ files: [], reaches: 0 })
  expect(planFrom([], 5)).toEqual({ files: [], reaches: 5 })
})

test('of files that reach equally far the one of the higher level is taken', () => {
  expect(names(planFrom([file(0, 1, 1), file(0, 2, 2), file(1, 1, 2), file(2, 2, 2)], 0).files)).toEqual([
    '1:1-2',
  ])
})

test('reaches as far as any choice of files does, without a gap, in steps that all advance', () => {
  const arbitraryFile = fc
    .record({
      level: fc.constantFrom(0, 1, 2, 3, 9),
      first: fc.integer({ min: 1, max: 30 }),
      length: fc.nat(12),
    })
    .map(({ level, first, length }) => {
      if (level === 9) return file(9, 1, first + length)
      return level === 0 ? file(0, first, first) : file(level, first, first + length)
    })
  fc.assert(
    fc.property(
      fc.array(arbitraryFile, { maxLength: 40 }),
      fc.nat(20),
      fc.integer({ min: 1, max: 45 }),
      (files, from, to) => {
        const plan = planFrom(files, from, to)
        let at = from
        for (const step of plan.files) {
          expect(step.first).toBeLessThanOrEqual(at + 1)
          expect(step.last).toBeGreaterThan(at)
          expect(step.last).toBeLessThanOrEqual(to)
          at = step.last
        }
        expect(plan.reaches).toBe(at)
        // Every transaction that any chain of files leads to, by trying all of them.
        const reachable = new Set([from])
        for (let grown = true; grown; ) {
          grown = false
          for (const { first, last } of files) {
            if (last > to || reachable.has(last)) continue
            if (![...reachable].some((end) => first <= end + 1 && last > end)) continue
            reachable.add(last)
            grown = true
          }
        }
        expect(at).toBe(Math.max(...reachable))
      },
    ),
  )
})
