import { expect, test } from 'vitest'
import { type AppDefinition, http, type SqliteOptions, sqlite } from './declare.ts'
import { defineApp } from './define.ts'
import { durabilityQuery } from './durability.ts'
import { ConfigError } from './errors.ts'

/** Problems of a definition, as `at: message`. */
function problems(definition: unknown): string[] {
  try {
    defineApp(definition as AppDefinition)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    expect(error.code).toBe('CONFIG_INVALID')
    return error.problems.map(({ at, message }) => `${at}: ${message}`)
  }
  return []
}

const api = http('./src/api.ts')

test('an application comes out complete and normalised', () => {
  const app = defineApp({
    name: 'spendsense',
    database: sqlite({ migrations: 'migrations/', seed: './data' }),
    environment: { LOG_LEVEL: 'info', REGION_NAME: 'x' },
    functions: {
      recap: http('src/insights/../recap.ts', {
        route: ['GET /recap/{user}', 'POST /recap/{user}'],
        memory: 128,
        timeout: '10s',
        environment: { LOG_LEVEL: 'debug' },
      }),
      api: http('./src/api.ts'),
    },
  })
  expect(app).toEqual({
    name: 'spendsense',
    database: {
      kind: 'sqlite',
      migrations: './migrations',
      seed: './data',
      maintenance: 'rate(15 minutes)',
    },
    environment: { LOG_LEVEL: 'info', REGION_NAME: 'x' },
    functions: [
      {
        kind: 'http',
        name: 'api',
        entry: './src/api.ts',
        handler: 'handler',
        memoryMb: 1024,
        timeoutSeconds: 30,
        temporaryMb: 512,
        provisioned: 0,
        layers: [],
        front: 'http-api',
        stream: false,
        requestsPerEnvironment: 1,
        routes: [{ key: '$default', method: 'ANY', path: null }],
        environment: { LOG_LEVEL: 'info', REGION_NAME: 'x' },
      },
      {
        kind: 'http',
        name: 'recap',
        entry: './src/recap.ts',
        handler: 'handler',
        memoryMb: 128,
        timeoutSeconds: 10,
        temporaryMb: 512,
        provisioned: 0,
        layers: [],
        front: 'http-api',
        stream: false,
        requestsPerEnvironment: 1,
        routes: [
          { key: 'GET /recap/{user}', method: 'GET', path: '/recap/{user}' },
          { key: 'POST /recap/{user}', method: 'POST', path: '/recap/{user}' },
        ],
        environment: { LOG_LEVEL: 'debug', REGION_NAME: 'x' },
      },
    ],
  })
})

test('write-behind is said with the database, and a limit of concurrency with a function', () => {
  const database = sqlite({ durability: 'write-behind', writes: 3, interval: '1m' })
  const app = defineApp({ name: 'a', database, functions: { api: http('./src/api.ts', { concurrency: 1 }) } })
  expect(app.database).toMatchObject({ durability: 'write-behind', writes: 3, intervalSeconds: 60 })
  expect(app.functions[0]?.concurrency).toBe(1)
  const query = (options: SqliteOptions) =>
    durabilityQuery(defineApp({ name: 'a', database: sqlite(options), functions: { api } }).database!)
  expect(query({ durability: 'write-behind', writes: 3, interval: '1m' })).toBe(
    '?durability=write-behind&writes=3&interval=60',
  )
  expect(query({ durability: 'write-behind' })).toBe('?durability=write-behind')
  expect(query({ durability: 'commit' })).toBe('?durability=commit')
  expect(query({})).toBe('')
})

