import { randomUUID } from 'node:crypto'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { LoadedApp } from '@thaw/app'
import { startAwsServer } from './aws/server.ts'
import { startBucket } from './bucket/bucket.ts'
import { type Chaos, createChaos } from './chaos/chaos.ts'
import type { Endpoints } from './endpoints.ts'
import { Environment } from './environment/environment.ts'
import type { FunctionSpec } from './environment/function-spec.ts'
import { createInspectPorts } from './environment/inspect-ports.ts'
import type { Work } from './environment/invocation.ts'
import type { Outcome } from './environment/outcome.ts'
import { checkTakesEvents, Pool } from './environment/pool.ts'
import { eventRuntime } from './environment/program.ts'
import { startReaper } from './environment/reaper.ts'
import { WebEnvironment } from './environment/web/web-environment.ts'
import { LocalError } from './errors.ts'
import { followSources, reload } from './follow.ts'
import { startFront } from './http/front.ts'
import type { TakePlace } from './http/web-function/pass-on.ts'
import { makeTraceId } from './ids.ts'
import { answerLambda } from './lambda-api/api.ts'
import { createTails } from './lambda-api/tail.ts'
import { createLayers, type Layers } from './layers.ts'
import { idleMs, initTimeoutMs, payloadLimitBytes } from './limits.ts'
import { createPlan, type Plan, unpackAll } from './plan.ts'
import { detectSandbox } from './sandbox/detect.ts'
import type { SimulateOptions, Simulator } from './simulator.ts'
import { startSources } from './sources/sources.ts'
import { createWebSocketApi } from './websocket/api.ts'

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
  const layers = createLayers(join(directory, 'layers'), log)
  const makePlan = await planner(loaded, options, join(directory, 'packages'), layers)
  let plan: Plan
  const inspectPorts = createInspectPorts(options.inspect?.port ?? 9229)

  const environmentOptions = (spec: FunctionSpec, id: string) => ({
    id,
    temporaryDirectory: join(directory, 'environments', id.replace('#', '-')),
    sandbox,
    compileCache: process.env.NODE_COMPILE_CACHE ?? join(directory, 'compiled'),
    idleMs: options.idleMs ?? idleMs,
    reaper,
    inspectPorts,
    log,
    ...(chaos !== null && { observer: chaos.observe(id, spec.name, spec.environment.AWS_ACCESS_KEY_ID) }),
  })
  const { runtime: program = eventRuntime } = options
  const pool = new Pool({
    maxEnvironments: options.maxEnvironments ?? 50,
    start: (spec, id, provisioned) =>
      new Environment(spec, { ...environmentOptions(spec, id), provisioned, program }),
    startWeb: (spec, id) => new WebEnvironment(spec, environmentOptions(spec, id)),
  })
  opened.defer(() => pool.close())

  const { invoke, invokeForClient } = invocations(chaos, async (functionName, event, traceId, requestId) => {
    return await pool.invoke(specOf(plan, functionName), workOf(event, traceId, requestId))
  })
  const aws = await startAwsServer({ host, port: options.awsPort ?? 0, log })
  opened.defer(() => aws.close())
  const takePlace: TakePlace = async (functionName, requestId) =>
    await pool.lease(specOf(plan, functionName), requestId)
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
    lease: chaos?.watchPlaces(takePlace) ?? takePlace,
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
  const { scheduledEvent } = sources
  const asynchronous = {
    submit: (functionName: string, event: string) => {
      checkTakesEvents(specOf(plan, functionName))
      return sources.asynchronous.submit(functionName, event)
    },
  }
  const lambdaApi = { loaded: () => plan.loaded, region, invoke, asynchronous, tails, scheduledEvent }
  aws.serve((request) => answerLambda(lambdaApi, request))

  if (options.watch === true) {
    const replan = async (paths: readonly string[]) => {
      plan = makePlan(await reload(plan.loaded, paths, log), endpoints)
      sources.update(plan.loaded.app)
      return plan
    }
    const follower = followSources(loaded, { replan, pool, log })
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
    invokeAsync: (functionName, payload) =>
      asynchronous.submit(functionName, JSON.stringify(payload) ?? 'null'),
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
  layers: Layers,
): Promise<(of: LoadedApp, endpoints: Endpoints) => Plan> {
  const packages =
    options.packages === undefined ? null : await unpackAll(loaded, options.packages, directory)
  const { environment = {}, inspect } = options
  return (of, endpoints) =>
    createPlan(of, {
      endpoints,
      environment: typeof environment === 'function' ? environment(of) : environment,
      ...{ packages, layers },
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
