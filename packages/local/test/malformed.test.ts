import { seededRandom } from '@thaw/testing'
import { expect, test } from 'vitest'
import { startApiServer } from '../src/environment/api-server.ts'
import { createExtensionsApi } from '../src/environment/extensions/extensions-api.ts'
import { createRuntimeApi } from '../src/environment/runtime-api.ts'
import { exchange, mutate, request } from './fuzz.ts'
import { makeProject, start } from './support.ts'

// Bytes that are nearly requests, at every port but that of S3: nothing fails, hangs or says that it has failed.

const seed = () => process.env.THAW_TEST_SEED ?? 'malformed requests'
const rounds = 20
const atOnce = 20

/** Sends mutants of these; `check` looks at each answer. Gives every status that came. */
async function attack(url: string, seeds: readonly string[], check: (answer: string, about: string) => void) {
  const random = seededRandom(seed())
  const statuses = new Set<string>()
  const attempt = async (bytes: Buffer) => {
    const answer = await exchange(url, bytes, 100)
    statuses.add(answer.slice(9, 12))
    check(answer, `seed ${random.seed}: ${JSON.stringify(bytes.toString('latin1').slice(0, 2000))}`)
  }
  for (const one of seeds) await attempt(Buffer.from(one))
  for (let round = 0; round < rounds; round++) {
    const mutants = Array.from({ length: atOnce }, () =>
      mutate(random, Buffer.from(seeds[random.integer(0, seeds.length - 1)] ?? '')),
    )
    await Promise.all(mutants.map((bytes) => attempt(bytes)))
  }
  return [...statuses]
}

const config = (front: string) => `import { defineApp, http, queue, schedule, socket } from '@thaw/app'
export default defineApp({
  name: 'malformed',
  functions: {
    web: http('./web.mjs', { front: '${front}' }),
    work: queue('./idle.mjs'),
    chat: socket('./idle.mjs'),
    nightly: schedule('./idle.mjs', 'rate(1 day)'),
  },
})`

const files = (front: string) => ({
  'thaw.config.ts': config(front),
  'web.mjs': `export const handler = async (event) =>
    ({ statusCode: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) })`,
  'idle.mjs': 'export const handler = async () => ({ statusCode: 200 })',
})

const web = [
  request('GET /a%20b/c?x=1&x=2&y=%2B'),
  request('POST /form', 'a=b&c=d', ['content-type: application/x-www-form-urlencoded']),
  request('PUT /text', 'gr\u00fc\u00dfe', [
    'content-type: text/plain',
    'cookie: a=b; c=d',
    'expect: 100-continue',
  ]),
  request('GET http://elsewhere/whole?x', '', ['x-amzn-trace-id: Root=1-5eb33c07-de25b420912dee103a5db434']),
  request('DELETE /x', '', ['x-forwarded-for: 1.2.3.4', 'connection: x-custom', 'x-custom: 1']),
  request('GET /upgrade', '', ['upgrade: h2c']),
  [
    'GET /socket HTTP/1.1',
    'host: x',
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    '',
    '\x81\x85\x01\x02\x03\x04ignored',
  ].join('\r\n'),
  'POST /chunks HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  request('POST /local/@connections/abc%3D', 'text', [
    'authorization: AWS4-HMAC-SHA256 Credential=a/20200101/r/s3/aws4_request, SignedHeaders=host, Signature=0',
  ]),
]

const sqs = (action: string, body: unknown) =>
  request('POST /', JSON.stringify(body), [
    `x-amz-target: AmazonSQS.${action}`,
    'content-type: application/x-amz-json-1.0',
  ])