test.each([
  [
    { durability: 'later' },
    "database.durability: 'later' is unknown; it is one of commit, invocation, write-behind",
  ],
  [
    { writes: 3 },
    "database.writes: is for durability: 'write-behind'; otherwise every write is durable at once",
  ],
  [{ durability: 'commit', interval: 3 }, /^database.interval: is for durability: 'write-behind'/],
  [{ durability: 'write-behind', writes: 0 }, /^database.writes: 0 is not possible/],
  [{ durability: 'write-behind', interval: '2d' }, /^database.interval: '2d' is no length of time/],
  [{ durability: 'write-behind', interval: 0 }, /^database.interval: 0 is not possible/],
])('%o is refused', (options, message) => {
  expect(problems({ name: 'a', database: sqlite(options as SqliteOptions), functions: { api } })).toEqual([
    message instanceof RegExp ? expect.stringMatching(message) : message,
  ])
})

test('how often a database is looked after is a rate, or false', () => {
  const maintenanceOf = (maintenance?: false | string) => {
    const database = sqlite(maintenance === undefined ? {} : { maintenance })
    return defineApp({ name: 'a', database, functions: { api } }).database?.maintenance
  }
  expect(maintenanceOf()).toBe('rate(15 minutes)')
  expect(maintenanceOf(false)).toBeNull()
  for (const rate of ['rate(1 minute)', 'rate(90 minutes)', 'rate(1 hour)', 'rate(7 days)']) {
    expect(maintenanceOf(rate)).toBe(rate)
  }
})

test.each([
  [true, /true is no rate; write 'rate\(15 minutes\)'/],
  ['1 hour', /'1 hour' is no rate/],
  ['cron(0 3 * * ? *)', /is no rate/],
  ['rate(0 minutes)', /is no rate/],
  ['rate(1.5 hours)', /is no rate/],
  ['rate(1 hours)', /would be refused by EventBridge; write 'rate\(1 hour\)'/],
  ['rate(2 hour)', /would be refused by EventBridge; write 'rate\(2 hours\)'/],
  ['rate(8 days)', /is too seldom; give 7 days at most/],
])('a maintenance of %o is refused', (maintenance, message) => {
  const database = sqlite({ maintenance } as SqliteOptions)
  expect(problems({ name: 'a', database, functions: { api } })).toEqual([
    expect.stringMatching(new RegExp(`^database.maintenance: .*${message.source}`)),
  ])
})

test('the function that looks after the database has its name to itself', () => {
  const functions = { Maintenance: api }
  expect(problems({ name: 'a', database: sqlite(), functions })).toEqual([
    'functions.Maintenance: is the name of the function that looks after the database; rename yours, or say sqlite({ maintenance: false })',
  ])
  expect(problems({ name: 'a', database: sqlite({ maintenance: false }), functions })).toEqual([])
  expect(problems({ name: 'a', functions })).toEqual([])
})

test('nothing of an application can be changed', () => {
  const app = defineApp({ name: 'a', functions: { api } })
  expect(Object.isFrozen(app)).toBe(true)
  expect(Object.isFrozen(app.functions)).toBe(true)
  expect(Object.isFrozen(app.functions[0]?.kind === 'http' && app.functions[0].routes[0])).toBe(true)
  expect(Object.isFrozen(app.functions[0]?.environment)).toBe(true)
})

test('every problem is told at once', () => {
  expect(
    problems({
      name: 'Spend Sense',
      databse: sqlite(),
      functions: {
        api: http('../api.ts', { memory: 64, timeout: '1h', route: 'GET users' }),
        'no good': http('./a.py'),
      },
    }).map((problem) => problem.split(':')[0]),
  ).toEqual([
    'databse',
    'name',
    'functions.api.entry',
    'functions.api.memory',
    'functions.api.timeout',
    'functions.api.route',
    'functions.no good',
    'functions.no good.entry',
  ])
})

test('a slip of the pen is named with what was meant', () => {
  const functions = { api: http('./a.ts', { memorry: 512 } as object) }
  expect(problems({ name: 'a', functions })).toEqual([
    "functions.api.memorry: is no known property; did you mean 'memory'?",
  ])
  expect(problems({ name: 'a', functions: { api }, region: 'eu' })).toEqual([
    'region: is no known property; known are name, database, functions, environment',
  ])
})

