import type { Durability } from './model.ts'

/** Everything that `http` takes besides its source file. */
export interface HttpOptions {
  /** `'GET /users/{id}'`, or several. Without one the function receives what no other route takes. */
  readonly route?: string | readonly string[]
  /** MB, 128 to 10240; 1024 when absent. A full processor comes with 1769. */
  readonly memory?: number
  /** Seconds, or `'10s'`; at most 30, because an HTTP API waits no longer. 30 when absent. */
  readonly timeout?: number | string
  /** How many requests it may serve at once (Lambda's reserved concurrency); no limit of its own when absent. */
  readonly concurrency?: number
  /** Variables for this function, over those of the application. */
  readonly environment?: Readonly<Record<string, string>>
}

/** What `http` returns; `defineApp` checks it. */
export interface HttpDeclaration {
  readonly kind: 'http'
  readonly entry: string
  readonly options: HttpOptions
}

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

/** A SQLite database whose home is a bucket. */
export function sqlite(options: SqliteOptions = {}): SqliteDeclaration {
  return { kind: 'sqlite', options }
}

/** What a user hands to `defineApp`. */
export interface AppDefinition {
  /** Lower-case letters, digits and `-`, begins with a letter, at most 32 characters. */
  readonly name: string
  readonly database?: SqliteDeclaration
  readonly functions: Readonly<Record<string, HttpDeclaration>>
  /** Variables for every function. No place for secrets: the deployed template shows them. */
  readonly environment?: Readonly<Record<string, string>>
}
