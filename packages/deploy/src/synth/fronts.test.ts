import { type AppDefinition, http, sqlite } from '@thaw/app'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorkspace } from '../../test/project.ts'
import { synthFunctions } from '../../test/synth.ts'
import {
  aliasOf,
  lambdaNamed,
  type Resource,
  references,
  render,
  resourcesOf,
  rightsOf,
  type Template,
  variablesOf,
} from '../../test/template.ts'

const entry = './src/f.ts'
const workspace = createWorkspace()
let template: Template
let outputs: Readonly<Record<string, string>>
let described: Readonly<Record<string, string>>

beforeAll(async () => {
  ;({
    template,
    outputs,
    functions: described,
  } = await synthFunctions(workspace, {
    api: http(entry, { front: 'rest-api' }),
    chat: http(entry, { front: 'rest-api', route: 'POST /chat', stream: true, timeout: '5m' }),
    'live-feed': http(entry, { front: 'function-url', stream: true, timeout: '10m' }),
    plain: http(entry, { front: 'function-url', provisioned: 1 }),
    v2: http(entry, { route: 'GET /v2', provisioned: 3 }),
    web: http(entry, { front: 'function-url', requestsPerEnvironment: 64 }),
  }))
})
afterAll(() => workspace[Symbol.asyncDispose]())

const idOf = (name: string) => lambdaNamed(template, `shop-dev-${name}`).id
const propertiesOf = (type: string) => resourcesOf(template, type).map(([, { Properties }]) => Properties)
function only(type: string): [string, Resource] {
  const [found, ...others] = resourcesOf(template, type)
  if (found === undefined || others.length > 0) throw new Error(`expected one ${type}`)
  return found
}

/** The path of a resource of the REST API. */
function pathOf(resourceId: string): string {
  const resource = template.Resources[resourceId]
  if (resource?.Type !== 'AWS::ApiGateway::Resource') return ''
  return `${pathOf(references(resource.Properties.ParentId)[0] ?? '')}/${resource.Properties.PathPart}`
}

test('a REST API leads every request to its function, as bytes, and streams what the function streams', () => {
  const [api] = propertiesOf('AWS::ApiGateway::RestApi')
  expect(api).toMatchObject({
    Name: 'shop-dev-rest',
    BinaryMediaTypes: ['*/*'],
    EndpointConfiguration: { Types: ['REGIONAL'] },
  })
  const methods = propertiesOf('AWS::ApiGateway::Method').map((method) => {
    const { Uri, ...integration } = method.Integration as Record<string, unknown>
    const resource = references(method.ResourceId)[0] ?? ''
    return [`${method.HttpMethod} ${pathOf(resource) || '/'}`, { ...integration, Uri: render(Uri) }]
  })
  const uri = (name: string, invocations: string) =>
    expect.stringMatching(
      new RegExp(`:lambda:path/${invocations.replace('$', `\\$\\{${idOf(name)}\\.Arn\\}`)}$`),
    )
  const whole = {
    Type: 'AWS_PROXY',
    IntegrationHttpMethod: 'POST',
    Uri: uri('api', '2015-03-31/functions/$/invocations'),
  }
  const streamed = {
    Type: 'AWS_PROXY',
    IntegrationHttpMethod: 'POST',
    Uri: uri('chat', '2021-11-15/functions/$/response-streaming-invocations'),
    ResponseTransferMode: 'STREAM',
    TimeoutInMillis: 300_000,
  }
  expect(Object.fromEntries(methods)).toEqual({
    'ANY /': whole,
    'ANY /{proxy+}': whole,
    'ANY /chat': whole,
    'ANY /chat/{proxy+}': whole,
    'POST /chat': streamed,
  })
  const [stage] = propertiesOf('AWS::ApiGateway::Stage')
  expect(stage?.StageName).toBe('dev')
  const invoke = propertiesOf('AWS::Lambda::Permission').filter(({ SourceArn }) =>
    references(SourceArn).some((id) => template.Resources[id]?.Type === 'AWS::ApiGateway::RestApi'),
  )
  expect(invoke.map(({ FunctionName }) => references(FunctionName)[0]).sort()).toEqual(
    [idOf('api'), idOf('chat')].sort(),
  )
  // No role that the whole account would share.
  expect(resourcesOf(template, 'AWS::ApiGateway::Account')).toEqual([])
})

