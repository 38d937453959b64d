/** The HTTP methods that a route may name. `ANY` stands for every method that the same path has no route for. */
export const methods = ['ANY', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'] as const

export type Method = (typeof methods)[number]

/** A method and a path, like `GET /users/{id}` or `ANY /files/{path+}`. */
export interface PathRoute {
  /** As API Gateway writes it: `GET /users/{id}`. Unique within an application. */
  readonly key: string
  readonly method: Method
  /** Begins with `/`; `{name}` is one segment, `{name+}` (last only) is one or more. */
  readonly path: string
}

/** Receives every request that no other route takes. */
export interface DefaultRoute {
  readonly key: '$default'
  readonly method: 'ANY'
  readonly path: null
}

export type Route = PathRoute | DefaultRoute

/** A function that answers HTTP requests. */
export interface HttpFunction {
  readonly kind: 'http'
  /** Unique within the application, also when upper and lower case are not told apart. */
  readonly name: string
  /** Source file relative to the project's root, with `/` between folders: `./src/api.ts`. */
  readonly entry: string
  /** The name under which `entry` exports the handler. */
  readonly handler: string
  readonly memoryMb: number
  readonly timeoutSeconds: number
  /** How many requests it may serve at once; no limit of its own when absent. */
  readonly concurrency?: number
  /** At least one. */
  readonly routes: readonly Route[]
  /** What this function sees, the application's variables included. */
  readonly environment: Readonly<Record<string, string>>
}

export type AppFunction = HttpFunction

/**
 * When a write is durable: `commit`, when it is acknowledged; `invocation`, when the request that it belongs to is
 * answered; `write-behind`, some time later.
 */
export type Durability = 'commit' | 'invocation' | 'write-behind'

/** SQLite whose home is a bucket, or whatever else `DATABASE_URL` says. */
export interface SqliteDefinition {
  readonly kind: 'sqlite'
  /** Folder of Kysely migrations relative to the project's root: `./migrations`. */
  readonly migrations?: string
  /** Folder of JSON files for an empty database, relative to the project's root: `./data`. */
  readonly seed?: string
  /** `commit` when absent. */
  readonly durability?: Durability
  /** When write-behind persists; its own defaults when absent. */
  readonly writes?: number
  readonly intervalSeconds?: number
  /** How often a deployed application has it compacted and cleared, as EventBridge writes it; null for never. */
  readonly maintenance: string | null
}

export type DatabaseDefinition = SqliteDefinition

/** An application: validated, complete, deeply frozen. Only `defineApp` makes one. */
export interface App {
  readonly name: string
  readonly database?: DatabaseDefinition
  /** Variables that every function sees. */
  readonly environment: Readonly<Record<string, string>>
  /** Sorted by name. At least one. */
  readonly functions: readonly AppFunction[]
}

/** An application and where it lives. */
export interface LoadedApp {
  readonly app: App
  /** Absolute path of the project's root: the folder that holds the configuration file. */
  readonly root: string
  /** Absolute path of the configuration file. */
  readonly configFile: string
}
