import { type PostgresServer, startPostgres } from '@thaw/testing'
import { CompiledQuery, type DatabaseConnection } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type FaultyProxy, startProxy } from '../../../test/proxy.ts'
import { parseUrl } from '../../url.ts'
import type { Engine } from '../engine.ts'
import { openPostgres } from './engine.ts'
import { systemTime } from './time.ts'

let server: PostgresServer
let proxy: FaultyProxy
/** Goes through the proxy. */
let engine: Engine
/** Goes to the same database without it. */
let direct: Engine
let skew = 0

beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server?.close())

beforeEach(async () => {
  const url = await server.createDatabase()
  proxy = await startProxy(url)
  skew = 0
  engine = open(proxy.url)
  direct = open(url)
  await run(direct, 'create table counters (name text primary key, value integer not null)')
  await run(direct, "insert into counters values ('a', 0), ('b', 0)")
})
afterEach(async () => {
  await Promise.all([engine.close(), direct.close()])
  await proxy.close()
})

function open(url: string): Engine {
  const target = parseUrl(url, '/')
  if (target.kind !== 'postgres') throw new Error(`${url} is not PostgreSQL`)
  return openPostgres(target, {}, {}, { ...systemTime, now: () => Date.now() + skew })
}

async function run(on: Engine | DatabaseConnection, sql: string, parameters: unknown[] = []) {
  const query = CompiledQuery.raw(sql, parameters)
  if ('executeQuery' in on) return (await on.executeQuery<Record<string, unknown>>(query)).rows
  const connection = await on.acquire()
  try {
    return (await connection.executeQuery<Record<string, unknown>>(query)).rows
  } finally {
    await connection.release()
  }
}

const add = (connection: DatabaseConnection) =>
  run(connection, "update counters set value = value + 1 where name = 'a' returning value")
const value = async (name = 'a') =>
  (await run(direct, `select value from counters where name = '${name}'`))[0]?.value

describe('one connection', () => {
  test('serves all, one after the other, and is kept', async () => {
    const answers = await Promise.all([1, 2, 3].map((n) => run(engine, 'select $1::int as n', [n])))
    expect(answers).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]])
    expect(proxy.connections).toBe(1)
  })

  test('is replaced after a pause in which it died without a word', async () => {
    await run(engine, 'select 1')
    proxy.silence()
    skew += 60_000
    expect(await run(engine, 'select 2 as n')).toEqual([{ n: 2 }])
    expect(proxy.connections).toBe(2)
  })

  test('is kept after a pause in which it lived', async () => {
    await run(engine, 'select 1')
    skew += 60_000
    await run(engine, 'select 1')
    skew -= 120_000
    await run(engine, 'select 1')
    expect(proxy.connections).toBe(1)
  })

  test('is replaced when the server ended it', async () => {
    const [{ pid } = {}] = await run(engine, 'select pg_backend_pid() as pid')
    await run(direct, 'select pg_terminate_backend($1, 5000)', [pid])
    skew += 60_000
    expect(await run(engine, 'select 2 as n')).toEqual([{ n: 2 }])
  })
})

describe('a connection that breaks', () => {
  test('under a read: nothing was written', async () => {
    const connection = await engine.acquire()
    await connection.begin({})
    proxy.breakAt('select 77', 'before')
    await expect(run(connection, 'select 77')).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      retryable: true,
    })
    await connection.release()
    expect(await run(engine, 'select 2 as n')).toEqual([{ n: 2 }])
  })

  test.each(['before', 'after'] as const)(
    'under a write, %s the server had it: nobody knows',
    async (when) => {
      proxy.breakAt('update counters', when)
      const connection = await engine.acquire()
      await expect(add(connection)).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
      await connection.release()
    },
  )

  test('inside atomic, before its commit: it is run again', async () => {
    proxy.breakAt('update counters', 'before')
    let runs = 0
    await engine.atomic((connection) => {
      runs++
      return add(connection)
    })
    expect([runs, await value()]).toEqual([2, 1])
  })

  test.each([
    ['before', 0],
    ['after', 1],
  ] as const)('under the commit of atomic, %s the server had it: nobody knows', async (when, expected) => {
    proxy.breakAt('commit', when)
    await expect(engine.atomic(add)).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN', retryable: false })
    expect(await value()).toBe(expected)
  })

  test.each(['before', 'after'] as const)(
    'under the commit of a keyed atomic, %s: it is applied once',
    async (when) => {
      await engine.atomic(add, 'first')
      proxy.breakAt('commit', when)
      expect(await engine.atomic(add, 'second')).toEqual([{ value: 2 }])
      expect(await engine.atomic(add, 'second')).toEqual([{ value: 2 }])
      expect(await value()).toBe(2)
    },
  )

  test('for good, under the commit of a keyed atomic: nobody knows, rather than no connection', async () => {
    await engine.atomic(add, 'first')
    proxy.breakAt('commit', 'after')
    proxy.refuse()
    const deadline = Date.now() + 1_500
    const outcome = engine.around({ requestId: 'r', deadline }, () => engine.atomic(add, 'second'))
    await expect(outcome).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN', retryable: false })
    expect(await value()).toBe(2)
  })
})