test('a Function URL is open, and says how answers are sent', () => {
  const urls = propertiesOf('AWS::Lambda::Url')
  const modes = urls.map(({ AuthType, InvokeMode, TargetFunctionArn }) => [
    references(TargetFunctionArn)[0],
    AuthType,
    InvokeMode,
  ])
  expect(modes.sort()).toEqual(
    [
      [idOf('live-feed'), 'NONE', 'RESPONSE_STREAM'],
      // Provisioned: what invokes goes through the alias.
      [idOf('plain'), 'NONE', 'BUFFERED'],
    ].sort(),
  )
  const plain = urls.find(({ InvokeMode }) => InvokeMode === 'BUFFERED')
  expect(plain?.Qualifier).toBe('live')
  const open = propertiesOf('AWS::Lambda::Permission').filter(({ Principal }) => Principal === '*')
  expect(open.map(({ Action, FunctionName }) => [references(FunctionName)[0], Action]).sort()).toEqual(
    [
      [idOf('live-feed'), 'lambda:InvokeFunction'],
      [idOf('live-feed'), 'lambda:InvokeFunctionUrl'],
      [aliasOf(template, idOf('plain')), 'lambda:InvokeFunction'],
      [aliasOf(template, idOf('plain')), 'lambda:InvokeFunctionUrl'],
    ].sort(),
  )
  // Anyone, but over the address only.
  for (const { Action, FunctionUrlAuthType, InvokedViaFunctionUrl } of open) {
    if (Action === 'lambda:InvokeFunction') expect(InvokedViaFunctionUrl).toBe(true)
    else expect(FunctionUrlAuthType).toBe('NONE')
  }
})

test('what stands before a function tells it whether it streams', () => {
  const stream = ['api', 'chat', 'live-feed', 'plain', 'v2'].map((name) => [
    name,
    variablesOf(lambdaNamed(template, `shop-dev-${name}`).properties).THAW_STREAM,
  ])
  expect(Object.fromEntries(stream)).toEqual({
    ...{ api: 'false', chat: 'true', 'live-feed': 'true', plain: 'false', v2: 'false' },
  })
})

test('an HTTP API goes through the alias of a function with provisioned environments', () => {
  const [integration] = propertiesOf('AWS::ApiGatewayV2::Integration')
  const alias = aliasOf(template, idOf('v2'))
  expect(references(integration?.IntegrationUri)).toEqual([alias])
  const [permission] = propertiesOf('AWS::Lambda::Permission').filter(({ FunctionName }) =>
    references(FunctionName).includes(alias),
  )
  expect(permission).toMatchObject({ Principal: 'apigateway.amazonaws.com', Action: 'lambda:InvokeFunction' })
  const [, { Properties }] = resourcesOf(template, 'AWS::Lambda::Alias').find(([id]) => id === alias)!
  expect(Properties.ProvisionedConcurrencyConfig).toEqual({ ProvisionedConcurrentExecutions: 3 })
})

test('another package is another version', async () => {
  const version = async (source: string) => {
    const functions = { v2: http(entry, { provisioned: 3 }) }
    const { template } = await synthFunctions(workspace, functions, { source })
    return resourcesOf(template, 'AWS::Lambda::Version').map(([id]) => id)
  }
  const first = await version('export const handler = () => 1')
  expect(first).toHaveLength(1)
  expect(await version('export const handler = () => 1')).toEqual(first)
  expect(await version('export const handler = () => 2')).not.toEqual(first)
})

