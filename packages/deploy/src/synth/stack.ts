import { resolve } from 'node:path'
import { functionVariables, type LoadedApp } from '@thaw/app'
import { App, CfnOutput, Stack } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { BuildResult } from '../build/model.ts'
import { SynthError } from '../errors.ts'
import { describeFunctions } from './describe.ts'
import { createFunction } from './function.ts'
import { addFunctionUrl } from './function-url.ts'
import { createHttpApi } from './http-api.ts'
import { createLayerMaker } from './layers.ts'
import { createMaintenance } from './maintenance.ts'
import type { SynthOptions, SynthResult } from './model.ts'
import { functionNameOf, outputNameOf, stackNameOf } from './names.ts'
import { connectQueue, consumeStatement, createQueue, queueVariables, sendStatements } from './queue.ts'
import { createRestApi, type HttpTarget } from './rest-api.ts'
import { createSchedule } from './schedule.ts'
import { addSocketRoutes, createSocketApi } from './socket-api.ts'
import { createStorage } from './storage.ts'
import { createWebFunction } from './web-function.ts'

/** Builds the stack and writes the assembly. This module loads the CDK, so `synthApp` loads it late. */
export function synthStack(loaded: LoadedApp, build: BuildResult, options: SynthOptions): SynthResult {
  const { app: definition } = loaded
  const { stage } = options
  const stackName = stackNameOf(definition.name, stage)
  const app = new App({ outdir: resolve(options.outDir), analyticsReporting: false, treeMetadata: false })
  const stack = new Stack(app, stackName, { description: `${definition.name}, stage ${stage}` })
  const outputs: Record<string, string> = {}
  const output = (name: string, value: string, description: string) => {
    new CfnOutput(stack, name, { value, description })
    outputs[name] = description
  }

  // What every function knows of has to be there before any of them.
  const storage =
    definition.database === undefined ? null : createStorage(stack, stackName, definition.database)
  const queues = definition.functions
    .filter((fn) => fn.kind === 'queue')
    .map((fn) => createQueue(stack, stackName, fn))
  const sockets = definition.functions.some((fn) => fn.kind === 'socket')
    ? createSocketApi(stack, `${stackName}-sockets`, stage)
    : null
  const variables = {
    ENVIRONMENT: stage,
    THAW_STAGE: stage,
    ...(storage === null ? {} : { DATABASE_URL: storage.databaseUrl }),
    ...queueVariables(queues),
    ...sockets?.variables,
  }
  const statements = [
    ...(storage?.statements ?? []),
    ...sendStatements(queues),
    ...(sockets?.statements ?? []),
  ]

  const layersOf = createLayerMaker(stack, loaded.root)
  const behind: Record<'http-api' | 'rest-api', HttpTarget[]> = { 'http-api': [], 'rest-api': [] }
  for (const fn of definition.functions) {
    const built = build.functions.find(({ name }) => name === fn.name)
    if (built === undefined) throw new SynthError(`the build has no function '${fn.name}': build again`)
    const functionName = functionNameOf(stackName, fn.name)
    const environment = { ...built.environment, ...functionVariables(fn), ...variables }
    const common = { functionName, built, environment }
    const create = (more = statements): IFunction =>
      createFunction(stack, { ...common, definition: fn, statements: more, layers: layersOf(fn.layers) })
    if (fn.kind === 'queue') {
      const queue = queues.find((each) => each.definition === fn)
      if (queue === undefined) throw new Error(`'${fn.name}' has no queue`)
      connectQueue(queue, create([...statements, consumeStatement(queue)]))
      output(outputNameOf(fn.name, 'QueueUrl'), queue.queue.queueUrl, `Queue of '${fn.name}'`)
      const dead = `Messages that '${fn.name}' could not be rid of`
      output(outputNameOf(fn.name, 'DeadLettersUrl'), queue.deadLetters.queueUrl, dead)
    } else if (fn.kind === 'schedule') {
      createSchedule(stack, functionName, fn, create())
    } else if (fn.kind === 'socket') {
      if (sockets !== null) addSocketRoutes(sockets, fn, create())
    } else if (fn.requestsPerEnvironment > 1) {
      const url = createWebFunction(stack, { ...common, definition: fn, statements })
      output(outputNameOf(fn.name, 'Url'), url, `Address of '${fn.name}'`)
    } else if (fn.front === 'function-url') {
      output(outputNameOf(fn.name, 'Url'), addFunctionUrl(fn, create()), `Address of '${fn.name}'`)
    } else if (fn.front === 'alb') {
      throw new SynthError(`'${fn.name}' is behind a load balancer, which Thaw does not deploy`)
    } else {
      behind[fn.front].push({ definition: fn, target: create() })
    }
  }
  const rate = definition.database?.maintenance
  if (rate && storage !== null && build.maintenance !== null) {
    createMaintenance(stack, stackName, rate, build.maintenance, storage)
  }

  if (behind['http-api'].length > 0) {
    output('ApiUrl', createHttpApi(stack, stackName, behind['http-api']), 'Address of the HTTP API')
  }
  if (behind['rest-api'].length > 0) {
    const url = createRestApi(stack, `${stackName}-rest`, stage, behind['rest-api'])
    output('RestApiUrl', url, 'Address of the REST API')
  }
  if (sockets !== null) output('SocketUrl', sockets.url, 'Address of the WebSocket API')
  if (storage !== null) {
    output('BucketName', storage.bucket.bucketName, 'Bucket that holds the database')
    output('DatabaseUrl', storage.databaseUrl, 'DATABASE_URL of the functions')
  }
  const { templateFullPath } = app.synth().getStackByName(stackName)
  const functions = describeFunctions(definition)
  return { stackName, templateFile: templateFullPath, assembly: app.outdir, functions, outputs }
}
