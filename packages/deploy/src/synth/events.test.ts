import { http, queue, schedule, socket } from '@thaw/app'
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
import { SynthError } from '../errors.ts'

const entry = './src/f.ts'
const workspace = createWorkspace()
let template: Template
let outputs: Readonly<Record<string, string>>
let functions: Readonly<Record<string, string>>

beforeAll(async () => {
  ;({ template, outputs, functions } = await synthFunctions(workspace, {
    api: http(entry),
    live: socket(entry, { route: ['$connect', '$default', 'watch'] }),
    leave: socket(entry, { route: '$disconnect' }),
    nightly: schedule(entry, 'cron(0 3 ? * MON-FRI *)', { timeout: '15m', temporary: 2048 }),
    never: schedule(entry, 'rate(1 day)', { enabled: false, provisioned: 1 }),
    ordered: queue(entry, { fifo: true, tries: 7 }),
    worker: queue(entry, { timeout: 20, batchSize: 100, batchWindow: 5, concurrency: 4, provisioned: 2 }),
  }))
})
afterAll(() => workspace[Symbol.asyncDispose]())

function named(type: string, property: string, name: string): [string, Resource] {
  const found = resourcesOf(template, type).find(([, { Properties }]) => Properties[property] === name)
  if (found === undefined) throw new Error(`the template has no ${type} ${name}`)
  return found
}
const queueNamed = (name: string) => named('AWS::SQS::Queue', 'QueueName', name)

function mappingOf(queueId: string): Readonly<Record<string, unknown>> {
  const found = resourcesOf(template, 'AWS::Lambda::EventSourceMapping').find(([, { Properties }]) =>
    references(Properties.EventSourceArn).includes(queueId),
  )
  if (found === undefined) throw new Error(`${queueId} has no mapping`)
  return found[1].Properties
}

test('a queue has its dead-letter queue, and hides messages six times as long as its function may run', () => {
  const [deadId, dead] = queueNamed('shop-dev-worker-dead')
  const [, worker] = queueNamed('shop-dev-worker')
  expect(worker.Properties).toMatchObject({
    VisibilityTimeout: 20 * 6 + 5,
    SqsManagedSseEnabled: true,
    RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [deadId, 'Arn'] }, maxReceiveCount: 3 },
  })
  expect(worker.Properties).not.toHaveProperty('FifoQueue')
  expect(dead.Properties).toMatchObject({ MessageRetentionPeriod: 14 * 86_400, SqsManagedSseEnabled: true })
  expect(queueNamed('shop-dev-ordered-dead.fifo')[1].Properties.FifoQueue).toBe(true)
  const [, ordered] = queueNamed('shop-dev-ordered.fifo')
  expect(ordered.Properties).toMatchObject({ FifoQueue: true, RedrivePolicy: { maxReceiveCount: 7 } })
  expect(resourcesOf(template, 'AWS::SQS::Queue')).toHaveLength(4)
  for (const [, policy] of resourcesOf(template, 'AWS::SQS::QueuePolicy')) {
    expect(policy.Properties.PolicyDocument).toMatchObject({
      Statement: [
        { Effect: 'Deny', Action: 'sqs:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
      ],
    })
  }
})

test('Lambda hands over messages as declared, and takes back those that failed', () => {
  const worker = lambdaNamed(template, 'shop-dev-worker')
  const ofWorker = mappingOf(queueNamed('shop-dev-worker')[0])
  expect(ofWorker).toMatchObject({
    BatchSize: 100,
    MaximumBatchingWindowInSeconds: 5,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    ScalingConfig: { MaximumConcurrency: 4 },
  })
  // As `function:live`, both taken from the alias's ARN.
  expect(references(ofWorker.FunctionName)).toContain(aliasOf(template, worker.id))
  const ordered = mappingOf(queueNamed('shop-dev-ordered.fifo')[0])
  expect(ordered).toMatchObject({ BatchSize: 10, FunctionResponseTypes: ['ReportBatchItemFailures'] })
  expect(ordered).not.toHaveProperty('MaximumBatchingWindowInSeconds')
  expect(ordered).not.toHaveProperty('ScalingConfig')
  expect(references(ordered.FunctionName)).toEqual([lambdaNamed(template, 'shop-dev-ordered').id])
})

