import { randomUUID } from 'node:crypto'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { LoadedApp } from '@thaw/app'
import { Environment, type FunctionSpec, type Work } from './environment/environment.ts'
import type { Outcome } from './environment/outcome.ts'
import { type EnvironmentInfo, Pool } from './environment/pool.ts'
import { startReaper } from './environment/reaper.ts'
import { LocalError } from './errors.ts'
import { followSources, reload } from './follow.ts'
import { startFront } from './http/front.ts'
import { makeTraceId } from './ids.ts'
import { initTimeoutMs, integrationTimeoutMs, payloadLimitBytes } from './limits.ts'
import type { Log } from './log.ts'
import type { FunctionPackage } from './packages.ts'
import { createPlan, type Plan, unpackAll } from './plan.ts'
import { detectSandbox } from './sandbox/detect.ts'
import type { Isolation } from './sandbox/temporary.ts'

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
}

/** A running simulator. */
export interface Simulator {
  /** Of the HTTP API: `http://127.0.0.1:3000`. */
  readonly url: string
  /** Whether each environment has a `/tmp` of its own in a mount namespace, or a folder that `TMPDIR` names. */
  readonly isolation: Isolation
  /** The application as it is now. */
  readonly loaded: LoadedApp
  environments(): EnvironmentInfo[]
  /** SIGKILLs one environment, or all, without warning. Resolves when they are gone. */
  kill(id?: string): Promise<void>
  /** Invokes a function with any JSON value. Throws `LocalError`; a failing function is a result. */
  invoke(functionName: string, payload: unknown): Promise<Outcome>
  /** Kills every environment and removes every temporary file. */
  close(): Promise<void>
}

/**
 * Runs an application on this machine as Lambda would: each environment a process of its own that takes one
 * request at a time over the real Runtime API, behind an HTTP API on a local port.
 *
 * Throws `LocalError`: `OPTION_INVALID`, `PORT_IN_USE`, `LISTEN_FAILED`, `PACKAGE_MISSING`, `PACKAGE_INVALID`;
 * nothing is left behind then.
 */
export async function simulate(loaded: LoadedApp, options: SimulateOptions = {}): Promise<Simulator> {
  check(options)
  const log = options.log ?? (() => {})
  await using opened = new AsyncDisposableStack()

  const parent = resolve(options.stateDirectory ?? tmpdir())
  const directory = await realpath(await mkdtemp(join(parent, 'thaw-')))
  opened.defer(() => rm(directory, { recursive: true, force: true }))
  const reaper = await startReaper(directory)
  opened.defer(() => reaper.close())
  const sandbox = await detectSandbox(directory, options.isolation)

  const makePlan = await planner(loaded, options, join(directory, 'packages'))
  let plan = makePlan(loaded)

  const pool = new Pool({
    maxEnvironments: options.maxEnvironments ?? 50,
    start: (spec, id) => {
      const temporaryDirectory = join(directory, 'environments', id.replace('#', '-'))
      const compileCache = join(directory, 'compiled')
      return new Environment(spec, { id, temporaryDirectory, sandbox, compileCache, reaper, log })
    },
  })
  opened.defer(() => pool.close())

  const invoke = async (functionName: string, event: string, traceId: string) =>
    await pool.invoke(specOf(plan, functionName), workOf(event, traceId))
  const front = await startFront({
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    routes: () => plan.routes,
    invoke,
    timeoutMs: integrationTimeoutMs,
    log,
  })
  opened.defer(() => front.close())

  if (options.watch === true) {
    const replan = async (paths: readonly string[]) => {
      plan = makePlan(await reload(plan.loaded, paths))
      return plan
    }
    const follower = followSources(loaded.root, { replan, pool, log })
    opened.defer(() => follower.close())
  }

  const owned = opened.move()
  let closed: Promise<void> | null = null
  return {
    url: front.url,
    isolation: sandbox.isolation,
    get loaded() {
      return plan.loaded
    },
    environments: () => pool.list(),
    kill: (id) => pool.kill(id),
    invoke: async (functionName, payload) =>
      await invoke(functionName, JSON.stringify(payload) ?? 'null', makeTraceId(Date.now())),
    close: () => {
      closed ??= owned.disposeAsync()
      return closed
    },
  }
}

function check(options: SimulateOptions): void {
  const { port = 0, maxEnvironments = 1, watch = false, packages } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new LocalError('OPTION_INVALID', `port is ${port}; it must be from 0 to 65535`)
  }
  if (!Number.isInteger(maxEnvironments) || maxEnvironments < 1) {
    throw new LocalError('OPTION_INVALID', `maxEnvironments is ${maxEnvironments}; it must be 1 or more`)
  }
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
): Promise<(of: LoadedApp) => Plan> {
  const packages =
    options.packages === undefined ? null : await unpackAll(loaded, options.packages, directory)
  const { environment = {} } = options
  return (of) =>
    createPlan(of, {
      environment: typeof environment === 'function' ? environment(of) : environment,
      packages,
      initTimeoutMs: options.initTimeoutMs ?? initTimeoutMs,
    })
}

function specOf(plan: Plan, functionName: string): FunctionSpec {
  const spec = plan.specs.get(functionName)
  if (spec !== undefined) return spec
  const known = [...plan.specs.keys()].join(', ')
  throw new LocalError('FUNCTION_UNKNOWN', `there is no function '${functionName}'; there are: ${known}`)
}

function workOf(event: string, traceId: string): Work {
  const bytes = Buffer.byteLength(event)
  if (bytes <= payloadLimitBytes) return { requestId: randomUUID(), event, traceId }
  const message = `the event has ${bytes} bytes, and Lambda takes no more than ${payloadLimitBytes}`
  throw new LocalError('EVENT_TOO_LARGE', message)
}
