import { randomUUID } from 'node:crypto'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { HttpFront, LoadedApp } from '@thaw/app'
import { startAwsServer } from './aws/server.ts'
import { type BucketOptions, startBucket } from './bucket/bucket.ts'
import { type Chaos, createChaos } from './chaos/chaos.ts'
import type { ChaosOptions } from './chaos/options.ts'
import type { ChaosReport } from './chaos/report.ts'
import type { Endpoints } from './endpoints.ts'
import { Environment, type Work } from './environment/environment.ts'
import type { FunctionSpec } from './environment/function-spec.ts'
import { createInspectPorts } from './environment/inspect-ports.ts'
import type { Outcome } from './environment/outcome.ts'
import { type EnvironmentInfo, Pool } from './environment/pool.ts'
import type { RuntimeCommand } from './environment/process.ts'
import { startReaper } from './environment/reaper.ts'
import { WebEnvironment } from './environment/web/web-environment.ts'
import { LocalError } from './errors.ts'
import { followSources, reload } from './follow.ts'
import { startFront } from './http/front.ts'
import { makeTraceId } from './ids.ts'
import { answerLambda } from './lambda-api/api.ts'
import { createTails } from './lambda-api/tail.ts'
import { idleMs, initTimeoutMs, payloadLimitBytes } from './limits.ts'
import type { Log } from './log.ts'
import type { FunctionPackage } from './packages.ts'
import { createPlan, type Plan, unpackAll } from './plan.ts'
import { detectSandbox } from './sandbox/detect.ts'
import type { Isolation } from './sandbox/temporary.ts'
import type { DeadLetter } from './sources/queues/queues.ts'
import { type SourceOptions, startSources } from './sources/sources.ts'
import { createWebSocketApi, type WebSocketOptions } from './websocket/api.ts'

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
   * `FUNCTION_UNKNOWN`, `EVENT_TOO_LARGE`.
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

/**
 * Runs an application on this machine as Lambda would: each environment a process of its own that takes one
 * request at a time over the real Runtime API (a Web Function many, over HTTP), behind an HTTP API on a local port.
 *
 * Throws `LocalError`: `OPTION_INVALID`, `FUNCTION_UNKNOWN`, `PORT_IN_USE`, `LISTEN_FAILED`, `PACKAGE_MISSING`, `PACKAGE_INVALID`;
 * nothing is left behind then.
 */
export async function simulate(loaded: LoadedApp, options: SimulateOptions = {}): Promise<Simulator> {
  check(options, loaded)
  const tails = createTails(options.log ?? (() => {}))
  const { log } = tails
  const host = options.host ?? '127.0.0.1'
  await using opened = new AsyncDisposableStack()

  const parent = resolve(options.stateDirectory ?? tmpdir())
  const directory = await realpath(await mkdtemp(join(parent, 'thaw-')))
  opened.defer(() => rm(directory, { recursive: true, force: true }))
  const reaper = await startReaper(directory)
  opened.defer(() => reaper.close())
  const sandbox = await detectSandbox(directory, options.isolation)

  const chaos = options.chaos === undefined ? null : createChaos(options.chaos, log)
  const bucket = await startBucket({
    directory: join(directory, 'bucket'),
    ...options.bucket,
    ...(chaos !== null && {
      faults: chaos.bucketFaults(options.bucket?.faults),
      refused: chaos.bucketRefused,
      aheadMs: chaos.bucketAheadMs,
    }),
    log,
  })
  opened.defer(() => bucket.close())
  const makePlan = await planner(loaded, options, join(directory, 'packages'))
  let plan: Plan
  const inspectPorts = createInspectPorts(options.inspect?.port ?? 9229)

  const environmentOptions = (id: string) => ({
    id,
    temporaryDirectory: join(directory, 'environments', id.replace('#', '-')),
    sandbox,
    compileCache: join(directory, 'compiled'),
    idleMs: options.idleMs ?? idleMs,
    reaper,
    log,
  })
  const pool = new Pool({
    maxEnvironments: options.maxEnvironments ?? 50,
    start: (spec, id, provisioned) => {
      const { runtime = null } = options
      return new Environment(spec, {
        ...environmentOptions(id),
        ...{ provisioned, inspectPorts, runtime },
        ...(chaos !== null && { observer: chaos.observe(id, spec.name, spec.environment.AWS_ACCESS_KEY_ID) }),
      })
    },
    startWeb: (spec, id) => new WebEnvironment(spec, { ...environmentOptions(id), inspectPorts }),
  })
  opened.defer(() => pool.close())

  const { invoke, invokeForClient } = invocations(chaos, async (functionName, event, traceId, requestId) => {
    return await pool.invoke(specOf(plan, functionName), workOf(event, traceId, requestId))
  })
  const aws = await startAwsServer({ host, port: options.awsPort ?? 0, log })
  opened.defer(() => aws.close())
  const isUntimed = (functionName: string) => plan.specs.get(functionName)?.inspected === true
  const sockets = createWebSocketApi({
    ...options.webSocket,
    app: () => plan.loaded.app,
    invoke,
    isUntimed,
    log,
  })
  const front = await startFront({
    host,
    port: options.port ?? 0,
    targets: () => plan.targets,
    albMultiValue: options.albMultiValue ?? false,
    invoke: invokeForClient,
    lease: async (functionName) => await pool.lease(specOf(plan, functionName)),
    isUntimed,
    ...(chaos !== null && { exchanged: chaos.exchanged }),
    log,
    intercept: sockets.manage,
    upgrades: sockets.wants,
  })
  opened.defer(() => front.close())
  front.server.on('upgrade', sockets.upgrade)
  opened.defer(() => sockets.close())
  // Functions are told the ports; no request arrives before this, as nothing is waited for in between.
  const endpoints = { S3: bucket.url, APIGATEWAYMANAGEMENTAPI: front.url, LAMBDA: aws.url, SQS: aws.url }
  plan = makePlan(loaded, endpoints)
  pool.provision([...plan.specs.values()])

  const { region } = plan
  const sources = startSources({ ...options.sources, server: aws, region, invoke, log })
  opened.defer(() => sources.close())
  sources.update(loaded.app)
  const { asynchronous, scheduledEvent } = sources
  const lambdaApi = { loaded: () => plan.loaded, region, invoke, asynchronous, tails, scheduledEvent }
  aws.serve((request) => answerLambda(lambdaApi, request))

  if (options.watch === true) {
    const replan = async (paths: readonly string[]) => {
      plan = makePlan(await reload(plan.loaded, paths, log), endpoints)
      sources.update(plan.loaded.app)
      return plan
    }
    const follower = followSources(loaded.root, { replan, pool, log })
    opened.defer(() => follower.close())
  }

  if (chaos !== null) {
    for (const { server } of [bucket, aws, front]) chaos.track(server)
    opened.defer(() => chaos.close())
    chaos.start(pool)
  }

  const owned = opened.move()
  let closed: Promise<void> | null = null
  return {
    url: front.url,
    s3Url: bucket.url,
    awsUrl: aws.url,
    isolation: sandbox.isolation,
    get loaded() {
      return plan.loaded
    },
    environments: () => pool.list(),
    kill: (id) => pool.kill(id),
    shutDown: (id) => pool.shutDown(id),
    freeze: (id) => pool.freeze(id),
    thaw: (id) => pool.thaw(id),
    invoke: async (functionName, payload) =>
      await invoke(functionName, JSON.stringify(payload) ?? 'null', makeTraceId(Date.now())),
    invokeAsync: (functionName, payload) => {
      specOf(plan, functionName)
      return asynchronous.submit(functionName, JSON.stringify(payload) ?? 'null')
    },
    runSchedule: (functionName) => {
      const event = scheduledEvent(functionName)
      if (event !== null) return asynchronous.submit(functionName, event)
      throw new LocalError('FUNCTION_UNKNOWN', `there is no function '${functionName}' with a schedule`)
    },
    chaos,
    deadLetters: (functionName) => sources.deadLetters(functionName),
    close: () => {
      closed ??= owned.disposeAsync()
      return closed
    },
  }
}