test('every function finds the queues and the sockets, and may send; a worker may read its own queue', () => {
  const [workerQueue] = queueNamed('shop-dev-worker')
  const [orderedQueue] = queueNamed('shop-dev-ordered.fifo')
  const [api] = named('AWS::ApiGatewayV2::Api', 'Name', 'shop-dev-sockets')
  const address = `\${${api}}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}/dev`
  const arn = `arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${${api}}/dev`
  const lambdas = resourcesOf(template, 'AWS::Lambda::Function')
  expect(lambdas).toHaveLength(7)
  for (const [, { Properties }] of lambdas) {
    expect(variablesOf(Properties)).toMatchObject({
      WORKER_QUEUE_URL: `\${${workerQueue}}`,
      ORDERED_QUEUE_URL: `\${${orderedQueue}}`,
      AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: `https://${address}`,
    })
    const [log, ...rights] = rightsOf(template.Resources[references(Properties.Role)[0] ?? ''])
    expect(log?.Action).toEqual(['logs:CreateLogStream', 'logs:PutLogEvents'])
    const own = { 'shop-dev-worker': workerQueue, 'shop-dev-ordered': orderedQueue }[
      String(Properties.FunctionName)
    ]
    expect(rights).toEqual([
      { Action: ['sqs:SendMessage'], Resource: [`\${${orderedQueue}.Arn}`, `\${${workerQueue}.Arn}`] },
      {
        Action: ['execute-api:ManageConnections'],
        Resource: [`${arn}/POST/@connections/*`, `${arn}/DELETE/@connections/*`],
      },
      ...(own === undefined
        ? []
        : [
            {
              Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
              Resource: [`\${${own}.Arn}`],
            },
          ]),
    ])
  }
  // Nothing hands out rights beside.
  expect(resourcesOf(template, 'AWS::IAM::Role')).toHaveLength(7)
  expect(resourcesOf(template, 'AWS::IAM::Policy')).toEqual([])
})

test('a schedule is a rule that tries for six hours, and may invoke its function alone', () => {
  const nightly = lambdaNamed(template, 'shop-dev-nightly')
  expect(nightly.properties).toMatchObject({ Timeout: 900, EphemeralStorage: { Size: 2048 } })
  const [ruleId, rule] = named('AWS::Events::Rule', 'Name', 'shop-dev-nightly')
  expect(rule.Properties).toMatchObject({
    ScheduleExpression: 'cron(0 3 ? * MON-FRI *)',
    State: 'ENABLED',
    Targets: [
      {
        Arn: { 'Fn::GetAtt': [nightly.id, 'Arn'] },
        RetryPolicy: { MaximumEventAgeInSeconds: 21_600, MaximumRetryAttempts: 185 },
      },
    ],
  })
  // The event is EventBridge's own.
  expect(JSON.stringify(rule.Properties.Targets)).not.toContain('Input')
  const permission = resourcesOf(template, 'AWS::Lambda::Permission').find(([, { Properties }]) =>
    references(Properties.FunctionName).includes(nightly.id),
  )
  expect(permission?.[1].Properties).toMatchObject({
    Principal: 'events.amazonaws.com',
    SourceArn: { 'Fn::GetAtt': [ruleId, 'Arn'] },
  })
  const async = resourcesOf(template, 'AWS::Lambda::EventInvokeConfig').map(
    ([, { Properties }]) => Properties,
  )
  expect(async.find(({ FunctionName }) => references(FunctionName).includes(nightly.id))).toMatchObject({
    MaximumRetryAttempts: 2,
    MaximumEventAgeInSeconds: 21_600,
    Qualifier: '$LATEST',
  })
  const never = lambdaNamed(template, 'shop-dev-never')
  const [, disabled] = named('AWS::Events::Rule', 'Name', 'shop-dev-never')
  expect(disabled.Properties.State).toBe('DISABLED')
  expect(references(disabled.Properties.Targets)).toEqual([aliasOf(template, never.id)])
  expect(async.some(({ Qualifier }) => references(Qualifier).includes(aliasOf(template, never.id)))).toBe(
    true,
  )
})

test('provisioned environments belong to a version, and what invokes goes through its alias', () => {
  for (const [name, provisioned] of [
    ['worker', 2],
    ['never', 1],
  ] as const) {
    const { id } = lambdaNamed(template, `shop-dev-${name}`)
    const alias = template.Resources[aliasOf(template, id)]
    expect(alias?.Properties).toMatchObject({
      Name: 'live',
      ProvisionedConcurrencyConfig: { ProvisionedConcurrentExecutions: provisioned },
    })
    const version = template.Resources[references(alias?.Properties.FunctionVersion)[0] ?? '']
    expect(version?.Type).toBe('AWS::Lambda::Version')
    expect(references(version?.Properties.FunctionName)).toEqual([id])
  }
  expect(resourcesOf(template, 'AWS::Lambda::Alias')).toHaveLength(2)
})

