import { expect, test } from 'vitest'
import { simulate } from './simulate.ts'

const SEEDS = 200

test(`${SEEDS} seeds`, { timeout: 240_000 }, async () => {
  const outcomes = new Set<string>()
  for (let seed = 1; seed <= SEEDS; seed++) {
    const report = await simulate(seed)
    if (report.failure !== null) throw new Error(`seed ${seed}: ${report.failure}`)
    for (const outcome of Object.keys(report.outcomes)) outcomes.add(outcome)
  }
  // A world in which these never happen would prove little.
  expect([...outcomes]).toEqual(
    expect.arrayContaining([
      'acknowledged',
      'acknowledged with its request',
      'restored',
      'thrown',
      'pending',
      'CONFLICT',
      'COMMIT_UNKNOWN',
      'STORE_UNREACHABLE',
      'TRANSACTION_TIMEOUT',
      'NO_RESTORE_POINT',
      'BOOKMARK_FOREIGN',
      'BOOKMARK_AHEAD',
    ]),
  )
})

test('a seed gives the same course of events every time, another seed another', async () => {
  const hash = async (seed: string) => (await simulate(seed)).hash
  for (const seed of ['a', 'b', 'c']) expect(await hash(seed)).toBe(await hash(seed))
  expect(await hash('a')).not.toBe(await hash('b'))
})

test('a bucket that lets conditional puts overwrite is noticed', { timeout: 60_000 }, async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const { failure } = await simulate(seed, { ignoresConditions: true })
    if (failure?.includes('the history is forked')) return
  }
  expect.unreachable('100 seeds had no fork to show')
})
