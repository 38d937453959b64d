import type { ObjectStore } from '@thaw/store'
import { faultyStore } from './faulty-store.ts'
import type { SeededRandom } from './random.ts'

export interface Latency {
  /** Round trip of a put, in ms. */
  readonly putMs: number
  /** Round trip of everything else, in ms. */
  readonly getMs: number
  /** Spreads every round trip by this share to both sides: 0.2 gives 80 to 120 %. Needs `random`. */
  readonly jitter?: number
  readonly random?: SeededRandom
  readonly sleep?: (ms: number) => Promise<void>
}

/** Wraps a store as if it were far away: half of a round trip before the effect, half after it. */
export function latencyStore(store: ObjectStore, latency: Latency): ObjectStore {
  const { putMs, getMs, jitter = 0, random, sleep } = latency
  if (jitter > 0 && !random) throw new TypeError('latencyStore: jitter needs a source of randomness')
  const half = (ms: number) => (ms / 2) * (1 + jitter * (2 * (random?.next() ?? 0.5) - 1))
  return faultyStore(
    store,
    ({ operation }) => {
      const roundTrip = operation === 'put' ? putMs : getMs
      return { delayMs: half(roundTrip), answerDelayMs: half(roundTrip) }
    },
    sleep ? { sleep } : {},
  )
}
