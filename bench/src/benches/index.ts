import { adapterCold } from './adapter-cold.ts'
import { adapterConformance } from './adapter-conformance.ts'
import { adapterSize } from './adapter-size.ts'
import { adapterWarm } from './adapter-warm.ts'
import { coldApi } from './cold-api.ts'
import { commitBytes } from './commit-bytes.ts'
import { commitContention } from './commit-contention.ts'
import { commitCpu } from './commit-cpu.ts'
import { commitGroup } from './commit-group.ts'
import { commitLatency } from './commit-latency.ts'
import { commitWholeFile } from './commit-wholefile.ts'
import { localBench } from './local.ts'
import { readPoint } from './read-point.ts'
import { restore } from './restore.ts'
import { writeBehindTrack } from './write-behind-track.ts'

export interface Bench {
  /** The names of the lines it prints. */
  readonly names: readonly string[]
  /**
   * Prints the lines that are wanted, or all.
   *
   * @param isVerbose prints what is behind the lines as well, on standard error.
   */
  run(wanted: (name: string) => boolean, isVerbose: boolean): Promise<void>
}

export const benches: readonly Bench[] = [
  commitLatency,
  commitCpu,
  commitGroup,
  commitContention,
  commitBytes,
  commitWholeFile,
  readPoint,
  restore,
  writeBehindTrack,
  coldApi,
  adapterConformance,
  adapterWarm,
  adapterCold,
  adapterSize,
  localBench,
]