describe('others at work', () => {
  /** Reads both, is overtaken by another transaction, and writes: a write skew that only one may do. */
  const skewed = (meanwhile: () => Promise<unknown>) => async (connection: DatabaseConnection) => {
    const [{ sum } = {}] = await run(connection, 'select sum(value) as sum from counters')
    await meanwhile()
    await run(connection, "update counters set value = $1 where name = 'a'", [Number(sum) + 1])
    return sum
  }
  const overtake = () =>
    direct.atomic((other) => run(other, "update counters set value = 10 where name = 'a'"))

  test('atomic is run again on what they left', async () => {
    let runs = 0
    const sum = await engine.atomic(skewed(async () => (runs++ === 0 ? overtake() : null)))
    expect([runs, sum, await value()]).toEqual([2, 10, 11])
  })

  test('atomic is run again even if the conflict is caught inside', async () => {
    let runs = 0
    const result = await engine.atomic(async (connection) => {
      const attempt = ++runs
      await skewed(async () => (attempt === 1 ? overtake() : null))(connection).catch(() => null)
      return attempt
    })
    expect([result, await value()]).toEqual([2, 11])
  })

  test('atomic gives up in the end', async () => {
    let runs = 0
    const deadline = Date.now() + 2_000
    const outcome = engine.around({ requestId: 'r', deadline }, () =>
      engine.atomic(
        skewed(() => {
          runs++
          return overtake()
        }),
      ),
    )
    await expect(outcome).rejects.toMatchObject({ code: 'CONFLICT', retryable: true })
    expect(runs).toBeGreaterThan(1)
    expect(await value()).toBe(10)
  })

  test('a transaction of the query builder ends in a conflict', async () => {
    const connection = await engine.acquire()
    await connection.begin({ isolationLevel: 'serializable' })
    await expect(skewed(overtake)(connection)).rejects.toMatchObject({ code: 'CONFLICT', retryable: true })
    await connection.release()
    expect(await value()).toBe(10)
  })
})

test('an error that is caught inside a transaction does not make half of it', async () => {
  const outcome = engine.atomic(async (connection) => {
    await add(connection)
    await run(connection, "insert into counters values ('a', 0)").catch(() => null)
    return 'done'
  })
  await expect(outcome).rejects.toMatchObject({ code: 'TRANSACTION_ABORTED' })
  await expect(outcome).rejects.toMatchObject({ cause: { code: '23505' } })
  expect(await value()).toBe(0)
})

test('types outside the portable ones', async () => {
  const rows = await run(
    engine,
    `select '2026-11-20'::date as day, '2026-11-20 10:00:00.5+02'::timestamptz as moment,
      12.50::numeric as price, '{"a": [1]}'::jsonb as document, true as flag, '\\x00ff'::bytea as bytes`,
  )
  expect(rows).toEqual([
    {
      day: '2026-11-20',
      moment: '2026-11-20T08:00:00.500Z',
      price: 12.5,
      document: { a: [1] },
      flag: true,
      bytes: Buffer.from([0, 255]),
    },
  ])
})

test('true and false fit integer and boolean columns, and dates their own', async () => {
  const at = new Date(Date.UTC(2026, 10, 20, 10))
  await run(direct, 'create table flags (whole integer, flag boolean, moment timestamptz, text text)')
  await run(engine, 'insert into flags values ($1, $2, $3, $4)', [true, false, at, at])
  expect(await run(engine, 'select * from flags')).toEqual([
    { whole: 1, flag: false, moment: '2026-11-20T10:00:00.000Z', text: '2026-11-20T10:00:00.000Z' },
  ])
})
