import type { BucketFault } from '../bucket/faults.ts'
import type { ClockShift } from '../environment/runtime-api.ts'
import { draw } from './draw.ts'
import type { ChaosRates } from './options.ts'

/** What is done at a moment of its own. `pick`, in [0, 1), chooses among the environments that there are then. */
export type Act = { readonly atMs: number } & (
  | { readonly kind: 'kill'; readonly pick: number }
  /** `ms` counts for an environment that has a request: one without is frozen until there is one. */
  | { readonly kind: 'freeze'; readonly pick: number; readonly ms: number; readonly clock: ClockShift | null }
  | { readonly kind: 'storm' }
)

/**
 * Everything that chaos is going to do, as a function of the seed and of what is counted: moments after the start,
 * starts of runtimes, invocations, streamed answers, requests to the bucket (each from 0). Nothing that happens
 * changes it.
 */
export interface ChaosPlan {
  /** Acts of one kind, in order, without end; none when it is switched off. */
  acts(kind: Act['kind']): Iterable<Act>
  /** After how many ms of the initialisation its environment is killed; null when it is not. */
  killInStart(n: number): number | null
  killInInvocation(n: number): number | null
  /** Counted from the first byte of the answer. */
  killInStream(n: number): number | null
  bucketFault(n: number): BucketFault | null
}

/** How often something is done each minute, at rate 1. */
const perMinute = { kill: 6, freeze: 6, storm: 1 } as const

/** How many of a hundred are hit, at rate 1. */
const percent = {
  start: 5,
  invocation: 0.5,
  stream: 5,
  slow: 5,
  unavailable: 1,
  reset: 0.5,
  lost: 0.5,
} as const

/** No more than this share of starts, invocations and streams is killed, so that some get through at any rate. */
const mostKilled = 0.25

/**
 * No more than this share of requests to the bucket is slow: who waits meets the more of everything else, so that slowness
 * that grew with all other kinds would let nothing through.
 */
const mostSlow = 0.1

const minuteMs = 60_000
const hourMs = 60 * minuteMs

export function createPlan(seed: number | string, rates: ChaosRates): ChaosPlan {
  const kill = (event: string, part: keyof typeof percent, [minMs, maxMs]: readonly [number, number]) => {
    const numbers = draw(seed, event)
    const hit = numbers.next() < Math.min(mostKilled, (percent[part] / 100) * rates.kill)
    return hit ? numbers.spread(minMs, maxMs) : null
  }
  return {
    *acts(kind) {
      const rate = perMinute[kind] * rates[kind]
      if (rate === 0) return
      for (let n = 0, atMs = 0; ; n++) {
        const numbers = draw(seed, `${kind} ${n}`)
        atMs += (numbers.between(0.5, 1.5) * minuteMs) / rate
        if (kind === 'storm') yield { kind, atMs }
        else if (kind === 'kill') yield { kind, atMs, pick: numbers.next() }
        else yield { kind, atMs, pick: numbers.next(), ms: numbers.spread(200, 6000), clock: shift(numbers) }
      }
    },
    killInStart: (n) => kill(`start ${n}`, 'start', [1, 300]),
    killInInvocation: (n) => kill(`invocation ${n}`, 'invocation', [0.5, 200]),
    killInStream: (n) => kill(`stream ${n}`, 'stream', [0.5, 200]),
    bucketFault(n) {
      const numbers = draw(seed, `bucket ${n}`)
      const slow = numbers.next() < Math.min(mostSlow, (percent.slow / 100) * rates.bucket)
      const delayMs = numbers.spread(20, 2000)
      let left = (numbers.next() * 100) / rates.bucket
      const fates = [
        ['unavailable', percent.unavailable],
        ['reset', percent.reset],
        ['lost-answer', percent.lost],
      ] as const
      for (const [fate, share] of fates) {
        if (left < share) return slow ? { delayMs, fate } : { fate }
        left -= share
      }
      return slow ? { delayMs } : null
    },
  }
}

/** A third moves on by hours, a third is left behind by minutes until it is set right, and a third stays right. */
function shift(numbers: ReturnType<typeof draw>): ClockShift | null {
  const kind = Math.floor(numbers.next() * 3)
  // Whole, as clocks are.
  if (kind === 0) return { offsetMs: Math.round(numbers.between(1, 12) * hourMs), forMs: null }
  if (kind === 1) {
    const offsetMs = -Math.round(numbers.between(4, 40) * minuteMs)
    return { offsetMs, forMs: numbers.spread(50, 5000) }
  }
  return null
}
