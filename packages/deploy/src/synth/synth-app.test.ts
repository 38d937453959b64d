import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AppDefinition, http, sqlite } from '@thaw/app'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorkspace, type Project, runIn } from '../../test/project.ts'
import {
  lambdaNamed as findLambda,
  readTemplate,
  references,
  render,
  resourcesOf,
  rightsOf,
  type Template,
} from '../../test/template.ts'
import { buildApp } from '../build/build-app.ts'
import type { BuildResult } from '../build/model.ts'
import { SynthError } from '../errors.ts'
import type { SynthResult } from './model.ts'
import { synthApp } from './synth-app.ts'

const definition: AppDefinition = {
  name: 'shop',
  database: sqlite({ seed: './data' }),
  environment: { LOG_LEVEL: 'info' },
  functions: {
    api: http('./src/api.ts', { memory: 512, timeout: '10s' }),
    recap: http('./src/recap.ts', {
      route: ['GET /recap/{user}', 'ANY /files/{path+}'],
      environment: { LOG_LEVEL: 'debug' },
    }),
  },
}
const files = {
  'src/api.ts': `export const handler = () => 'api'`,
  'src/recap.ts': `export const handler = () => 'recap'`,
  'data/a.json': '[]',
}

const workspace = createWorkspace()
let project: Project
let build: BuildResult
let result: SynthResult
let template: Template

beforeAll(async () => {
  project = await workspace.project(definition, files)
  build = await buildApp(project.loaded, { outDir: project.outDir })
  result = await synthApp(project.loaded, build, { stage: 'dev', outDir: await workspace.folder() })
  template = await readTemplate(result.templateFile)
})
afterAll(() => workspace[Symbol.asyncDispose]())

const lambdaNamed = (name: string, from = template) => findLambda(from, name)

function listRight() {
  return {
    Action: ['s3:ListBucket'],
    Resource: [`\${${bucketId()}.Arn}`],
    Condition: { StringLikeIfExists: { 's3:prefix': 'shop-dev/*' } },
  }
}

function bucketId(from = template): string {
  const [bucket, ...others] = resourcesOf(from, 'AWS::S3::Bucket')
  if (bucket === undefined || others.length > 0) throw new Error('expected one bucket')
  return bucket[0]
}

test('functions are what the application says', () => {
  expect(resourcesOf(template, 'AWS::Lambda::Function')).toHaveLength(3)
  expect(lambdaNamed('shop-dev-api').properties).toMatchObject({
    Runtime: 'nodejs24.x',
    Architectures: ['arm64'],
    Handler: 'index.handler',
    MemorySize: 512,
    Timeout: 10,
  })
  expect(lambdaNamed('shop-dev-recap').properties).toMatchObject({ MemorySize: 1024, Timeout: 30 })
})

test('functions see their variables, the stage and the database', () => {
  const { Variables } = lambdaNamed('shop-dev-recap').properties.Environment as {
    Variables: Record<string, unknown>
  }
  expect({ ...Variables, DATABASE_URL: render(Variables.DATABASE_URL) }).toEqual({
    LOG_LEVEL: 'debug',
    ENVIRONMENT: 'dev',
    THAW_STAGE: 'dev',
    THAW_SEED: './data',
    THAW_STREAM: 'false',
    DATABASE_URL: `sqlite+s3://\${${bucketId()}}/shop-dev`,
  })
})

test('the code of a function is the very zip of the build', async () => {
  const manifest = JSON.parse(await readFile(join(result.assembly, 'shop-dev.assets.json'), 'utf8'))
  for (const built of [...build.functions, build.maintenance!]) {
    const { Code } = lambdaNamed(`shop-dev-${built.name}`).properties as { Code: { S3Key: string } }
    expect(Code.S3Key).toBe(`${built.sha256}.zip`)
    const asset = await readFile(join(result.assembly, `asset.${built.sha256}.zip`))
    expect(asset.equals(await readFile(built.zip))).toBe(true)
    // What uploads it: from there, to the place that the template names.
    const upload = manifest.files[built.sha256]
    expect(upload.source).toEqual({ path: `asset.${built.sha256}.zip`, packaging: 'file' })
    expect(Object.values(upload.destinations)).toMatchObject([{ objectKey: Code.S3Key }])
  }
})

