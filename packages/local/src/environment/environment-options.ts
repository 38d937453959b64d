import type { Log } from '../log.ts'
import type { Sandbox } from '../sandbox/temporary.ts'
import type { InspectPorts } from './inspect-ports.ts'
import type { EnvironmentObserver } from './observer.ts'
import type { Program } from './program.ts'
import type { Reaper } from './reaper.ts'

export interface EnvironmentOptions {
  /** Unique within the simulator; opens every line of the log: `api#1`. */
  readonly id: string
  /** Of provisioned concurrency: initialised ahead of requests, and not ended for want of them. */
  readonly provisioned: boolean
  /** For the environment's `/tmp`: made for it, removed with it. */
  readonly temporaryDirectory: string
  readonly sandbox: Sandbox
  /** Folder for compiled modules, shared by all environments. */
  readonly compileCache: string
  /** After how long without work it is shut down. */
  readonly idleMs: number
  readonly reaper: Reaper
  /** Where the debuggers of functions that are `inspected` listen. */
  readonly inspectPorts: InspectPorts
  readonly program: Program
  readonly log: Log
  /** Told what happens in it. */
  readonly observer?: EnvironmentObserver
}

export type EnvironmentState =
  | 'starting'
  /** Stopped until the next invocation. */
  | 'frozen'
  /** It runs without a request, as those of Web Functions do. */
  | 'idle'
  | 'busy'
  /** Its process has ended, and the next invocation starts another one in it. */
  | 'reset'
  | 'dead'
