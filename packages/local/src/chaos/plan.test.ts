import { expect, test } from 'vitest'
import { LocalError } from '../errors.ts'
import { readRates } from './options.ts'
import { type Act, createPlan } from './plan.ts'

const all = readRates({ seed: 0 })
const range = (n: number) => Array.from({ length: n }, (_, index) => index)

function first(plan: ReturnType<typeof createPlan>, kind: Act['kind'], n: number): Act[] {
  const acts: Act[] = []
  for (const act of plan.acts(kind)) if (acts.push(act) === n) break
  return acts
}

/** All that a seed decides. */
function everything(seed: number | string, rates = all) {
  const plan = createPlan(seed, rates)
  return {
    acts: (['kill', 'freeze', 'storm'] as const).flatMap((kind) => first(plan, kind, 20)),
    fates: range(500).map((n) => [
      plan.killInStart(n),
      plan.killInInvocation(n),
      plan.killInStream(n),
      plan.bucketFault(n),
    ]),
  }
}

test('a seed has one plan, whatever it is asked for first, and another seed another', () => {
  expect(everything(7)).toEqual(everything('7'))
  expect(everything(7)).not.toEqual(everything(8))
  const plan = createPlan(7, all)
  const backwards = range(500)
    .toReversed()
    .map((n) => plan.bucketFault(n))
    .toReversed()
  expect(backwards).toEqual(everything(7).fates.map(([, , , fault]) => fault))
})

test('switching one kind off leaves the others as they were', () => {
  const without = readRates({ seed: 0, kill: false })
  expect(first(createPlan(7, without), 'kill', 1)).toEqual([])
  expect(range(1000).every((n) => createPlan(7, without).killInStart(n) === null)).toBe(true)
  expect(first(createPlan(7, without), 'freeze', 20)).toEqual(first(createPlan(7, all), 'freeze', 20))
  expect(createPlan(7, { ...all, bucket: 0 }).bucketFault(3)).toBeNull()
})

test('each minute has about as much of it as the rate says, in order', () => {
  const plan = createPlan('rates', readRates({ seed: 0, rate: 2 }))
  const kills = first(plan, 'kill', 2400)
  expect(kills.map(({ atMs }) => atMs)).toEqual(kills.map(({ atMs }) => atMs).toSorted((a, b) => a - b))
  expect((kills.at(-1)?.atMs ?? 0) / 60_000).toBeCloseTo(200, -1.5)
  const fates = range(20_000).map((n) => plan.bucketFault(n))
  const share = (fate: string) => fates.filter((fault) => fault?.fate === fate).length / 200
  expect(share('unavailable')).toBeCloseTo(2, 0)
  expect(share('reset')).toBeCloseTo(1, 0)
  expect(share('lost-answer')).toBeCloseTo(1, 0)
})

test('at the highest rate most of what is started lives, and the bucket is rarely slower', () => {
  const plan = createPlan('rates', readRates({ seed: 0, rate: 1000 }))
  const percentOf = (hit: (n: number) => boolean) => range(10_000).filter(hit).length / 100
  const kills = [plan.killInStart, plan.killInInvocation, plan.killInStream]
  for (const kill of kills) expect(percentOf((n) => kill(n) !== null)).toBeCloseTo(25, -0.5)
  expect(percentOf((n) => plan.bucketFault(n)?.delayMs !== undefined)).toBeCloseTo(10, -0.5)
  expect(percentOf((n) => plan.bucketFault(n)?.fate !== undefined)).toBe(100)
})

test('clocks go ahead by hours and stay there, or are behind by minutes for a while, by whole milliseconds', () => {
  const clocks = first(createPlan(1, all), 'freeze', 300).flatMap((act) =>
    act.kind === 'freeze' ? [act.clock] : [],
  )
  const [ahead, behind] = [
    clocks.filter((c) => (c?.offsetMs ?? 0) > 0),
    clocks.filter((c) => (c?.offsetMs ?? 0) < 0),
  ]
  expect(Math.min(ahead.length, behind.length, clocks.length - ahead.length - behind.length)).toBeGreaterThan(
    60,
  )
  for (const clock of ahead) expect(clock?.forMs).toBeNull()
  for (const clock of behind) expect(clock?.forMs).toBeGreaterThan(0)
  for (const clock of clocks) expect(Number.isInteger(clock?.offsetMs ?? 0)).toBe(true)
})

test.each([{ rate: -1 }, { rate: Number.NaN }, { kill: 1e6 }, { storm: -0.1 }])(
  '%j is refused',
  (options) => {
    expect(() => readRates({ seed: 1, ...options })).toThrow(LocalError)
  },
)