test('every route leads to its function, and the API may call it', () => {
  const routes = resourcesOf(template, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => {
    const integration = template.Resources[references(Properties.Target)[0] ?? '']
    expect(integration?.Properties).toMatchObject({
      IntegrationType: 'AWS_PROXY',
      PayloadFormatVersion: '2.0',
    })
    return [Properties.RouteKey, references(integration?.Properties.IntegrationUri)[0]]
  })
  const api = lambdaNamed('shop-dev-api').id
  const recap = lambdaNamed('shop-dev-recap').id
  expect(Object.fromEntries(routes)).toEqual({
    $default: api,
    'GET /recap/{user}': recap,
    'ANY /files/{path+}': recap,
  })
  const [httpApi] = resourcesOf(template, 'AWS::ApiGatewayV2::Api')
  const ofApi = resourcesOf(template, 'AWS::Lambda::Permission').filter(
    ([, { Properties }]) => Properties.Principal === 'apigateway.amazonaws.com',
  )
  const permissions = ofApi.map(([, { Properties }]) => {
    expect(Properties.Action).toBe('lambda:InvokeFunction')
    const source = render(Properties.SourceArn)
    expect(source).toContain(`:\${${httpApi?.[0]}}/`)
    return [references(Properties.FunctionName)[0], source.slice(source.indexOf('/'))]
  })
  expect(permissions.sort()).toEqual(
    [
      [api, '/*/*'],
      [recap, '/*/*/files/{path+}'],
      [recap, '/*/*/recap/{user}'],
    ].sort(),
  )
})

test('every function has a role of its own that may do what it needs and nothing else', () => {
  const roles = new Set<string>()
  for (const name of ['shop-dev-api', 'shop-dev-recap']) {
    const { properties } = lambdaNamed(name)
    const roleId = references(properties.Role)[0] ?? ''
    roles.add(roleId)
    const role = template.Resources[roleId]
    expect(role?.Properties).not.toHaveProperty('ManagedPolicyArns')
    const logId = references(properties.LoggingConfig)[0] ?? ''
    expect(template.Resources[logId]).toMatchObject({
      Type: 'AWS::Logs::LogGroup',
      Properties: { LogGroupName: `/aws/lambda/${name}`, RetentionInDays: 30 },
    })
    expect(rightsOf(role)).toEqual([
      { Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: [`\${${logId}.Arn}`] },
      {
        Action: ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'],
        Resource: [`\${${bucketId()}.Arn}/shop-dev/*`],
      },
      listRight(),
    ])
  }
  expect(roles.size).toBe(2)
  // Nothing else in the template hands out rights, but for maintenance.
  expect(resourcesOf(template, 'AWS::IAM::Role')).toHaveLength(3)
  expect(resourcesOf(template, 'AWS::IAM::Policy')).toEqual([])
  expect(template.text).not.toMatch(/Custom::|AWS::CloudFormation::CustomResource/)
})

test('a function of its own looks after the database, every quarter of an hour', () => {
  const { id, properties } = lambdaNamed('shop-dev-maintenance')
  expect(properties).toMatchObject({
    Handler: 'index.handler',
    MemorySize: 512,
    Timeout: 900,
  })
  // An account with a small limit refuses any reservation.
  expect(properties).not.toHaveProperty('ReservedConcurrentExecutions')
  const { Variables } = properties.Environment as { Variables: Record<string, unknown> }
  expect(Object.keys(Variables)).toEqual(['THAW_STORE_URL'])
  expect(render(Variables.THAW_STORE_URL)).toBe(`s3://\${${bucketId()}}/shop-dev`)
  const [rule, ...others] = resourcesOf(template, 'AWS::Events::Rule')
  expect(others).toEqual([])
  expect(rule?.[1].Properties).toMatchObject({
    Name: 'shop-dev-maintenance',
    ScheduleExpression: 'rate(15 minutes)',
    State: 'ENABLED',
  })
  expect(references(rule?.[1].Properties.Targets)).toEqual([id])
  const [permission] = resourcesOf(template, 'AWS::Lambda::Permission').filter(
    ([, { Properties }]) => Properties.Principal === 'events.amazonaws.com',
  )
  expect(references(permission?.[1].Properties.FunctionName)).toEqual([id])
  expect(references(permission?.[1].Properties.SourceArn)).toEqual([rule?.[0]])
  // What was missed is done by the next run: no event is kept for later.
  expect(resourcesOf(template, 'AWS::Lambda::EventInvokeConfig')[0]?.[1].Properties).toMatchObject({
    FunctionName: { Ref: id },
    MaximumRetryAttempts: 0,
  })
})

