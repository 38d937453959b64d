import { expect, test } from 'vitest'
import { loadUnderChaos } from './chaos.ts'

test('some seconds of chaos: nothing acknowledged is lost, nothing is applied twice, every error is explained', async () => {
  const { kills, freezes, bucket } = await loadUnderChaos({ seconds: 8, clients: 3, chaos: { rate: 3 } })
  // It has to have hit something, or nothing was shown.
  expect(Object.values(kills).reduce((total, count) => total + count, 0)).toBeGreaterThan(0)
  expect(freezes.idle + freezes.busyMs.length).toBeGreaterThan(0)
  expect(bucket.delayed + bucket.unavailable + bucket.reset + bucket['lost-answer']).toBeGreaterThan(0)
}, 120_000)
