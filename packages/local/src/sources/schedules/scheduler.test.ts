import type { ScheduleFunction } from '@thaw/app'
import { manualClock } from '@thaw/testing'
import { expect, test } from 'vitest'
import { createScheduler } from './scheduler.ts'

const minute = 60_000
const start = Date.UTC(2026, 0, 1, 11, 59, 30)

function setup() {
  const clock = manualClock(start)
  const runs: [name: string, due: string][] = []
  const run = (name: string, dueAtMs: number) => void runs.push([name, new Date(dueAtMs).toISOString()])
  return { clock, runs, scheduler: createScheduler({ clock, run }) }
}

function declare(name: string, schedule: string, enabled = true): ScheduleFunction {
  return { name, schedule, enabled } as ScheduleFunction
}

test('functions run when they are due: cron by the clock, rates from their start', async () => {
  const { clock, runs, scheduler } = setup()
  scheduler.update([
    declare('noon', 'cron(0 12 * * ? *)'),
    declare('often', 'rate(2 minutes)'),
    declare('off', 'rate(1 minute)', false),
  ])
  await clock.advance(4 * minute)
  expect(runs).toEqual([
    ['noon', '2026-01-01T12:00:00.000Z'],
    ['often', '2026-01-01T12:01:30.000Z'],
    ['often', '2026-01-01T12:03:30.000Z'],
  ])
  await clock.advance(24 * 60 * minute)
  expect(runs.filter(([name]) => name === 'noon')).toHaveLength(2)
  scheduler.close()
  expect(clock.sleeping).toBe(0)
})

test('what was due while the machine slept runs once', async () => {
  const { clock, runs, scheduler } = setup()
  scheduler.update([declare('often', 'rate(1 minute)')])
  await clock.advance(0)
  clock.jump(10 * minute)
  await clock.advance(3 * minute)
  expect(runs.map(([, due]) => due.slice(11, 19))).toEqual(['12:00:30', '12:11:30', '12:12:30'])
  scheduler.close()
})

test('after a change, what stays goes on, what has gone ends, what is other begins anew', async () => {
  const { clock, runs, scheduler } = setup()
  scheduler.update([
    declare('stays', 'rate(2 minutes)'),
    declare('goes', 'rate(2 minutes)'),
    declare('other', 'rate(2 minutes)'),
  ])
  await clock.advance(minute)
  scheduler.update([declare('stays', 'rate(2 minutes)'), declare('other', 'rate(3 minutes)')])
  await clock.advance(3.5 * minute)
  expect(runs.map(([name, due]) => [name, due.slice(11, 19)])).toEqual([
    ['stays', '12:01:30'],
    ['stays', '12:03:30'],
    ['other', '12:03:30'],
  ])
  scheduler.close()
})