test('maintenance alone may delete, only what transactions are made of, and it can publish none', () => {
  const { properties } = lambdaNamed('shop-dev-maintenance')
  const folder = `\${${bucketId()}.Arn}/shop-dev`
  const logId = references(properties.LoggingConfig)[0] ?? ''
  expect(rightsOf(template.Resources[references(properties.Role)[0] ?? ''])).toEqual([
    { Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: [`\${${logId}.Arn}`] },
    {
      Action: ['s3:GetObject'],
      Resource: ['0000/*', '0001/*', '0002/*', '0003/*', '0009/*', 'thaw/clock'].map(
        (key) => `${folder}/${key}`,
      ),
    },
    {
      Action: ['s3:PutObject', 's3:AbortMultipartUpload'],
      Resource: ['0001/*', '0002/*', '0003/*', '0009/*', 'thaw/clock'].map((key) => `${folder}/${key}`),
    },
    {
      Action: ['s3:DeleteObject'],
      Resource: ['0000/*', '0001/*', '0002/*', '0003/*', '0009/*'].map((key) => `${folder}/${key}`),
    },
    listRight(),
  ])
})

test('how often is said with the database, and false means never', async () => {
  const synth = async (maintenance: false | string) => {
    const app = await workspace.project({ ...definition, database: sqlite({ maintenance }) }, files)
    const built = await buildApp(app.loaded, { outDir: app.outDir })
    const outDir = await workspace.folder()
    return readTemplate((await synthApp(app.loaded, built, { stage: 'dev', outDir })).templateFile)
  }
  const [rule] = resourcesOf(await synth('rate(1 hour)'), 'AWS::Events::Rule')
  expect(rule?.[1].Properties.ScheduleExpression).toBe('rate(1 hour)')
  expect((await synth(false)).text).not.toMatch(/maintenance|AWS::Events|s3:DeleteObject/i)
})