test('a Web Function is a revision with the very package, and an endpoint that leads there', async () => {
  const [webId, web] = only('AWS::Lambda::WebFunction')
  expect(web.Properties).toEqual({ FunctionName: 'shop-dev-web' })
  const [revisionId, revision] = only('AWS::Lambda::WebFunctionRevision')
  const service = revision.Properties.ServiceConfig as Record<string, unknown>
  const { CodeConfig } = revision.Properties.BuildConfig as { CodeConfig: { S3Object: { Key: string } } }
  expect(CodeConfig.S3Object.Key).toMatch(/^[0-9a-f]{64}\.zip$/)
  expect(revision.Properties).toMatchObject({
    FunctionName: { Ref: webId },
    BuildConfig: { RuntimeConfig: { Runtime: 'nodejs24.x' } },
  })
  expect(service).toMatchObject({
    MaxConcurrencyPerEnvironment: 64,
    TimeoutSeconds: 30,
    EnvironmentVariables: { AWS_LAMBDA_NODEJS_ENTRYPOINT: 'index.mjs', THAW_STAGE: 'dev' },
  })
  const [logId] = references(service.TelemetryConfig)
  expect(rightsOf(template.Resources[references(service.ExecutionRoleArn)[0] ?? ''])).toEqual([
    { Action: ['logs:CreateLogStream', 'logs:PutLogEvents'], Resource: [`\${${logId}.Arn}`] },
  ])
  const [endpoint] = propertiesOf('AWS::Lambda::WebFunctionEndpoint')
  expect(endpoint).toEqual({
    FunctionName: { Ref: webId },
    EndpointName: 'live',
    EndpointType: 'HomeRegion',
    AuthType: 'ApplicationManaged',
    RevisionWeights: [{ RevisionId: { 'Fn::GetAtt': [revisionId, 'RevisionId'] }, Weight: 100 }],
  })
  // It is no function with events.
  expect(() => lambdaNamed(template, 'shop-dev-web')).toThrow('no function')
})

test('every address is an output, and nothing points nowhere', () => {
  expect(outputs).toEqual({
    LiveFeedUrl: `Address of 'live-feed'`,
    PlainUrl: `Address of 'plain'`,
    WebUrl: `Address of 'web'`,
    ApiUrl: 'Address of the HTTP API',
    RestApiUrl: 'Address of the REST API',
  })
  expect(Object.keys(template.Outputs)).toEqual(Object.keys(outputs))
  const known = new Set([...Object.keys(template.Resources), ...Object.keys(template.Parameters)])
  const targets = references([template.Resources, template.Outputs])
  expect(targets.filter((name) => !name.startsWith('AWS::') && !known.has(name))).toEqual([])
})

test('what invokes each function is told', () => {
  expect(described).toEqual({
    api: 'REST API: $default',
    chat: 'REST API, streaming: POST /chat',
    'live-feed': 'Function URL, streaming',
    plain: 'Function URL; 1 provisioned',
    v2: 'HTTP API: GET /v2; 3 provisioned',
    web: 'Web Function, 64 requests at once',
  })
})

test('what cannot be deployed or cannot work is refused with the reason', async () => {
  const problems = (functions: AppDefinition['functions'], database?: AppDefinition['database']) =>
    synthFunctions(workspace, functions, database === undefined ? {} : { database }).then(
      () => [],
      (error: Error) => error.message.split('\n'),
    )
  expect(await problems({ api: http(entry, { front: 'alb' }) })).toEqual([
    expect.stringMatching(
      /^'api' is behind a load balancer, which only the simulator has: .*take front: 'http-api'$/,
    ),
  ])
  const front = 'function-url'
  expect(
    await problems({
      web: http(entry, { front, requestsPerEnvironment: 2, provisioned: 1, concurrency: 5, temporary: 1024 }),
    }),
  ).toEqual([
    expect.stringContaining(`'web' is a Web Function, which cannot have provisioned environments`),
    expect.stringContaining('cannot have a concurrency'),
    expect.stringContaining(`cannot have a 'temporary'`),
  ])
  expect(
    await problems({
      a: http(entry, { front: 'rest-api', route: 'GET /users/{id}' }),
      b: http(entry, { front: 'rest-api', route: 'GET /users/{user}/x' }),
    }),
  ).toEqual([expect.stringContaining('name one place {id} and {user}')])
  const writeBehind = sqlite({ durability: 'write-behind' })
  expect(
    await problems({ web: http(entry, { front, requestsPerEnvironment: 2, concurrency: 1 }) }, writeBehind),
  ).toContainEqual(expect.stringContaining('cannot have a concurrency'))
})