function check(options: SimulateOptions, { app }: LoadedApp): void {
  const { maxEnvironments = 1, idleMs = 1, watch = false, packages } = options
  const known = app.functions.map((fn) => fn.name)
  for (const name of options.inspect?.functions ?? []) {
    if (known.includes(name)) continue
    const message = `there is no function '${name}' to inspect; there are: ${known.join(', ')}`
    throw new LocalError('FUNCTION_UNKNOWN', message)
  }
  const ports = { port: options.port, awsPort: options.awsPort, 'inspect.port': options.inspect?.port }
  for (const [name, port = 0] of Object.entries(ports)) {
    if (Number.isInteger(port) && port >= 0 && port <= 65_535) continue
    throw new LocalError('OPTION_INVALID', `${name} is ${port}; it must be from 0 to 65535`)
  }
  if (!Number.isInteger(maxEnvironments) || maxEnvironments < 1) {
    throw new LocalError('OPTION_INVALID', `maxEnvironments is ${maxEnvironments}; it must be 1 or more`)
  }
  if (!(idleMs > 0)) throw new LocalError('OPTION_INVALID', `idleMs is ${idleMs}; it must be more than 0`)
  if (watch && packages !== undefined) {
    throw new LocalError(
      'OPTION_INVALID',
      'packages do not change with the sources: leave out watch or packages',
    )
  }
}

/** Unpacks what there is to unpack; then any version of the application can be planned. */
async function planner(
  loaded: LoadedApp,
  options: SimulateOptions,
  directory: string,
): Promise<(of: LoadedApp, endpoints: Endpoints) => Plan> {
  const packages =
    options.packages === undefined ? null : await unpackAll(loaded, options.packages, directory)
  const { environment = {}, inspect } = options
  return (of, endpoints) =>
    createPlan(of, {
      endpoints,
      environment: typeof environment === 'function' ? environment(of) : environment,
      packages,
      initTimeoutMs: options.initTimeoutMs ?? initTimeoutMs,
      front: options.front ?? null,
      isInspected: (functionName) => inspect?.functions.includes(functionName) === true,
    })
}

type Invoke = (functionName: string, event: string, traceId: string, requestId: string) => Promise<Outcome>

/** Invocations of HTTP clients, and all others; chaos sees each. */
function invocations(chaos: Chaos | null, run: Invoke) {
  const identified = (invoke: Invoke) => (name: string, event: string, traceId: string, requestId?: string) =>
    invoke(name, event, traceId, requestId ?? randomUUID())
  return {
    invoke: identified(chaos?.watchOthers(run) ?? run),
    invokeForClient: identified(chaos?.watchClients(run) ?? run),
  }
}

function specOf(plan: Plan, functionName: string): FunctionSpec {
  const spec = plan.specs.get(functionName)
  if (spec !== undefined) return spec
  const known = [...plan.specs.keys()].join(', ')
  throw new LocalError('FUNCTION_UNKNOWN', `there is no function '${functionName}'; there are: ${known}`)
}

function workOf(event: string, traceId: string, requestId: string): Work {
  const bytes = Buffer.byteLength(event)
  if (bytes <= payloadLimitBytes) return { requestId, event, traceId }
  const message = `the event has ${bytes} bytes, and Lambda takes no more than ${payloadLimitBytes}`
  throw new LocalError('EVENT_TOO_LARGE', message)
}
