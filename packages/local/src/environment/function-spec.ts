/** What the layers of a function come to, later ones over earlier ones. */
export interface LayerContent {
  /** Absolute; appears at `/opt`. */
  readonly folder: string
  /** The files in its `extensions`, in order of their names. */
  readonly extensions: readonly { readonly name: string; readonly isExecutable: boolean }[]
}

/** What every environment of one function has in common. */
export interface FunctionSpec {
  readonly name: string
  readonly arn: string
  readonly memoryMb: number
  /** Size of `/tmp`. */
  readonly temporaryMb: number
  /** How many environments there may be; null: as many as the simulator has. */
  readonly concurrency: number | null
  /** How many environments are kept initialised. */
  readonly provisioned: number
  /** How many requests one environment has at once: over 1 for a Web Function, which gets requests and no events. */
  readonly requestsPerEnvironment: number
  readonly timeoutMs: number
  readonly initTimeoutMs: number
  /** Absolute folder of the function's code. */
  readonly taskRoot: string
  /** `src/api.handler`. */
  readonly handler: string
  readonly environment: Readonly<Record<string, string>>
  /** A debugger may be attached: its environments are not frozen, and end neither for time nor for want of requests. */
  readonly inspected: boolean
  /** Whether there are source maps, which stack traces follow. */
  readonly sourceMaps: boolean
  /** Absolute folders outside of `taskRoot` that its processes read: source maps, the AWS SDK. */
  readonly reads: readonly string[]
  /** Null without any that can be had here. */
  readonly layers: LayerContent | null
}
