import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type AppFunction, functionVariables, type HttpFront, type LoadedApp } from '@thaw/app'
import { accountId } from './account.ts'
import { provideAwsSdk } from './aws-sdk.ts'
import { type Endpoints, endpointVariables } from './endpoints.ts'
import type { FunctionSpec } from './environment/function-spec.ts'
import { defaultRegion } from './environment/variables.ts'
import { LocalError } from './errors.ts'
import { type HttpTargets, isWeb, planTargets } from './http/targets.ts'
import type { Layers } from './layers.ts'
import { webMemoryMb, webTemporaryMb } from './limits.ts'
import { type FunctionPackage, unpack } from './packages.ts'
import { linkSourceMaps } from './source-maps.ts'
import { queueFunctions, queueVariables } from './sources/queues/names.ts'

/** An application, ready to be run. */
export interface Plan {
  readonly loaded: LoadedApp
  /** Of everything but functions whose own variables name another one. */
  readonly region: string
  readonly specs: ReadonlyMap<string, FunctionSpec>
  readonly targets: HttpTargets
}

/** A package in a folder of its own. */
export interface UnpackedPackage extends FunctionPackage {
  readonly directory: string
  /** What it reads besides. */
  readonly reads: readonly string[]
}

export interface PlanOptions {
  /** Goes over the variables of the application and of its packages. */
  readonly environment: Readonly<Record<string, string>>
  /** Services that run here, for the functions' SDKs. */
  readonly endpoints: Endpoints
  /** By the function's name; null runs the sources. */
  readonly packages: ReadonlyMap<string, UnpackedPackage> | null
  readonly layers: Layers
  readonly initTimeoutMs: number
  /** Whether a debugger may be attached to a function. */
  isInspected(functionName: string): boolean
  /** Stands before every HTTP function; null for what the application says. */
  readonly front: HttpFront | null
}

/** How much time functions have to which a debugger may be attached: a day. */
const inspectedMs = 24 * 3_600_000

export function createPlan(loaded: LoadedApp, options: PlanOptions): Plan {
  const { functions } = loaded.app
  const { SQS, ...others } = options.endpoints
  // Without a queue of its own an application is left the real SQS.
  const queues = SQS !== undefined && queueFunctions(loaded.app).length > 0
  const environment = { ...(queues ? queueVariables(loaded.app, SQS) : {}), ...options.environment }
  const specOptions = { ...options, environment, endpoints: queues ? options.endpoints : others }
  return {
    loaded,
    region: regionOf({ ...loaded.app.environment, ...options.environment }),
    specs: new Map(functions.map((fn) => [fn.name, createSpec(loaded.root, fn, specOptions)])),
    targets: planTargets(functions, options.front),
  }
}

function createSpec(root: string, fn: AppFunction, options: PlanOptions): FunctionSpec {
  const pack = options.packages?.get(fn.name)
  const given = {
    ...fn.environment,
    ...pack?.environment,
    ...functionVariables(fn),
    ...options.environment,
  }
  const environment = endpointVariables(options.endpoints, given)
  const web = fn.kind === 'http' && isWeb(fn, options.front)
  const inspected = options.isInspected(fn.name)
  return {
    name: fn.name,
    arn: `arn:aws:lambda:${regionOf(environment)}:${accountId}:function:${fn.name}`,
    memoryMb: web ? webMemoryMb : fn.memoryMb,
    temporaryMb: web ? webTemporaryMb : fn.temporaryMb,
    concurrency: fn.concurrency ?? null,
    provisioned: web ? 0 : fn.provisioned,
    requestsPerEnvironment: web ? fn.requestsPerEnvironment : 1,
    timeoutMs: inspected ? inspectedMs : fn.timeoutSeconds * 1000,
    initTimeoutMs: inspected ? inspectedMs : options.initTimeoutMs,
    taskRoot: pack?.directory ?? root,
    handler: pack?.handler ?? handlerOf(root, fn),
    environment,
    inspected,
    sourceMaps: pack?.sourceMaps !== undefined,
    reads: pack?.reads ?? [],
    layers: options.layers.of(root, fn),
  }
}

function regionOf(environment: Readonly<Record<string, string>>): string {
  return environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? defaultRegion
}

/**
 * `./src/api.ts` and `handler` make `src/api.handler`. The extension stays where another file differs in nothing
 * else, so that the file is the one that was meant.
 */
function handlerOf(root: string, fn: AppFunction): string {
  const entry = fn.entry.replace(/^\.\//, '')
  const stem = entry.replace(/\.[^./]+$/, '')
  const twins = filesIn(join(root, dirname(entry))).filter((file) => {
    return /\.[cm]?[jt]s$/.test(file) && file.replace(/\.[^.]+$/, '') === basename(stem)
  })
  return `${twins.length > 1 ? entry : stem}.${fn.handler}`
}

/** A folder that is gone has no files: the runtime will say what is missing. */
function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

/**
 * Unpacks what each function of the application needs, each into a folder under `directory`. Throws `LocalError`
 * `PACKAGE_MISSING` and `PACKAGE_INVALID`.
 */
export async function unpackAll(
  loaded: LoadedApp,
  packages: readonly FunctionPackage[],
  directory: string,
): Promise<ReadonlyMap<string, UnpackedPackage>> {
  const unpacked = new Map<string, UnpackedPackage>()
  const awsSdk = await provideAwsSdk(loaded.root, directory)
  for (const { name } of loaded.app.functions) {
    const pack = packages.find((candidate) => candidate.name === name)
    if (pack === undefined) {
      const given = packages.map((candidate) => candidate.name).join(', ') || 'none'
      throw new LocalError('PACKAGE_MISSING', `function '${name}' has no package; given are: ${given}`)
    }
    const target = join(directory, name)
    await unpack(pack.zip, target)
    const maps = join(directory, '..', 'maps', name)
    if (pack.sourceMaps !== undefined) await linkSourceMaps(target, pack.sourceMaps, maps)
    const reads = pack.sourceMaps === undefined ? awsSdk : [...awsSdk, maps]
    unpacked.set(name, { ...pack, directory: target, reads })
  }
  return unpacked
}