test('the bucket is private, encrypted, reached over TLS only, and outlives the stack', () => {
  const bucket = template.Resources[bucketId()]
  expect(bucket).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' })
  expect(bucket?.Properties).not.toHaveProperty('BucketName')
  expect(bucket?.Properties).not.toHaveProperty('VersioningConfiguration')
  expect(bucket?.Properties).toMatchObject({
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    },
    LifecycleConfiguration: {
      Rules: [{ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' }],
    },
  })
  expect(JSON.stringify(bucket?.Properties.BucketEncryption)).toContain('AES256')
  const [policy] = resourcesOf(template, 'AWS::S3::BucketPolicy')
  expect(policy?.[1].Properties.PolicyDocument).toMatchObject({
    Statement: [{ Effect: 'Deny', Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }],
  })
})

test('whatever the template points to is there', () => {
  const known = new Set([...Object.keys(template.Resources), ...Object.keys(template.Parameters)])
  const targets = references([template.Resources, template.Outputs])
  expect(targets.length).toBeGreaterThan(20)
  expect(targets.filter((name) => !name.startsWith('AWS::') && !known.has(name))).toEqual([])
  expect(Object.keys(template.Outputs)).toEqual(['ApiUrl', 'BucketName', 'DatabaseUrl'])
  expect(Object.keys(result.outputs)).toEqual(Object.keys(template.Outputs))
  expect(dirname(result.templateFile)).toBe(result.assembly)
})

test('the same application gives the same template, from another place too', async () => {
  const elsewhere = await workspace.project(definition, files, 2)
  const again = await buildApp(elsewhere.loaded, { outDir: elsewhere.outDir })
  const { templateFile } = await synthApp(elsewhere.loaded, again, {
    stage: 'dev',
    outDir: await workspace.folder(),
  })
  expect((await readTemplate(templateFile)).text).toBe(template.text)
})

test('stages share no stack, no function and no data', async () => {
  const options = { stage: 'prod', outDir: await workspace.folder() }
  const prod = await synthApp(project.loaded, build, options)
  expect([result.stackName, prod.stackName]).toEqual(['shop-dev', 'shop-prod'])
  const { text } = await readTemplate(prod.templateFile)
  expect(text).not.toMatch(/shop-dev|"dev"/)
  expect(text).toContain('shop-prod/*')
})

test('an application without a database has no bucket and no rights to one', async () => {
  const { database: _, ...rest } = definition
  const plain = await workspace.project(rest, files)
  const built = await buildApp(plain.loaded, { outDir: plain.outDir })
  const options = { stage: 'dev', outDir: await workspace.folder() }
  const { text } = await readTemplate((await synthApp(plain.loaded, built, options)).templateFile)
  expect(text).not.toMatch(/AWS::S3::Bucket|s3:|DATABASE_URL/)
})

test('what AWS would refuse is refused here, all of it at once', async () => {
  const outDir = await workspace.folder()
  const name = 'a-long-name-for-a-small-function'
  const large = await workspace.project(
    {
      name: 'an-application-with-a-long-name',
      environment: { LARGE: 'x'.repeat(4000) },
      functions: { [name]: http('./src/api.ts'), recap: http('./src/recap.ts', { route: 'GET /' }) },
    },
    files,
  )
  const built = await buildApp(large.loaded, { outDir: large.outDir })
  const partial = { ...built, functions: built.functions.filter((fn) => fn.name === name) }
  const error = await synthApp(large.loaded, partial, { stage: 'Prod', outDir }).catch((e: unknown) => e)
  if (!(error instanceof SynthError)) throw new Error(`expected a SynthError, got ${error}`)
  expect(error.code).toBe('SYNTH_FAILED')
  expect(error.message.split('\n')).toEqual([
    expect.stringContaining(`'Prod' cannot name a stage`),
    expect.stringContaining('has 69 characters and Lambda takes 64'),
    expect.stringContaining(`the variables of '${name}' take 4277 bytes`),
    expect.stringContaining(`the build has no function 'recap'`),
  ])
  const other = synthApp(project.loaded, { ...build, maintenance: null }, { stage: 'dev', outDir })
  await expect(other).rejects.toThrow(/the build has no maintenance function, .*: build again/)
  expect(await readdir(outDir)).toEqual([])
})

test('a write-behind database is given to one function that runs once at a time, and to nothing else', async () => {
  const database = sqlite({ durability: 'write-behind', writes: 5 })
  const synth = async (functions: AppDefinition['functions']) => {
    const app = await workspace.project({ name: 'shop', database, functions }, files)
    const built = await buildApp(app.loaded, { outDir: app.outDir })
    return synthApp(app.loaded, built, { stage: 'dev', outDir: await workspace.folder() })
  }
  const api = (concurrency?: number) => http('./src/api.ts', concurrency === undefined ? {} : { concurrency })
  const one = await readTemplate((await synth({ api: api(1) })).templateFile)
  const { properties } = lambdaNamed('shop-dev-api', one)
  expect(properties).toMatchObject({ ReservedConcurrentExecutions: 1 })
  const { Variables } = properties.Environment as { Variables: Record<string, unknown> }
  expect(render(Variables.DATABASE_URL)).toMatch(/\/shop-dev\?durability=write-behind&writes=5$/)
  expect(lambdaNamed('shop-dev-api').properties).not.toHaveProperty('ReservedConcurrentExecutions')

  await expect(synth({ api: api() })).rejects.toThrow(
    /'api' would run in as many environments as there are requests/,
  )
  await expect(synth({ api: api(2) })).rejects.toThrow(
    /'api' would run in 2 environments: give it concurrency: 1/,
  )
  const two = synth({ api: api(1), recap: http('./src/recap.ts', { route: 'GET /', concurrency: 1 }) })
  await expect(two).rejects.toThrow(SynthError)
  await expect(two).rejects.toThrow(/one writer, and 'api', 'recap' would all write/)
})

test('only synthesis loads the CDK', async () => {
  const face = new URL('../index.ts', import.meta.url).href
  const code = `await import('${face}')
    const { default: Module } = await import('node:module')
    console.log(Object.keys(Module._cache).filter((path) => path.includes('aws-cdk-lib')).length)`
  expect(await runIn(fileURLToPath(new URL('.', import.meta.url)), code)).toBe('0')
})
