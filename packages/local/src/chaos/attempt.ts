import type { BucketFault } from '../bucket/faults.ts'

/** What an environment was doing when it was killed. */
export type KilledState = 'starting' | 'busy' | 'streaming' | 'frozen' | 'idle' | 'reset'

/** Something that was done to one environment, or to one of its requests to the bucket. Times are ms since the start. */
export type Fault = {
  readonly environmentId: string
  readonly atMs: number
} & (
  | {
      readonly kind: 'kill'
      readonly state: KilledState
      readonly storm: boolean
      /** How long it had been starting, in vain; 0 for one that was not. */
      readonly lostMs: number
    }
  /** `ms` is 0 for one that was frozen already; `cut` is how many connections were. */
  | { readonly kind: 'freeze'; readonly ms: number; readonly cut: number }
  | {
      readonly kind: 'bucket'
      readonly request: string
      readonly write: boolean
      readonly fault: BucketFault
    }
  /** The bucket refused a request that was signed by a clock put wrong. */
  | { readonly kind: 'clock'; readonly request: string }
)

/** One invocation, and all that was done to it while it ran. */
export interface Attempt {
  readonly functionName: string
  readonly startedMs: number
  readonly faults: Fault[]
}

/** What a client got that is no answer it would want. Any status below 500 is one, but for the simulator's own 429. */
export type Trouble =
  /** No environment was free. `faults` is what had taken away those of the function just then. */
  | { readonly kind: 'throttled'; readonly faults: readonly Fault[] }
  /** Its process ended, threw or took too long; what Lambda tells about it. */
  | {
      readonly kind: 'failed'
      readonly environmentId: string
      readonly errorType: string
      readonly errorMessage: string
      readonly durationMs: number
    }
  /** The streamed answer was not whole. */
  | { readonly kind: 'broke-off'; readonly reason: string }
  /** What stands before the function did not wait any longer. */
  | { readonly kind: 'late'; readonly waitedMs: number }
  /** The function's own answer. */
  | { readonly kind: 'answered'; readonly status: number }
  /** Anything else that stands before the function found wrong. */
  | { readonly kind: 'refused'; readonly reason: string }
