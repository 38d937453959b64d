import { coldApi } from './cold-api.ts'
import { commitBytes } from './commit-bytes.ts'
import { commitLatency } from './commit-latency.ts'

export interface Bench {
  /** The names of the lines it prints. */
  readonly names: readonly string[]
  run(): Promise<void>
}

export const benches: readonly Bench[] = [commitLatency, commitBytes, coldApi]
