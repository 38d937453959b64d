import { memoryStore, type ObjectStore } from '@thaw/store'
import { latencyStore, type ManualClock, manualClock, seededRandom } from '@thaw/testing'
import type { SqliteDatabase } from '../src/index.ts'
import { open } from './kit.ts'

export const PUT_MS = 20
export const GET_MS = 10

export interface CrowdOptions {
  readonly seed: string
  readonly writers: number
  /** Bytes that go through in a ms; without bound when absent. */
  readonly bytesAMs?: number
}

/** Real databases on one store that is far away, in a time of their own. */
export interface Crowd {
  readonly clock: ManualClock
  /** What is there, without the way to it. */
  readonly store: ObjectStore
  /** The same with the way to it. */
  readonly far: ObjectStore
  readonly databases: readonly SqliteDatabase[]
}

/** A crowd whose database has one empty table, `t(v)`. */
export async function openCrowd({ seed, writers, bytesAMs }: CrowdOptions): Promise<Crowd> {
  const clock = manualClock()
  const store = memoryStore()
  const sleep = (ms: number) => clock.sleep(Math.round(ms))
  const random = seededRandom(seed)
  const far = latencyStore(store, { putMs: PUT_MS, getMs: GET_MS, jitter: 0.3, random, sleep })
  const narrow: ObjectStore = {
    ...far,
    put: async (key, body, options) => {
      if (bytesAMs !== undefined && body instanceof Uint8Array) await sleep(body.length / bytesAMs)
      return far.put(key, body, options)
    },
  }
  const opening = Promise.all(
    Array.from({ length: writers }, (_, index) =>
      open({ store: narrow, clock, writerId: BigInt(index + 1), maintainEvery: 0 }),
    ),
  )
  await clock.advance(1_000)
  const databases = await opening
  const creating = databases[0]?.execute('CREATE TABLE t(v)')
  await clock.advance(500)
  await creating
  return { clock, store, far: narrow, databases }
}

/** Passes time until `promise` is settled, or so many ms are over; whether it was settled. */
export async function until(clock: ManualClock, promise: Promise<unknown>, ms: number): Promise<boolean> {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  for (const end = clock.now() + ms; !settled && clock.now() < end; ) await clock.advance(50)
  return settled
}
