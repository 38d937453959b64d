import { resolve } from 'node:path'
import type { LoadedApp } from '@thaw/app'
import { App, CfnOutput, Stack } from 'aws-cdk-lib'
import type { BuildResult } from '../build/model.ts'
import { SynthError } from '../errors.ts'
import { createApi } from './api.ts'
import { createFunction } from './function.ts'
import { createMaintenance } from './maintenance.ts'
import type { SynthOptions, SynthResult } from './model.ts'
import { functionNameOf, stackNameOf } from './names.ts'
import { createStorage } from './storage.ts'

/** Builds the stack and writes the assembly. This module loads the CDK, so `synthApp` loads it late. */
export function synthStack(loaded: LoadedApp, build: BuildResult, options: SynthOptions): SynthResult {
  const { app: definition } = loaded
  const stackName = stackNameOf(definition.name, options.stage)
  const app = new App({ outdir: resolve(options.outDir), analyticsReporting: false, treeMetadata: false })
  const stack = new Stack(app, stackName, {
    description: `${definition.name}, stage ${options.stage}`,
  })

  const storage =
    definition.database === undefined ? null : createStorage(stack, stackName, definition.database)
  const functions = definition.functions.map((fn) => {
    const built = build.functions.find(({ name }) => name === fn.name)
    if (built === undefined) throw new SynthError(`the build has no function '${fn.name}': build again`)
    const environment = {
      ...built.environment,
      ENVIRONMENT: options.stage,
      THAW_STAGE: options.stage,
      ...(storage === null ? {} : { DATABASE_URL: storage.databaseUrl }),
    }
    const functionName = functionNameOf(stackName, fn.name)
    const statements = storage?.statements ?? []
    return {
      definition: fn,
      lambda: createFunction(stack, { functionName, definition: fn, built, environment, statements }),
    }
  })
  const rate = definition.database?.maintenance
  if (rate && storage !== null && build.maintenance !== null) {
    createMaintenance(stack, stackName, rate, build.maintenance, storage)
  }
  const api = createApi(stack, stackName, functions)

  const outputs: Record<string, string> = {}
  const output = (name: string, value: string, description: string) => {
    new CfnOutput(stack, name, { value, description })
    outputs[name] = description
  }
  output('ApiUrl', api.apiEndpoint, 'Address of the HTTP API')
  if (storage !== null) {
    output('BucketName', storage.bucket.bucketName, 'Bucket that holds the database')
    output('DatabaseUrl', storage.databaseUrl, 'DATABASE_URL of the functions')
  }
  const { templateFullPath } = app.synth().getStackByName(stackName)
  return { stackName, templateFile: templateFullPath, assembly: app.outdir, outputs }
}
