import { freePort, type PostgresServer, startPostgres } from '@thaw/testing'
import { CompiledQuery } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FaultyProxy, startProxy } from '../../../test/proxy.ts'
import { ConfigError, ConnectError } from '../../errors.ts'
import { parseUrl } from '../../url.ts'
import { openPostgres } from './engine.ts'
import type { Time } from './time.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server?.close())

/** A clock that moves only while somebody sleeps, and what was slept. */
function countingTime(onSleep: (count: number) => Promise<void> = async () => {}) {
  const pauses: number[] = []
  let now = Date.UTC(2026, 0, 1)
  const time: Time = {
    now: () => now,
    random: () => 0.5,
    async sleep(ms) {
      pauses.push(ms)
      now += ms
      await onSleep(pauses.length)
    },
  }
  return { time, pauses }
}

function engineAt(url: string, time: Time) {
  const target = parseUrl(url, '/')
  if (target.kind !== 'postgres') throw new Error(`${url} is not PostgreSQL`)
  return openPostgres(target, {}, {}, time)
}

test('goes on trying while the server is not there, with pauses that double', async () => {
  const port = await freePort()
  let proxy: FaultyProxy | undefined
  const { time, pauses } = countingTime(async (count) => {
    if (count === 3) proxy = await startProxy(server.url, port)
  })
  const engine = engineAt(`postgres://postgres@127.0.0.1:${port}/postgres`, time)
  try {
    const connection = await engine.acquire()
    expect(pauses).toEqual([1_000, 2_000, 4_000])
    expect(await connection.executeQuery(CompiledQuery.raw('select 1 as one'))).toEqual({
      rows: [{ one: 1 }],
    })
    await connection.release()
  } finally {
    await engine.close()
    await proxy?.close()
  }
})

test('gives up before the invocation has to answer, and tells no password', async () => {
  const port = await freePort()
  const { time, pauses } = countingTime()
  const engine = engineAt(`postgres://user:s3cret@127.0.0.1:${port}/name?application_name=s3cret`, time)
  const deadline = time.now() + 10_000
  const error = await engine
    .around({ requestId: 'r', deadline }, () => engine.acquire())
    .catch((error: unknown) => error)
  expect(error).toBeInstanceOf(ConnectError)
  expect(pauses).toEqual([1_000, 2_000, 4_000])
  expect(error).toMatchObject({ code: 'CONNECT_FAILED', retryable: true })
  expect(String(error)).toContain(
    `no connection to postgres://127.0.0.1:${port}/name in 4 attempts over 7000 ms`,
  )
  expect(JSON.stringify(error) + String(error) + String((error as Error).cause)).not.toContain('s3cret')
  await engine.close()
})

test('does not try again what cannot succeed', async () => {
  const { time, pauses } = countingTime()
  const engine = engineAt(server.url.replace(/\/postgres$/, '/nowhere'), time)
  await expect(engine.acquire()).rejects.toMatchObject({ code: 'CONNECT_FAILED', retryable: false })
  await expect(engine.acquire()).rejects.toThrow(/at the first attempt: database "nowhere" does not exist/)
  expect(pauses).toEqual([])
  await engine.close()
})

test('tells the server who it is, and how long a statement may take', async () => {
  const { time } = countingTime()
  const engine = engineAt(`${server.url}?application_name=meals&statement_timeout=50`, time)
  const connection = await engine.acquire()
  const { rows } = await connection.executeQuery(
    CompiledQuery.raw("select current_setting('application_name') as n"),
  )
  expect(rows).toEqual([{ n: 'meals' }])
  await expect(connection.executeQuery(CompiledQuery.raw('select pg_sleep(10)'))).rejects.toThrow(
    /statement timeout/,
  )
  expect(await connection.executeQuery(CompiledQuery.raw('select 1 as one'))).toEqual({ rows: [{ one: 1 }] })
  await connection.release()
  await engine.close()
})

test('lets a migration take longer than a statement may', async () => {
  const engine = engineAt(`${server.url}?statement_timeout=50`, countingTime().time)
  const slow = CompiledQuery.raw('select 1 as one from pg_sleep(0.2)')
  await expect(engine.atomic((connection) => connection.executeQuery(slow))).rejects.toThrow(
    /statement timeout/,
  )
  expect(await engine.exclusive((connection) => connection.executeQuery(slow))).toEqual({
    rows: [{ one: 1 }],
  })
  await engine.close()
})

test.each(['connect_timeout=0', 'connect_timeout=soon', 'statement_timeout=-1'])(
  'refuses %s',
  (parameter) => {
    expect(() => engineAt(`${server.url}?${parameter}`, countingTime().time)).toThrow(ConfigError)
  },
)
