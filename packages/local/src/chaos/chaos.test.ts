import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createChaos } from './chaos.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('an environment that is stopped is not stopped again before it goes on', () => {
  const chaos = createChaos({ seed: 3, kill: false, storm: false, bucket: false, freeze: 100 }, () => {})
  const environment = {
    ...{ id: 'api#1', functionName: 'api', pid: process.pid, state: 'busy' as const },
    ...{ provisioned: false, inspector: null },
  }
  const done: string[] = []
  chaos.observe('api#1', 'api', undefined).starting()
  chaos.start({
    list: () => [environment],
    kill: async () => {},
    freeze: () => void done.push('freeze'),
    thaw: () => void done.push('thaw'),
  })
  vi.advanceTimersByTime(60_000)
  chaos.close()
  expect(done.length).toBeGreaterThan(10)
  expect(done).toEqual(done.map((_, index) => (index % 2 === 0 ? 'freeze' : 'thaw')))
})
