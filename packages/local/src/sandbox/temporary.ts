/** How environments are kept apart: each with a `/tmp` of its own, or each with a folder that `TMPDIR` names. */
export type Isolation = 'namespace' | 'folder'

/** The `/tmp` of one environment. It outlives the processes of the environment, and goes with `close`. */
export interface TemporaryStorage {
  readonly isolation: Isolation
  /** What `TMPDIR` has to be. */
  readonly path: string
  /** The command that runs `command` in `folder` with this storage, in the process that is started. */
  wrap(command: readonly [string, ...string[]], folder: string): readonly [string, ...string[]]
  /** Where the content of the layers is: `/opt`, or the folder itself; null without any. */
  readonly opt: string | null
  /**
   * Bytes in it; null where the system itself refuses what goes over the limit. Walks the folder, so it is nothing
   * for every request.
   */
  usedBytes(): Promise<number | null>
  close(): Promise<void>
}

export interface TemporaryOptions {
  /** Made for this storage, removed with it. */
  readonly directory: string
  readonly sizeMb: number
  /** A folder of the simulator's own to be seen as `/opt`; null to leave that as it is. */
  readonly opt: string | null
  /** Absolute paths that must be seen as they are, also where they lie below `/tmp` or `/opt`. */
  readonly visible: readonly string[]
}

/** Makes the storage of environments, all in the same way. */
export interface Sandbox {
  readonly isolation: Isolation
  open(options: TemporaryOptions): Promise<TemporaryStorage>
}