test('each route key of the WebSocket API leads to its function, which the API may invoke', () => {
  const [apiId, api] = named('AWS::ApiGatewayV2::Api', 'Name', 'shop-dev-sockets')
  expect(api.Properties).toMatchObject({
    ProtocolType: 'WEBSOCKET',
    RouteSelectionExpression: '$request.body.action',
  })
  const routes = resourcesOf(template, 'AWS::ApiGatewayV2::Route').filter(([, { Properties }]) =>
    references(Properties.ApiId).includes(apiId),
  )
  const targets = routes.map(([, { Properties }]) => {
    const integration = template.Resources[references(Properties.Target)[0] ?? '']
    expect(integration?.Properties.IntegrationType).toBe('AWS_PROXY')
    return [
      Properties.RouteKey,
      references(integration?.Properties.IntegrationUri).filter((id) => !id.startsWith('AWS')),
    ]
  })
  const live = lambdaNamed(template, 'shop-dev-live').id
  const leave = lambdaNamed(template, 'shop-dev-leave').id
  expect(Object.fromEntries(targets)).toEqual({
    $connect: [live],
    $default: [live],
    watch: [live],
    $disconnect: [leave],
  })
  const allowed = resourcesOf(template, 'AWS::Lambda::Permission')
    .filter(([, { Properties }]) => references(Properties.SourceArn).includes(apiId))
    .map(([, { Properties }]) => [
      references(Properties.FunctionName)[0],
      render(Properties.SourceArn).split('/').at(-1),
    ])
  expect(allowed.sort()).toEqual(
    [
      [leave, '*$disconnect'],
      [live, '*$connect'],
      [live, '*$default'],
      [live, '*watch'],
    ].sort(),
  )
  const [, stage] = named('AWS::ApiGatewayV2::Stage', 'StageName', 'dev')
  expect(stage.Properties).toMatchObject({ ApiId: { Ref: apiId }, AutoDeploy: true })
})

test('every address is an output, and nothing points nowhere', () => {
  expect(outputs).toEqual({
    OrderedQueueUrl: `Queue of 'ordered'`,
    OrderedDeadLettersUrl: expect.stringContaining(`'ordered'`),
    WorkerQueueUrl: `Queue of 'worker'`,
    WorkerDeadLettersUrl: expect.stringContaining(`'worker'`),
    ApiUrl: 'Address of the HTTP API',
    SocketUrl: 'Address of the WebSocket API',
  })
  expect(Object.keys(template.Outputs)).toEqual(Object.keys(outputs))
  const known = new Set([...Object.keys(template.Resources), ...Object.keys(template.Parameters)])
  const targets = references([template.Resources, template.Outputs])
  expect(targets.filter((name) => !name.startsWith('AWS::') && !known.has(name))).toEqual([])
})

test('what invokes each function is told', () => {
  expect(functions).toEqual({
    api: 'HTTP API: $default',
    leave: 'WebSocket API: $disconnect',
    live: 'WebSocket API: $connect, $default, watch',
    never: 'rate(1 day), disabled; 1 provisioned',
    nightly: 'cron(0 3 ? * MON-FRI *)',
    ordered: 'FIFO queue, 7 tries',
    worker: 'queue, 3 tries; 2 provisioned',
  })
})

test('an application without HTTP functions has no HTTP API', async () => {
  const { template: alone, outputs: few } = await synthFunctions(workspace, {
    nightly: schedule(entry, 'rate(1 day)'),
  })
  expect(resourcesOf(alone, 'AWS::ApiGatewayV2::Api')).toEqual([])
  expect(few).toEqual({})
})

test('a queue whose messages throttling would kill is refused, and so are alike outputs', async () => {
  const one = synthFunctions(workspace, { worker: queue(entry, { concurrency: 1 }) })
  await expect(one).rejects.toThrow(SynthError)
  await expect(one).rejects.toThrow(/after 3 such tries they would be dead letters: give it tries: 5 or more/)
  await synthFunctions(workspace, { worker: queue(entry, { concurrency: 1, tries: 5 }) })
  const alike = synthFunctions(workspace, { 'a-1': queue(entry), a1: schedule(entry, 'rate(1 day)') })
  await expect(alike).rejects.toThrow(`'a-1' and 'a1' would have outputs of one name: rename one`)
})