const QueueUrl = 'http://x/123456789012/work'
const aws = [
  request('POST /2015-03-31/functions/web/invocations', '{"a":[1,2]}', ['x-amz-log-type: Tail']),
  request('POST /2015-03-31/functions/web:$LATEST/invocations', '{}', ['x-amz-invocation-type: DryRun']),
  request('POST /2015-03-31/functions/nightly/invocations', '{}', ['x-amz-invocation-type: Event']),
  request('POST /2021-11-15/functions/web/response-streaming-invocations', '{}'),
  request('GET /2015-03-31/functions/web?Qualifier=1'),
  request('GET /2015-03-31/functions/'),
  request('POST /thaw/schedules/nightly/invocations'),
  sqs('SendMessage', {
    QueueUrl,
    MessageBody: 'x',
    MessageAttributes: { a: { DataType: 'String', StringValue: 'b' } },
  }),
  sqs('SendMessageBatch', { QueueUrl, Entries: [{ Id: 'a', MessageBody: 'x', DelaySeconds: 0 }] }),
  sqs('ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 1, WaitTimeSeconds: 0 }),
  sqs('DeleteMessage', { QueueUrl, ReceiptHandle: 'x' }),
  sqs('GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] }),
  request(
    'POST /123456789012/work',
    'Action=SendMessage&MessageBody=x&MessageAttribute.1.Name=a&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=b',
    ['content-type: application/x-www-form-urlencoded'],
  ),
]

test.each(['http-api', 'rest-api', 'function-url', 'alb'])(
  'at %s and at the AWS endpoint',
  async (front) => {
    const project = await makeProject(files(front))
    const { simulator, lines } = await start(project.root)
    const noFailure = (answer: string, about: string) =>
      expect(answer, about).not.toMatch(/^HTTP\/1.1 50[0-4]/)
    try {
      expect(await attack(simulator.url, web, noFailure)).toEqual(expect.arrayContaining(['200', '400']))
      if (front === 'http-api') {
        const statuses = await attack(simulator.awsUrl, aws, noFailure)
        expect(statuses).toEqual(expect.arrayContaining(['200', '202', '204', '400', '404']))
      }
      // The simulator has nothing to say of itself, and one environment is as good as before.
      expect(lines.filter((line) => /Error:|at .*:\d+:\d+|ended while idle/.test(line))).toEqual([])
      const { functionError } = await simulator.invoke('web', {})
      expect(functionError).toBe(null)
    } finally {
      await simulator.close()
      await project.remove()
    }
  },
  120_000,
)

test('at the Runtime API and the Extensions API', async () => {
  const nothing = () => {}
  const runtime = createRuntimeApi({
    onNext: nothing,
    onResponse: nothing,
    onStream: ({ body }) =>
      void (async () => {
        for await (const _ of body);
      })().catch(nothing),
    onStreamed: nothing,
    onError: nothing,
    onInitError: nothing,
  })
  const extensions = createExtensionsApi(
    { functionName: 'f', handler: 'f.handler', external: ['outside'] },
    { onRegistered: nothing, onNext: nothing, onError: nothing },
  )
  const server = await startApiServer([runtime.answer, extensions.answer])
  const invocation = { requestId: 'r', event: '{}', deadlineMs: 0, functionArn: 'arn', traceId: 'Root=1-2-3' }
  const path = '/2018-06-01/runtime'
  const seeds = [
    request(`POST ${path}/invocation/r/response`, '{}'),
    request(`POST ${path}/invocation/r/error`, '{"errorType":"E","errorMessage":"m"}'),
    request(`POST ${path}/init/error`, '{"errorType":"E","errorMessage":"m"}'),
    `POST ${path}/invocation/r/response HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n` +
      'lambda-runtime-function-response-mode: streaming\r\ntrailer: Lambda-Runtime-Function-Error-Type\r\n\r\n' +
      '3\r\nabc\r\n0\r\nLambda-Runtime-Function-Error-Type: E\r\n\r\n',
    request('POST /2020-01-01/extension/register', '{"events":["INVOKE"]}', ['lambda-extension-name: e']),
    request('POST /2020-01-01/extension/init/error', '', ['lambda-extension-identifier: x']),
    request('GET /2020-01-01/extension/event/next', '', ['lambda-extension-identifier: x']),
    request('GET /nowhere'),
  ]
  const url = `http://${server.address}`
  try {
    const statuses = await attack(url, seeds, (answer, about) => {
      expect(answer, about).not.toMatch(/^HTTP\/1.1 5/)
      if (runtime.asking) runtime.deliver(invocation)
    })
    expect(statuses).toEqual(expect.arrayContaining(['202', '400', '403', '404']))
    // A connection that was cut has taken nothing with it: whoever asks now is heard.
    const asked = exchange(url, Buffer.from(request(`GET ${path}/invocation/next`)), null)
    await expect.poll(() => runtime.asking).toBe(true)
    runtime.deliver(invocation)
    expect(await asked).toMatch(/^HTTP\/1.1 200 /)
  } finally {
    server.close()
  }
}, 120_000)
