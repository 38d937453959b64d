import { expect, test } from 'vitest'
import { manualClock } from './clock.ts'

test('wakes in order, each after what the one before set off', async () => {
  const clock = manualClock(1000)
  const log: string[] = []
  const sleeper = async (name: string, ...pauses: number[]) => {
    for (const ms of pauses) {
      await clock.sleep(ms)
      log.push(`${name} at ${clock.now()}`)
    }
  }
  const all = [sleeper('a', 10, 10, 10), sleeper('b', 15), sleeper('c', 0, 10)]
  await clock.advance(25)
  expect(log).toEqual(['c at 1000', 'a at 1010', 'c at 1010', 'b at 1015', 'a at 1020'])
  expect(clock.now()).toBe(1025)
  expect(clock.sleeping).toBe(1)
  await clock.advance(5)
  await Promise.all(all)
  expect(clock.sleeping).toBe(0)
})

test('a freeze moves the wall clock and wakes nobody', async () => {
  const clock = manualClock(0)
  let awake = false
  const sleeping = clock.sleep(10).then(() => {
    awake = true
  })
  clock.jump(3_600_000)
  await clock.advance(9)
  expect([awake, clock.now()]).toEqual([false, 3_600_009])
  await clock.advance(1)
  await sleeping
  expect([awake, clock.now()]).toEqual([true, 3_600_010])
})

test('a signal ends a sleep', async () => {
  const clock = manualClock()
  const controller = new AbortController()
  const sleep = clock.sleep(10, controller.signal)
  controller.abort(new Error('enough'))
  await expect(sleep).rejects.toThrow('enough')
  await expect(clock.sleep(10, controller.signal)).rejects.toThrow('enough')
  expect(clock.sleeping).toBe(0)
})
