import type { Durability, HttpFront } from './model.ts'

/** What every kind of function takes besides its source file. */
export interface FunctionOptions {
  /** MB, 128 to 10240; 1024 when absent. A full processor comes with 1769. */
  readonly memory?: number
  /** Seconds, or `'10s'`, at most 900. 30 when absent. */
  readonly timeout?: number | string
  /** Size of `/tmp` in MB, 512 to 10240; 512 when absent. */
  readonly temporary?: number
  /** How many requests it may serve at once (Lambda's reserved concurrency); no limit of its own when absent. */
  readonly concurrency?: number
  /** How many environments are kept initialised (Lambda's provisioned concurrency), and paid for; 0 when absent. */
  readonly provisioned?: number
  /**
   * What appears below `/opt`, at most five, later ones over earlier ones: folders of the project
   * (`'./layers/telemetry'`), and versions that are published (`'arn:aws:lambda:…:layer:name:3'`). Executables in
   * `extensions/` are started with every environment, as external extensions.
   */
  readonly layers?: readonly string[]
  /** Variables for this function, over those of the application. */
  readonly environment?: Readonly<Record<string, string>>
}

/** Everything that `http` takes besides its source file. A timeout behind an API Gateway is at most 30 s. */
export interface HttpOptions extends FunctionOptions {
  /** `'GET /users/{id}'`, or several. Without one the function receives what no other route takes. */
  readonly route?: string | readonly string[]
  /** What stands before it; `http-api` when absent. */
  readonly front?: HttpFront
  /** Sends answers while they are made, behind a Function URL or a REST API; `serve` is told. False when absent. */
  readonly stream?: boolean
  /**
   * How many requests one environment serves at once, behind a Function URL, at most 128: more than 1 makes it a Web
   * Function, whose memory and `/tmp` are up to Lambda.
   */
  readonly requestsPerEnvironment?: number
}

/** What `http` returns; `defineApp` checks it. */
export interface HttpDeclaration {
  readonly kind: 'http'
  readonly entry: string
  readonly options: HttpOptions
}

/** Everything that `queue` takes besides its source file. */
export interface QueueOptions extends FunctionOptions {
  /** Order within groups of messages, and each message once. False when absent. */
  readonly fifo?: boolean
  /** The most messages in one event, 1 to 10,000 (10 with `fifo`); 10 when absent. */
  readonly batchSize?: number
  /** How long a batch may wait for more messages: seconds, or `'5s'`, at most 300; 0 when absent. */
  readonly batchWindow?: number | string
  /** How often a message is delivered before it goes to the dead-letter queue, 1 to 1000; 3 when absent. */
  readonly tries?: number
}

/** What `queue` returns; `defineApp` checks it. */
export interface QueueDeclaration {
  readonly kind: 'queue'
  readonly entry: string
  readonly options: QueueOptions
}

/** Everything that `schedule` takes besides its source file and its times. */
export interface ScheduleOptions extends FunctionOptions {
  /** Whether it runs by itself; true when absent. */
  readonly enabled?: boolean
}

/** What `schedule` returns; `defineApp` checks it. */
export interface ScheduleDeclaration {
  readonly kind: 'schedule'
  readonly entry: string
  readonly expression: string
  readonly options: ScheduleOptions
}

/** Everything that `socket` takes besides its source file. */
export interface SocketOptions extends FunctionOptions {
  /**
   * Route keys that it takes: `$connect`, `$disconnect`, `$default`, or what a message names in `action`. The first
   * three when absent.
   */
  readonly route?: string | readonly string[]
}

/** What `socket` returns; `defineApp` checks it. */
export interface SocketDeclaration {
  readonly kind: 'socket'
  readonly entry: string
  readonly options: SocketOptions
}

export type FunctionDeclaration = HttpDeclaration | QueueDeclaration | ScheduleDeclaration | SocketDeclaration

export interface SqliteOptions {
  /** Folder of Kysely migrations, run in order of their names. */
  readonly migrations?: string
  /** Folder of JSON files for an empty database. */
  readonly seed?: string
  /**
   * When a write is durable: when it is acknowledged (`commit`, when absent); when its request is answered, with all
   * that the request wrote (`invocation`); or some time later (`write-behind`), which loses writes when an environment is
   * killed, and is for one function with `concurrency: 1`.
   */
  readonly durability?: Durability
  /** Write-behind persists after so many writes; 10 when absent. */
  readonly writes?: number
  /** Write-behind persists so long after it last did: seconds, or `'5m'`; 300 s when absent. */
  readonly interval?: number | string
  /**
   * How often a deployed application has its database compacted, snapshotted and cleared of what has expired, by a
   * function of its own: `'rate(1 hour)'`; `'rate(15 minutes)'` when absent. `false` leaves that to you.
   */
  readonly maintenance?: false | string
}

/** What `sqlite` returns; `defineApp` checks it. */
export interface SqliteDeclaration {
  readonly kind: 'sqlite'
  readonly options: SqliteOptions
}

/** A function that answers HTTP requests. `entry` exports it as `handler`. */
export function http(entry: string, options: HttpOptions = {}): HttpDeclaration {
  return { kind: 'http', entry, options }
}

/**
 * A function that works on the messages of a queue, which is made with a dead-letter queue beside it. Every function of
 * the application finds its address in a variable: `WORKER_QUEUE_URL` for a function `worker`.
 */
export function queue(entry: string, options: QueueOptions = {}): QueueDeclaration {
  return { kind: 'queue', entry, options }
}

/** A function that runs at the times of an EventBridge expression: `rate(1 day)`, `cron(0 6 * * ? *)` (UTC). */
export function schedule(
  entry: string,
  expression: string,
  options: ScheduleOptions = {},
): ScheduleDeclaration {
  return { kind: 'schedule', entry, expression, options }
}

/** A function behind the application's WebSocket API. */
export function socket(entry: string, options: SocketOptions = {}): SocketDeclaration {
  return { kind: 'socket', entry, options }
}

/** A SQLite database whose home is a bucket. */
export function sqlite(options: SqliteOptions = {}): SqliteDeclaration {
  return { kind: 'sqlite', options }
}

/** What a user hands to `defineApp`. */
export interface AppDefinition {
  /** Lower-case letters, digits and `-`, begins with a letter, at most 32 characters. */
  readonly name: string
  readonly database?: SqliteDeclaration
  readonly functions: Readonly<Record<string, FunctionDeclaration>>
  /** Variables for every function. No place for secrets: the deployed template shows them. */
  readonly environment?: Readonly<Record<string, string>>
}
