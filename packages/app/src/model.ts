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

/**
 * Files that appear below `/opt`: a folder of the project, relative to its root (`./layers/telemetry`), or a version
 * that has been published. Executables in its `extensions` are started with every environment.
 */
export type Layer = { readonly folder: string } | { readonly arn: string }

/** What every function has. */
export interface FunctionBase {
  /** Unique within the application, also when upper and lower case are not told apart. */
  readonly name: string
  /** Source file relative to the project's root, with `/` between folders: `./src/api.ts`. */
  readonly entry: string
  /** The name under which `entry` exports the handler. */
  readonly handler: string
  readonly memoryMb: number
  readonly timeoutSeconds: number
  /** Size of `/tmp`. */
  readonly temporaryMb: number
  /** How many requests it may serve at once; no limit of its own when absent. */
  readonly concurrency?: number
  /** How many environments are kept initialised; 0 for none. */
  readonly provisioned: number
  /** At most five; later ones go over earlier ones. None for a Web Function. */
  readonly layers: readonly Layer[]
  /** What this function sees, the application's variables included. */
  readonly environment: Readonly<Record<string, string>>
}

/** What stands before a function and turns requests into events. */
export type HttpFront = (typeof fronts)[number]

export const fronts = ['http-api', 'rest-api', 'function-url', 'alb'] as const

/** A function that answers HTTP requests. */
export interface HttpFunction extends FunctionBase {
  readonly kind: 'http'
  readonly front: HttpFront
  /** At least one; none behind a Function URL, which has an address of its own. */
  readonly routes: readonly Route[]
  /** Whether answers are sent while they are made. Only behind a Function URL or a REST API. */
  readonly stream: boolean
  /**
   * How many requests one environment serves at once. More than 1 makes it a Web Function: a server of its own,
   * which gets requests and no events.
   */
  readonly requestsPerEnvironment: number
}

/** A function that works on the messages of a queue of its own. */
export interface QueueFunction extends FunctionBase {
  readonly kind: 'queue'
  readonly queue: QueueDefinition
}

/** An SQS queue with a dead-letter queue beside it. */
export interface QueueDefinition {
  /** Messages of one group are then in order, and one is sent once. */
  readonly fifo: boolean
  /** The most messages in one event. */
  readonly batchSize: number
  /** How long a batch may wait for more messages. */
  readonly batchWindowSeconds: number
  /** How often a message is delivered before it goes to the dead-letter queue. */
  readonly tries: number
  /** How long a message that was delivered stays hidden from others. */
  readonly visibilitySeconds: number
}

/** A function that runs at set times. */
export interface ScheduleFunction extends FunctionBase {
  readonly kind: 'schedule'
  /** As EventBridge writes it: `rate(5 minutes)` or `cron(0 12 * * ? *)`, in UTC. */
  readonly schedule: string
  readonly enabled: boolean
}

/** A function behind the application's WebSocket API. */
export interface SocketFunction extends FunctionBase {
  readonly kind: 'socket'
  /** Route keys: `$connect`, `$disconnect`, `$default` and what messages may name in `action`. At least one. */
  readonly routes: readonly string[]
}

export type AppFunction = HttpFunction | QueueFunction | ScheduleFunction | SocketFunction

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
