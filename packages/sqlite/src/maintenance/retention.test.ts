import { expect, test } from 'vitest'
import { fileKey, type LtxFile } from '../files.ts'
import { DEFAULT_POLICY } from './policy.ts'
import { expired } from './retention.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = 1_000 * DAY

/** A file by its level, its transactions, and its age in ms. */
function file(level: number, first: number, last: number, age: number): LtxFile {
  return { level, first, last, key: fileKey(level, first, last), size: 1, etag: '', modifiedAt: NOW - age }
}

function expiredOf(files: LtxFile[], policy: Partial<typeof DEFAULT_POLICY> = {}): string[] {
  const gone = expired(files, { ...DEFAULT_POLICY, ...policy }, NOW)
  return gone.map(({ level, first, last }) => `${level}:${first}-${last}`)
}

test('a single transaction goes a day after one file has come to cover it', () => {
  const singles = [4, 5, 6, 7].map((txid) => file(0, txid, txid, 9 * DAY))
  const newest = file(0, 99, 99, 0)
  expect(expiredOf([...singles, newest, file(1, 5, 6, DAY + 1)])).toEqual(['0:5-5', '0:6-6'])
  expect(expiredOf([...singles, newest, file(1, 5, 6, DAY - 1)])).toEqual([])
  expect(expiredOf([...singles, newest, file(9, 1, 50, 5 * DAY)])).toEqual([])
})

test('a file that is covered in part stays', () => {
  expect(expiredOf([file(1, 3, 8, 99 * DAY), file(2, 4, 9, 50 * DAY), file(0, 9, 9, 0)])).toEqual([])
  expect(expiredOf([file(1, 3, 8, 99 * DAY), file(2, 1, 7, 50 * DAY), file(0, 9, 9, 0)])).toEqual([])
  expect(expiredOf([file(1, 3, 8, 99 * DAY), file(2, 3, 8, 50 * DAY), file(0, 9, 9, 0)])).toEqual(['1:3-8'])
})

test('the newest single transaction stays, however old', () => {
  expect(expiredOf([file(0, 6, 6, 99 * DAY), file(0, 7, 7, 99 * DAY), file(1, 1, 7, 50 * DAY)])).toEqual([
    '0:6-6',
  ])
})

test('a policy cannot free the name of a transaction within the hour', () => {
  const none = { keepCoveredMs: { 0: 0, 1: 0, 2: 0 } }
  const files = [file(0, 1, 1, DAY), file(0, 2, 2, DAY), file(1, 1, 2, HOUR - 1)]
  expect(expiredOf(files, none)).toEqual([])
  expect(expiredOf([file(0, 1, 1, DAY), file(0, 2, 2, DAY), file(1, 1, 2, HOUR + 1)], none)).toEqual([
    '0:1-1',
  ])
})

test('what a single transaction that is kept rests on stays with it, whatever the policy', () => {
  const files = [
    file(0, 4, 4, 3 * HOUR),
    file(0, 9, 9, 0),
    file(1, 1, 3, 5 * HOUR),
    file(1, 4, 4, 2 * HOUR),
    file(2, 1, 4, 90 * 60_000),
  ]
  const keepCoveredMs = { 0: 3 * HOUR, 1: 0, 2: 0 }
  expect(expiredOf(files, { keepCoveredMs })).toEqual([])
  expect(expiredOf(files, { keepCoveredMs: { 0: 0, 1: 0, 2: 0 } })).toEqual(['0:4-4', '1:1-3', '1:4-4'])
})

test('of old snapshots the newest stays, and what is needed to go on from it', () => {
  const old = 31 * DAY
  const files = [
    file(9, 1, 10, old + 3),
    file(9, 1, 30, old + 1),
    file(9, 1, 20, old + 2),
    file(9, 1, 40, 29 * DAY),
    file(3, 1, 20, old + 2),
    file(3, 21, 30, old + 1),
    file(3, 21, 31, old + 1),
    file(3, 31, 40, 29 * DAY),
  ]
  expect(expiredOf(files).sort()).toEqual(['3:1-20', '3:21-30', '9:1-10', '9:1-20'])
  expect(expiredOf([file(9, 1, 40, 29 * DAY), file(3, 1, 40, old)])).toEqual([])
})
