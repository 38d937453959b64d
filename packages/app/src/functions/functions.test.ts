import { expect, test } from 'vitest'
import {
  type AppDefinition,
  type FunctionDeclaration,
  http,
  type QueueOptions,
  queue,
  schedule,
  socket,
} from '../declare.ts'
import { defineApp } from '../define.ts'
import { ConfigError } from '../errors.ts'
import { queueUrlVariable } from '../queue-url.ts'

function define(functions: Readonly<Record<string, FunctionDeclaration>>) {
  return defineApp({ name: 'a', functions } satisfies AppDefinition).functions
}

function problems(functions: Readonly<Record<string, FunctionDeclaration>>): string[] {
  try {
    define(functions)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ at, message }) => `${at}: ${message}`)
    throw error
  }
  return []
}

const entry = './src/f.ts'

const base = {
  entry,
  handler: 'handler',
  memoryMb: 1024,
  timeoutSeconds: 30,
  temporaryMb: 512,
  provisioned: 0,
  layers: [],
  environment: {},
}

test('every kind comes out complete', () => {
  const { length, ...functions } = define({
    live: socket(entry),
    nightly: schedule(entry, 'rate(1 day)', { timeout: '15m', memory: 2048, enabled: false }),
    ordered: queue(entry, { fifo: true, tries: 5 }),
    worker: queue(entry, { batchSize: 500, batchWindow: '5s', timeout: 10, concurrency: 4, provisioned: 4 }),
  })
  expect(length).toBe(4)
  expect({ ...functions }).toEqual({
    0: {
      ...{ ...base, kind: 'socket', name: 'live', timeoutSeconds: 29 },
      routes: ['$connect', '$disconnect', '$default'],
    },
    1: {
      ...{ ...base, kind: 'schedule', name: 'nightly', timeoutSeconds: 900, memoryMb: 2048 },
      ...{ schedule: 'rate(1 day)', enabled: false },
    },
    2: {
      ...{ ...base, kind: 'queue', name: 'ordered' },
      queue: { fifo: true, batchSize: 10, batchWindowSeconds: 0, tries: 5, visibilitySeconds: 180 },
    },
    3: {
      ...{ ...base, kind: 'queue', name: 'worker', timeoutSeconds: 10, concurrency: 4, provisioned: 4 },
      queue: { fifo: false, batchSize: 500, batchWindowSeconds: 5, tries: 3, visibilitySeconds: 65 },
    },
  })
})

test('a front decides what a function may do', () => {
  const options = { front: 'function-url', stream: true, timeout: '10m' } as const
  expect(define({ api: http(entry, options) })[0]).toMatchObject({
    ...{ front: 'function-url', stream: true, routes: [], timeoutSeconds: 600 },
  })
  expect(
    define({ api: http(entry, { front: 'function-url', requestsPerEnvironment: 64 }) })[0],
  ).toMatchObject({
    requestsPerEnvironment: 64,
  })
  expect(define({ api: http(entry, { front: 'rest-api', stream: true, timeout: '10m' }) })[0]).toMatchObject({
    stream: true,
  })
  expect(define({ api: http(entry, { front: 'rest-api' }) })[0]).toMatchObject({ timeoutSeconds: 29 })
  expect(define({ api: http(entry, { front: 'alb', timeout: '10m' }) })[0]).toMatchObject({
    timeoutSeconds: 600,
  })
})

test('layers are folders of the project and published versions', () => {
  const arn = 'arn:aws:lambda:eu-west-1:123456789012:layer:telemetry:7'
  expect(define({ api: http(entry, { layers: ['layers/agent/', arn] }) })[0]).toMatchObject({
    layers: [{ folder: './layers/agent' }, { arn }],
  })
})

const six = Array.from({ length: 6 }, (_, index) => `./layers/${index}`)
const versionless = 'arn:aws:lambda:eu-west-1:123456789012:layer:telemetry'

