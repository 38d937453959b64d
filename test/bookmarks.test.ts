import { connect } from '@thaw/db'
import { serve } from '@thaw/lambda'
import type { Freshness } from '@thaw/sqlite'
import { type S3Server, startS3Server } from '@thaw/testing'
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { httpApiEvent, lambdaContext } from '../packages/lambda/test/events.ts'
import { startCountingProxy } from './counting-proxy.ts'

// What a client that gives its bookmark back gets from environments that share a bucket, each with its own copy, its
// own connections and its own handler.

interface Schema {
  notes: { text: string }
}

interface Environment {
  /** Methods of the requests that it sent to the bucket. */
  readonly requests: string[]
  ask(method: 'GET' | 'POST', bookmark?: string): Promise<Answer>
}

interface Answer {
  readonly status: number
  /** How many notes there are, as the application saw it. */
  readonly notes: number
  readonly bookmark: string
}

let server: S3Server
let prefixes = 0
let prefix: string
beforeAll(async () => {
  server = await startS3Server()
  return () => server.close()
})
beforeEach(() => {
  prefix = `database-${++prefixes}`
})

async function startEnvironment(freshness?: Freshness, at = prefix): Promise<Environment> {
  const proxy = await startCountingProxy(server.endpoint)
  const url = `sqlite+${server.urlOf(at).replace(server.endpoint, proxy.endpoint)}`
  const db = connect<Schema>({ url, env: server.env, freshness })
  onTestFinished(async () => {
    await db.shutdown()
    proxy.close()
  })
  await db.ready()
  const handler = serve(
    async ({ method }: Request) => {
      if (method === 'POST') {
        await db.schema.createTable('notes').ifNotExists().addColumn('text', 'text').execute()
        await db.insertInto('notes').values({ text: 'a note' }).execute()
      }
      const notes = await db.selectFrom('notes').selectAll().execute()
      return Response.json(notes.length)
    },
    { with: [db], log() {} },
  )
  proxy.requests.length = 0
  return {
    requests: proxy.requests,
    async ask(method, bookmark) {
      const headers: [string, string][] = [['Host', 'api.example']]
      if (bookmark !== undefined) headers.push(['X-Thaw-Bookmark', bookmark])
      const sent = httpApiEvent({ method, target: '/', headers, body: Buffer.of() })
      const answer = await handler(sent, lambdaContext())
      return {
        status: answer.statusCode ?? 0,
        notes: JSON.parse(answer.body ?? ''),
        bookmark: String(answer.headers?.['x-thaw-bookmark']),
      }
    },
  }
}

test('a client sees elsewhere what it wrote, at the cost of what is missing there, and then of nothing', async () => {
  const here = await startEnvironment()
  const created = await here.ask('POST')
  const there = await startEnvironment()
  const { bookmark } = await here.ask('POST')
  expect(bookmark).not.toBe(created.bookmark)

  expect(await there.ask('GET', bookmark)).toEqual({ status: 200, notes: 2, bookmark })
  expect(there.requests).toEqual(['GET']) // the one transaction that it lacked
  there.requests.length = 0
  expect(await there.ask('GET', bookmark)).toEqual({ status: 200, notes: 2, bookmark })
  expect(await there.ask('GET', created.bookmark)).toEqual({ status: 200, notes: 2, bookmark })
  expect(there.requests).toEqual([])
})

test('a satisfied bookmark sees no more than it asks for; without one the default decides', async () => {
  const here = await startEnvironment()
  const { bookmark } = await here.ask('POST')
  const strong = await startEnvironment()
  const bounded = await startEnvironment({ withinMs: 3_600_000 })
  await here.ask('POST')

  expect(await strong.ask('GET', bookmark)).toMatchObject({ notes: 1, bookmark })
  expect(strong.requests).toEqual([])
  expect(await strong.ask('GET')).toMatchObject({ status: 200, notes: 2 })
  expect(strong.requests.length).toBeGreaterThan(0)
  expect(await bounded.ask('GET')).toMatchObject({ status: 200, notes: 1 })
  expect(bounded.requests).toEqual([])
})

test.each(['GET', 'POST'] as const)(
  'a %s with a bookmark that cannot be honoured is served on the newest state, and mends the client',
  async (method) => {
    const here = await startEnvironment()
    const { bookmark } = await here.ask('POST')
    const [identity] = bookmark.split('-')
    const foreign = await (await startEnvironment(undefined, `${prefix}-another`)).ask('POST')
    let notes = 1
    for (const brought of [foreign.bookmark, `${identity}-fffff`, `${identity}-9`, 'no-bookmark', ',,,']) {
      const there = await startEnvironment()
      await here.ask('POST')
      notes += method === 'POST' ? 2 : 1
      const answer = await there.ask(method, brought)
      expect(answer, brought).toMatchObject({ status: 200, notes })
      expect(answer.bookmark).toMatch(new RegExp(`^${identity}-`))
      expect(await here.ask('GET', answer.bookmark)).toMatchObject({ notes })
    }
  },
)

test('a client whose requests go from one environment to the next reads its writes and never goes back', async () => {
  const environments = [await startEnvironment()]
  let { bookmark, notes } = await environments[0]!.ask('POST')
  environments.push(await startEnvironment(), await startEnvironment())
  for (let n = 0; n < 24; n++) {
    const method = n % 3 === 1 ? 'POST' : 'GET'
    const answer = await environments[(n * 7) % 3]!.ask(method, bookmark)
    notes += method === 'POST' ? 1 : 0
    expect(answer).toMatchObject({ status: 200, notes })
    bookmark = answer.bookmark
  }
})
