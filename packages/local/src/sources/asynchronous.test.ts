import { manualClock } from '@thaw/testing'
import { expect, test } from 'vitest'
import type { Outcome } from '../environment/outcome.ts'
import { LocalError } from '../errors.ts'
import { createAsynchronous } from './asynchronous.ts'

type Step = 'done' | 'failed' | 'throttled'

function setup(steps: (attempt: number) => Step, retryDelaysMs?: readonly number[]) {
  const clock = manualClock(0)
  const tries: { readonly at: number; readonly requestId: string; readonly traceId: string }[] = []
  const lines: string[] = []
  const asynchronous = createAsynchronous({
    clock,
    log: (line) => void lines.push(line),
    ...(retryDelaysMs === undefined ? {} : { retryDelaysMs }),
    invoke: async (_name, _event, traceId, requestId) => {
      tries.push({ at: clock.now(), requestId, traceId })
      const step = steps(tries.length)
      if (step === 'throttled') throw new LocalError('TOO_MANY_REQUESTS', 'busy')
      const failure = '{"errorType":"TypeError","errorMessage":"as told"}'
      return {
        payload: failure,
        stream: null,
        functionError: step === 'failed' ? 'Unhandled' : null,
      } as Outcome
    },
  })
  return { clock, asynchronous, tries, lines, times: () => tries.map(({ at }) => at) }
}

test('a function that fails is tried twice more, after one minute and after two, as the same request', async () => {
  const { clock, asynchronous, tries, lines, times } = setup(() => 'failed')
  const requestId = asynchronous.submit('f', '{}')
  await clock.advance(3_600_000)
  expect(times()).toEqual([0, 60_000, 180_000])
  expect(new Set(tries.map((one) => one.requestId))).toEqual(new Set([requestId]))
  expect(new Set(tries.map((one) => one.traceId)).size).toBe(1)
  expect(lines).toEqual([
    `f: gave up the event of asynchronous invocation ${requestId}: it failed 3 times, at last with TypeError: as told`,
  ])
  expect(asynchronous.waiting).toBe(0)
})

test('what succeeds is done with', async () => {
  const { clock, asynchronous, lines, times } = setup(
    (attempt) => (attempt === 2 ? 'done' : 'failed'),
    [5, 7],
  )
  asynchronous.submit('f', '{}')
  expect(asynchronous.waiting).toBe(1)
  await clock.advance(100_000)
  expect([times(), lines, asynchronous.waiting]).toEqual([[0, 5], [], 0])
})

test('throttles are no failures: tried again after a second, then twice as long, up to five minutes, for six hours', async () => {
  const { clock, asynchronous, lines, times } = setup(() => 'throttled')
  asynchronous.submit('f', '{}')
  await clock.advance(7 * 3_600_000)
  const waits = times().map((at, index) => at - (times()[index - 1] ?? 0))
  expect(waits.slice(0, 11)).toEqual(
    [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300].map((seconds) => seconds * 1000),
  )
  expect(times().at(-1)).toBeLessThanOrEqual(6 * 3_600_000)
  expect(times().at(-1)).toBeGreaterThan(5.8 * 3_600_000)
  expect(lines).toEqual([expect.stringContaining('six hours old')])
})

test('an event over 1 MB is refused, and a closed simulator forgets the rest', async () => {
  const { clock, asynchronous, times } = setup(() => 'failed')
  expect(() => asynchronous.submit('f', 'x'.repeat(1024 * 1024 + 1))).toThrow('1048576')
  asynchronous.submit('f', 'x'.repeat(1024 * 1024))
  await clock.advance(0)
  asynchronous.close()
  await clock.advance(3_600_000)
  expect([times(), asynchronous.waiting]).toEqual([[0], 0])
})
