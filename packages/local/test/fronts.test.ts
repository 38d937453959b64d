import { fronts } from '@thaw/app'
import { afterAll, expect, test } from 'vitest'
import { fixture, start, type Watched } from './support.ts'

const started: Watched[] = []

afterAll(async () => {
  await Promise.all(started.map(({ simulator }) => simulator.close()))
})

test.each([...fronts])('one application behind %s', async (front) => {
  const watched = await start(fixture, { front })
  started.push(watched)
  const { url } = watched.simulator
  const answer = (value: unknown) =>
    fetch(`${url}/echo?answer`, { method: 'POST', body: JSON.stringify(value) })
  const response = await answer({ statusCode: 418, headers: { 'x-one': '1' }, body: 'short and stout' })
  expect([response.status, response.headers.get('x-one'), await response.text()]).toEqual([
    418,
    '1',
    'short and stout',
  ])
  const failed = await answer({ statusCode: 'none' })
  expect(failed.status).toBe(front === 'http-api' ? 500 : 502)
  await failed.arrayBuffer()
  const thrown = await fetch(`${url}/thrower`)
  expect(thrown.status).toBe(front === 'http-api' ? 500 : 502)
  await thrown.arrayBuffer()
})
