import { randomUUID } from 'node:crypto'
import type { App, AppFunction, LoadedApp } from '@thaw/app'
import { accountId } from '../account.ts'
import type { AwsRequest, AwsResponse } from '../aws/server.ts'
import { answerJson, invalidParameter, notFound, refusalOf, showRefusal } from './answers.ts'
import { answerInvoke, answerStreaming, type Invoker, readEvent } from './invoke.ts'
import { readFunctionName } from './name.ts'

export interface LambdaApiOptions extends Invoker {
  /** Asked for every request, because the application may change meanwhile. */
  loaded(): LoadedApp
  readonly region: string
  /** The event that a schedule would send now (JSON); null for a function that has none. */
  scheduledEvent(functionName: string): string | null
}

/** What `GET /thaw` says of a simulator. */
export interface SimulatorInfo {
  readonly name: string
  /** Absolute path of the project's root. */
  readonly root: string
  readonly functions: readonly { readonly name: string; readonly kind: AppFunction['kind'] }[]
}

type Route = readonly [method: string, path: RegExp, answer: Answer]
type Answer = (
  options: LambdaApiOptions,
  request: AwsRequest,
  segment: string,
) => Promise<AwsResponse> | AwsResponse

/**
 * What there is of Lambda's API, and two routes of the simulator's own: what runs here, and a schedule's function run
 * now (as Invoke, with the event of the schedule).
 */
const routes: readonly Route[] = [
  ['POST', /^\/2015-03-31\/functions\/([^/]+)\/invocations$/, invoke],
  ['POST', /^\/2021-11-15\/functions\/([^/]+)\/response-streaming-invocations$/, stream],
  ['GET', /^\/2015-03-31\/functions\/?()$/, list],
  ['GET', /^\/2015-03-31\/functions\/([^/]+)$/, get],
  ['GET', /^\/2015-03-31\/functions\/([^/]+)\/configuration$/, getConfiguration],
  ['POST', /^\/thaw\/schedules\/([^/]+)\/invocations$/, runSchedule],
  ['GET', /^\/thaw()$/, info],
]

/**
 * Answers a request to Lambda's API; null for one to something else. Signatures are not looked at.
 *
 * Source: "Invoke", "InvokeWithResponseStream", "ListFunctions" and "GetFunction" of the Lambda API reference.
 */
export async function answerLambda(
  options: LambdaApiOptions,
  request: AwsRequest,
): Promise<AwsResponse | null> {
  for (const [method, path, answer] of routes) {
    const match = method === request.method ? path.exec(request.path) : null
    if (match === null) continue
    try {
      return await answer(options, request, match[1] ?? '')
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === null) throw error
      return showRefusal(refusal, randomUUID())
    }
  }
  return null
}

function invoke(options: LambdaApiOptions, request: AwsRequest, segment: string) {
  const { name } = find(options, request, segment)
  return answerInvoke(options, name, readEvent(request), request)
}

function stream(options: LambdaApiOptions, request: AwsRequest, segment: string) {
  const { name } = find(options, request, segment)
  return answerStreaming(options, name, readEvent(request), request)
}

function runSchedule(options: LambdaApiOptions, request: AwsRequest, segment: string) {
  const { name, kind } = find(options, request, segment)
  const event = options.scheduledEvent(name)
  if (event === null) throw invalidParameter(`'${name}' is no schedule but a function of kind '${kind}'`)
  return answerInvoke(options, name, event, request)
}

function list(options: LambdaApiOptions) {
  const { app } = options.loaded()
  return answerJson(200, { Functions: app.functions.map((fn) => configurationOf(options, app, fn)) })
}

function get(options: LambdaApiOptions, request: AwsRequest, segment: string) {
  const fn = find(options, request, segment)
  const { concurrency } = fn
  return answerJson(200, {
    Configuration: configurationOf(options, options.loaded().app, fn),
    ...(concurrency === undefined ? {} : { Concurrency: { ReservedConcurrentExecutions: concurrency } }),
  })
}

function getConfiguration(options: LambdaApiOptions, request: AwsRequest, segment: string) {
  return answerJson(200, configurationOf(options, options.loaded().app, find(options, request, segment)))
}

function info(options: LambdaApiOptions) {
  const { app, root } = options.loaded()
  const functions = app.functions.map(({ name, kind }) => ({ name, kind }))
  return answerJson(200, { name: app.name, root, functions } satisfies SimulatorInfo)
}

/** Throws `LambdaApiError` for a function that is not there, and for a version or an alias: there are none here. */
function find(options: LambdaApiOptions, { query }: AwsRequest, segment: string): AppFunction {
  const { name, qualifier } = readFunctionName(segment)
  const wanted = query.get('Qualifier') ?? qualifier
  const { functions } = options.loaded().app
  const fn = functions.find((candidate) => candidate.name === name)
  if (fn !== undefined && (wanted === null || wanted === '$LATEST')) return fn
  const arn = arnOf(options, name) + (wanted === null ? '' : `:${wanted}`)
  throw notFound(
    arn,
    functions.map((candidate) => candidate.name),
  )
}

function arnOf({ region }: LambdaApiOptions, name: string): string {
  return `arn:aws:lambda:${region}:${accountId}:function:${name}`
}

function configurationOf(options: LambdaApiOptions, app: App, fn: AppFunction) {
  return {
    FunctionName: fn.name,
    FunctionArn: arnOf(options, fn.name),
    Runtime: 'nodejs24.x',
    Handler: `${fn.entry.replace(/^\.\//, '').replace(/\.[^./]+$/, '')}.${fn.handler}`,
    Description: `${fn.kind} function of ${app.name}`,
    MemorySize: fn.memoryMb,
    Timeout: fn.timeoutSeconds,
    EphemeralStorage: { Size: fn.temporaryMb },
    Version: '$LATEST',
    PackageType: 'Zip',
    State: 'Active',
  }
}