test.each([
  [http(entry, { layers: './layers' } as object), 'layers: must be a list of folders and ARNs'],
  [http(entry, { layers: six }), 'layers: has 6 layers, and Lambda takes 5'],
  [http(entry, { layers: ['../agent'] }), "layers[0]: '../agent' lies outside of the project"],
  [http(entry, { layers: ['.'] }), 'layers[0]: is the whole project'],
  [http(entry, { layers: [versionless] }), `layers[0]: '${versionless}' names no version; add it`],
  [http(entry, { layers: ['arn:aws:s3:::b'] }), "layers[0]: 'arn:aws:s3:::b' is no ARN of a layer's version"],
  [http(entry, { layers: [7] } as object), 'layers[0]: must be the path of a folder'],
  [http(entry, { layers: ['./a', 'a'] }), "layers: has './a' twice"],
  [http(entry, { layers: [`${versionless}:1`, `${versionless}:2`] }), `layers: has '${versionless}' twice`],
  [
    http(entry, { front: 'function-url', requestsPerEnvironment: 2, layers: ['./a'] }),
    'layers: are not for a Web Function',
  ],
  [http(entry, { front: 'apigw' } as object), "front: 'apigw' is unknown; it is one of http-api, rest-api"],
  [http(entry, { stream: true }), "stream: is not possible behind 'http-api'"],
  [http(entry, { front: 'alb', stream: true }), "stream: is not possible behind 'alb'"],
  [http(entry, { front: 'rest-api', timeout: '30s' }), "timeout: '30s' is too long: a REST API answers 504"],
  [http(entry, { timeout: '31s' }), "timeout: '31s' is too long: an HTTP API answers 503"],
  [http(entry, { front: 'function-url', route: 'GET /a' }), 'route: is for an API'],
  [http(entry, { front: 'function-url', requestsPerEnvironment: 129 }), 'requestsPerEnvironment: 129 is not'],
  [http(entry, { requestsPerEnvironment: 2 }), 'requestsPerEnvironment: more than 1 makes a Web Function'],
  [http(entry, { temporary: 511 }), 'temporary: 511 is not possible'],
  [http(entry, { provisioned: -1 }), 'provisioned: -1 is not possible'],
  [http(entry, { provisioned: 3, concurrency: 2 }), 'provisioned: 3 are more than its concurrency of 2'],
  [queue(entry, { batchSize: 11 }), 'batchSize: more than 10 need a batchWindow'],
  [queue(entry, { batchSize: 11, fifo: true }), 'batchSize: 11 is not possible'],
  [queue(entry, { batchWindow: 5, fifo: true }), 'batchWindow: is not for FIFO queues'],
  [queue(entry, { batchWindow: 301 }), 'batchWindow: 301 is not possible'],
  [queue(entry, { batchWindow: 'soon' }), "batchWindow: 'soon' is no length of time"],
  [queue(entry, { tries: 0 }), 'tries: 0 is not possible'],
  [queue(entry, { fifo: 'yes' } as unknown as QueueOptions), "fifo: must be true or false, not 'yes'"],
  [queue(entry, { route: 'GET /a' } as QueueOptions), 'route: is no known property'],
  [schedule(entry, 'every day'), "schedule: 'every day' is no schedule; write 'rate(15 minutes)'"],
  [schedule(entry, 'rate(1 days)'), "schedule: 'rate(1 days)' would be refused by EventBridge"],
  [schedule(entry, 'cron(0 6 * * *)'), 'needs six fields'],
  [schedule(entry, 'cron(0 6 * * * *)'), "must have '?' in one of the two days"],
  [schedule(entry, 'cron(0 6 ? * ? *)'), "must have '?' in one of the two days"],
  [schedule(entry, 'cron(0 6! * * ? *)'), "'6!' is no hour; it takes 0 to 23"],
  [schedule(entry, 7 as unknown as string), 'schedule: 7 is no schedule'],
  [socket(entry, { route: [] }), 'route: is an empty list'],
  [socket(entry, { route: '$other' }), "route: '$other' is no route"],
  [socket(entry, { route: ['a', 'a'] }), "route: names 'a' twice"],
  [socket(entry, { timeout: '30s' }), "timeout: '30s' is too long: a WebSocket API gives up"],
])('%o is refused', (declaration, message) => {
  expect(problems({ f: declaration })).toEqual([
    expect.stringContaining(`functions.f.${message}`.slice(0, 12)),
  ])
  expect(problems({ f: declaration })[0]).toContain(message)
})

test('messages of a route go to one function', () => {
  expect(problems({ a: socket(entry), b: socket(entry, { route: ['send', '$connect'] }) })).toEqual([
    "functions.b.route: '$connect' belongs to 'a' already; messages of a route can go to one function only",
  ])
})

test('two queues cannot have one variable', () => {
  expect(problems({ weeklyRecap: queue(entry), 'weekly-recap': queue(entry) })).toEqual([
    "functions.weeklyRecap: and 'weekly-recap' would both be found by WEEKLY_RECAP_QUEUE_URL; rename one",
  ])
})

test('no variable of the application takes the place of a queue', () => {
  const environment = { WORKER_QUEUE_URL: 'https://example.org' }
  expect(problems({ api: http(entry, { environment }), worker: queue(entry) })).toEqual([
    "functions.api.environment.WORKER_QUEUE_URL: is where Thaw puts the address of the queue of 'worker'; choose another name",
  ])
  expect(problems({ api: http(entry, { environment }), work: queue(entry) })).toEqual([])
})

test('the variable of a queue is named after its function', () => {
  expect(['worker', 'weeklyRecap', 'weekly-recap', 'S3Import', 'v2'].map(queueUrlVariable)).toEqual([
    'WORKER_QUEUE_URL',
    'WEEKLY_RECAP_QUEUE_URL',
    'WEEKLY_RECAP_QUEUE_URL',
    'S3_IMPORT_QUEUE_URL',
    'V2_QUEUE_URL',
  ])
})