test.each([
  [undefined, 'defineApp: must be an object, not undefined'],
  [{ name: 'a', functions: {} }, 'functions: is empty'],
  [{ name: 'a' }, 'functions: must be an object'],
  [
    { name: 'a', functions: { api: './src/api.ts' } },
    "functions.api: must be http, queue, schedule or socket, as in http('./src/file.ts', { … })",
  ],
  [{ name: 'a', functions: { api: http('/src/api.ts') } }, 'functions.api.entry: '],
  [{ name: 'a', functions: { api: http('src/../../api.ts') } }, 'outside of the project'],
  [{ name: 'a', functions: { api: http('src\\api.ts') } }, 'backslash'],
  [{ name: 'a', functions: { api: http('') } }, 'functions.api.entry: must be the path'],
  [{ name: 'a', functions: { api, API: http('./b.ts', { route: 'GET /b' }) } }, 'differs from'],
  [{ name: 'a', functions: { api, other: http('./b.ts') } }, 'functions.other.route: '],
  [{ name: 'a', functions: { api: http('./a.ts', { route: [] }) } }, 'functions.api.route: is an empty list'],
  [{ name: 'a', functions: { api: http('./a.ts', { route: ['GET /a', 'b'] }) } }, 'functions.api.route[1]: '],
  [{ name: 'a', functions: { api }, database: 'sqlite' }, 'database: must be sqlite('],
  [{ name: 'a', functions: { api }, database: sqlite({ seed: '../data' }) }, 'database.seed: '],
  [{ name: 'a', functions: { api }, environment: { PORT: 1 } }, 'environment.PORT: must be a text, not 1'],
  [{ name: 'a', functions: { api }, environment: { AWS_REGION: 'x' } }, 'set by Lambda itself'],
  [{ name: 'a', functions: { api }, environment: { THAW_SEED: 'x' } }, "Thaw's own"],
  [{ name: 'a', functions: { api }, environment: { DATABASE_URL: 'x' } }, 'environment.DATABASE_URL: '],
  [{ name: 'a', functions: { api }, environment: { 'A-B': 'x' } }, 'no name that Lambda takes'],
])('%j is refused', (definition, problem) => {
  const found = problems(definition)
  expect(found).toHaveLength(1)
  expect(found[0]).toContain(problem)
})

test('two functions cannot take the same requests, whatever their parameters are called', () => {
  const functions = {
    a: http('./a.ts', { route: 'GET /users/{id}' }),
    b: http('./b.ts', { route: ['GET /users/{user}', 'GET /users/me', 'GET /users/{rest+}'] }),
  }
  expect(problems({ name: 'a', functions })).toEqual([
    "functions.b.route: 'GET /users/{user}' takes the same requests as a route of 'a'; a request can go to one function only",
  ])
})

test.each([
  [30, 30],
  ['30s', 30],
  [1, 1],
])('timeout %j is %d seconds', (timeout, seconds) => {
  const app = defineApp({ name: 'a', functions: { api: http('./a.ts', { timeout }) } })
  expect(app.functions[0]?.timeoutSeconds).toBe(seconds)
})

test.each([
  [31, 'answers 503 after 30 s'],
  ['2m', 'answers 503 after 30 s'],
  [0, 'from 1 second to 900'],
  [901, 'from 1 second to 900'],
  [1.5, 'whole number of seconds'],
  [Number.NaN, 'whole number of seconds'],
  ['1h', 'no length of time'],
  ['', 'no length of time'],
  [null, 'no length of time'],
])('timeout %j is refused', (timeout, reason) => {
  const functions = { api: http('./a.ts', { timeout: timeout as number }) }
  expect(problems({ name: 'a', functions })[0]).toContain(reason)
})

test.each([127, 10_241, 512.5, '512', null])('memory %j is refused', (memory) => {
  const functions = { api: http('./a.ts', { memory: memory as number }) }
  expect(problems({ name: 'a', functions })[0]).toContain('whole number of MB from 128 to 10240')
})
