import { randomBytes } from 'node:crypto'

export interface VariableFacts {
  readonly functionName: string
  readonly memoryMb: number
  /** `src/api.handler`. */
  readonly handler: string
  /** Absolute folder of the function's code. */
  readonly taskRoot: string
  /** Absolute folder that takes the place of `/tmp`. */
  readonly temporaryDirectory: string
  /** Where the content of its layers is; null without any. */
  readonly layers: string | null
  /** `host:port`. */
  readonly runtimeApi: string
  /** The function's own variables. */
  readonly environment: Readonly<Record<string, string>>
  /** `PATH` of this machine, when it has one. */
  readonly path: string | undefined
  readonly logStream: string
  readonly initializationType: InitializationType
}

export type InitializationType = 'on-demand' | 'provisioned-concurrency'

/** A name as CloudWatch has it for one environment: `2026/01/31/[$LATEST]0123…`. */
export function makeLogStream(now: Date): string {
  const day = now.toISOString().slice(0, 10).replaceAll('-', '/')
  return `${day}/[$LATEST]${randomBytes(16).toString('hex')}`
}

/** What `AWS_REGION` is when nobody says otherwise. */
export const defaultRegion = 'us-east-1'

/**
 * The whole environment of a function's process: what Lambda sets and what the application gives. Nothing of the
 * developer's own environment gets in but `PATH`. As on Lambda the reserved names cannot be overridden, save the
 * region.
 *
 * Source: "Defined runtime environment variables" of the Lambda developer guide.
 */
export function environmentVariables(facts: VariableFacts): Record<string, string> {
  const { layers, path } = facts
  const withLayers = layers === null ? path : [path, `${layers}/bin`].filter(Boolean).join(':')
  return {
    ...(layers !== null && layerVariables(layers)),
    ...commonVariables({ ...facts, path: withLayers }),
    AWS_LAMBDA_FUNCTION_NAME: facts.functionName,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(facts.memoryMb),
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: facts.initializationType,
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${facts.functionName}`,
    AWS_LAMBDA_LOG_STREAM_NAME: facts.logStream,
    AWS_LAMBDA_RUNTIME_API: facts.runtimeApi,
    _HANDLER: facts.handler,
  }
}

/**
 * Where what layers bring is looked for, besides `PATH`. `/opt/nodejs` is for `require` alone: `import` does not look
 * at `NODE_PATH`.
 */
function layerVariables(layers: string): Record<string, string> {
  return {
    LD_LIBRARY_PATH: `${layers}/lib`,
    NODE_PATH: `${layers}/nodejs/node24/node_modules:${layers}/nodejs/node_modules`,
  }
}

/** Belong to the runtime alone. Source: "Lambda Extensions API", configuration, of the developer guide. */
const runtimeOnly =
  /^(AWS_EXECUTION_ENV|AWS_LAMBDA_LOG_(GROUP|STREAM)_NAME|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR|_.*)$/

/** What of the function's environment an external extension sees. */
export function extensionVariables(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !runtimeOnly.test(name)))
}

export type WebVariableFacts = Pick<
  VariableFacts,
  'taskRoot' | 'temporaryDirectory' | 'environment' | 'path'
> & {
  /** `host:port`. */
  readonly httpEndpoint: string
}

/**
 * The same for a Web Function, which is told neither its name nor its log.
 *
 * Source: "Execution environment lifecycle" of Web Functions in the Lambda developer guide, and the list of variables
 * in AWS's agent toolkit.
 */
export function webVariables(facts: WebVariableFacts): Record<string, string> {
  return {
    ...commonVariables(facts),
    AWS_LAMBDA_HTTP_ENDPOINT: facts.httpEndpoint,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'native-http',
  }
}

function commonVariables(
  facts: Pick<VariableFacts, 'taskRoot' | 'temporaryDirectory' | 'environment' | 'path'>,
): Record<string, string> {
  const region = facts.environment.AWS_REGION ?? facts.environment.AWS_DEFAULT_REGION ?? defaultRegion
  return {
    TZ: ':UTC',
    LANG: 'en_US.UTF-8',
    ...(facts.path === undefined ? {} : { PATH: facts.path }),
    ...facts.environment,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    LAMBDA_TASK_ROOT: facts.taskRoot,
    TMPDIR: facts.temporaryDirectory,
  }
}
