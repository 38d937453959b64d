import type { HttpFront, LoadedApp } from '@thaw/app'
import type { BucketOptions } from './bucket/bucket.ts'
import type { ChaosOptions } from './chaos/options.ts'
import type { ChaosReport } from './chaos/report.ts'
import type { Outcome } from './environment/outcome.ts'
import type { EnvironmentInfo } from './environment/pool.ts'
import type { RuntimeCommand } from './environment/program.ts'
import type { Log } from './log.ts'
import type { FunctionPackage } from './packages.ts'
import type { Isolation } from './sandbox/temporary.ts'
import type { DeadLetter } from './sources/queues/queues.ts'
import type { SourceOptions } from './sources/sources.ts'
import type { WebSocketOptions } from './websocket/api.ts'

export interface SimulateOptions {
  /** 0, the default, takes any port that is free. */
  readonly port?: number
  /** `127.0.0.1` when absent: this machine only. */
  readonly host?: string
  /**
   * Variables that every function gets over its own; nothing else of this process's environment reaches them
   * but `PATH`. A function is asked again after every change of the sources.
   */
  readonly environment?:
    | Readonly<Record<string, string>>
    | ((loaded: LoadedApp) => Readonly<Record<string, string>>)
  /** Receives every line of the log; without it there is none. */
  readonly log?: Log
  /** Runs these packages, unpacked outside of the project, instead of the sources. One for each function. */
  readonly packages?: readonly FunctionPackage[]
  /** Replaces environments after a change of the sources, and reloads the application after one of its own. */
  readonly watch?: boolean
  /**
   * Folder in which the simulator makes its temporary one (packages, and `/tmp` of each environment); the
   * system's when absent. Outside of the project, or packages see more than they will on Lambda.
   */
  readonly stateDirectory?: string
  /** How many environments there may be at once, of all functions together; 50 when absent. */
  readonly maxEnvironments?: number
  /**
   * How environments get a `/tmp` of their own: the best that the machine allows when absent; `folder` does without
   * mount namespaces.
   */
  readonly isolation?: Isolation
  /** How long an environment may initialise, in ms; 10,000 as on Lambda when absent. */
  readonly initTimeoutMs?: number
  /** The S3 server; in the simulator's temporary folder, so gone with it, when there is no `directory`. */
  readonly bucket?: BucketOptions
  /** Limits of WebSocket connections; AWS's when absent. */
  readonly webSocket?: WebSocketOptions
  /** Stands before every HTTP function, whatever the application says: to try one behind all of them. */
  readonly front?: HttpFront
  /** Whether load balancers have multi-value headers; false when absent. */
  readonly albMultiValue?: boolean
  /** After how long without a request an environment is shut down, in ms; five minutes when absent. */
  readonly idleMs?: number
  /**
   * Lets debuggers be attached to the environments of these functions, which then have a day for everything and are not
   * frozen. Each says where in the log, and in `environments()`.
   */
  readonly inspect?: InspectOptions
  /** Where Lambda's API and SQS are; any port that is free when absent, 0 or taken. */
  readonly awsPort?: number
  /** Queues, schedules and asynchronous invocation; as on AWS when absent. */
  readonly sources?: SourceOptions
  /** @internal A runtime in place of the simulator's own, to check the simulator with. */
  readonly runtime?: RuntimeCommand
  /** Does to environments and to the S3 server what happens on AWS at bad times; none when absent. */
  readonly chaos?: ChaosOptions
}

export interface InspectOptions {
  readonly functions: readonly string[]
  /** The first environment's debugger listens there, on loopback, others after it; 9229 when absent, 0 for any. */
  readonly port?: number
}

/** A running simulator. */
export interface Simulator {
  /** Of everything that answers HTTP: `http://127.0.0.1:3000`. */
  readonly url: string
  /** Of the S3 server. */
  readonly s3Url: string
  /** Whether each environment has a `/tmp` of its own in a mount namespace, or a folder that `TMPDIR` names. */
  readonly isolation: Isolation
  /** Of Lambda's API and of SQS, for `--endpoint-url`: `http://127.0.0.1:3001`. */
  readonly awsUrl: string
  /** The application as it is now. */
  readonly loaded: LoadedApp
  environments(): EnvironmentInfo[]
  /** SIGKILLs one environment, or all, without warning. Resolves when they are gone. */
  kill(id?: string): Promise<void>
  /**
   * Shuts one environment down with the signals that Lambda sends, after its request if it has one. Resolves when it
   * is gone.
   */
  shutDown(id: string): Promise<void>
  /** Stops an environment in the middle of what it does, until `thaw`; its time limits go on. */
  freeze(id: string): void
  thaw(id: string): void
  /** Invokes a function with any JSON value. Throws `LocalError`; a failing function is a result. */
  invoke(functionName: string, payload: unknown): Promise<Outcome>
  /**
   * Invokes asynchronously, as `InvocationType: Event` does, and gives the request id. Throws `LocalError`
   * `FUNCTION_UNKNOWN`, `FUNCTION_IS_WEB`, `EVENT_TOO_LARGE`.
   */
  invokeAsync(functionName: string, payload: unknown): string
  /** Runs the function of a schedule now, enabled or not, asynchronously. Throws `LocalError` `FUNCTION_UNKNOWN`. */
  runSchedule(functionName: string): string
  /** What the dead-letter queue of a function holds. Throws `LocalError` `FUNCTION_UNKNOWN`. */
  deadLetters(functionName: string): DeadLetter[]
  /** Null without the option. */
  readonly chaos: { readonly seed: string; report(): ChaosReport } | null
  /** Shuts every environment down, whatever it does, and removes every temporary file. */
  close(): Promise<void>
}
