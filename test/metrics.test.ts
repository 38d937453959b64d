import { connect } from '@thaw/db'
import { metrics, serve } from '@thaw/lambda'
import type { Durability } from '@thaw/sqlite'
import { startS3Server } from '@thaw/testing'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { event, lambdaContext } from '../packages/lambda/test/events.ts'

// What a database measures, as it arrives in the lines for CloudWatch.

interface Schema {
  notes: { text: string }
}

type Line = Record<string, unknown> & {
  readonly _aws: { readonly CloudWatchMetrics: readonly [{ readonly Metrics: readonly unknown[] }] }
}

let urlOf: (prefix: string) => string
let env: Readonly<Record<string, string>>
beforeAll(async () => {
  const server = await startS3Server()
  urlOf = (prefix) => `sqlite+${server.urlOf(prefix)}`
  env = server.env
  return () => server.close()
})

function open(prefix: string, durability: Durability = 'commit') {
  const writeBehind = { writes: 2, intervalMs: null }
  const url = urlOf(prefix)
  const db = connect<Schema>({ url, env, durability, ...(durability === 'write-behind' && { writeBehind }) })
  onTestFinished(() => db.shutdown())
  return db
}

/** The lines of as many invocations that each run `work`. */
async function linesOf(db: ReturnType<typeof open>, times: number, work: () => Promise<unknown>) {
  const lines: Line[] = []
  const write = (line: string) => void lines.push(JSON.parse(line))
  await db.schema.createTable('notes').addColumn('text', 'text').execute()
  const app = async () => {
    await work()
    return new Response()
  }
  const handler = serve(app, { with: [metrics({ write }), db] })
  for (let n = 0; n < times; n++) {
    expect(await handler(event('/'), lambdaContext())).toMatchObject({ statusCode: 200 })
  }
  return lines
}

const ms = expect.any(Number)
const define = (line: Line | undefined) => line?._aws.CloudWatchMetrics[0].Metrics

test('opening and commits are measured, and reads are none', async () => {
  const db = open('plain')
  const lines = await linesOf(db, 2, async () => {
    await db.insertInto('notes').values({ text: 'a' }).execute()
    await db.atomic((tx) => tx.insertInto('notes').values({ text: 'b' }).execute())
    await db.atomic((tx) => tx.selectFrom('notes').selectAll().execute())
    await db.selectFrom('notes').selectAll().execute()
  })
  expect(lines[0]?.Restore).toEqual([ms])
  expect(lines[1]).toMatchObject({ Commit: [ms, ms], CommitTries: [1, 1] })
  expect(lines[1]).not.toHaveProperty('Conflict')
  expect(lines[1]).not.toHaveProperty('Restore')
  expect(define(lines[1])).toEqual([
    { Name: 'Duration', Unit: 'Milliseconds' },
    { Name: 'Commit', Unit: 'Milliseconds' },
    { Name: 'CommitTries', Unit: 'Count' },
    { Name: 'Faults', Unit: 'Count' },
    { Name: 'ColdStarts', Unit: 'Count' },
  ])
})

test('a commit that lost its race tells its tries, and the conflict is counted', async () => {
  const db = open('raced')
  const other = open('raced')
  const lines = await linesOf(db, 1, async () => {
    let tries = 0
    await other.selectFrom('notes').selectAll().execute()
    await db.atomic(async (tx) => {
      await tx.insertInto('notes').values({ text: 'late' }).execute()
      if (++tries === 1) await other.insertInto('notes').values({ text: 'first' }).execute()
    })
  })
  expect(lines[0]).toMatchObject({ Conflict: 1, Commit: expect.arrayContaining([ms]) })
  expect(lines[0]?.CommitTries).toEqual([1, 1, 2]) // of the table, of the other writer, of this one
  expect(define(lines[0])).toContainEqual({ Name: 'Conflict', Unit: 'Count' })
})

test('with one object for each request, that object is the commit', async () => {
  const db = open('gathered', 'invocation')
  const lines = await linesOf(db, 2, async () => {
    for (const text of ['a', 'b', 'c']) await db.insertInto('notes').values({ text }).execute()
  })
  expect(lines[1]).toMatchObject({ Commit: [ms], CommitTries: [1] })
})

test('behind the writes, the age of the oldest one is measured when it is persisted', async () => {
  const db = open('behind', 'write-behind')
  const lines = await linesOf(db, 4, () => db.insertInto('notes').values({ text: 'a' }).execute())
  expect(lines.some(({ PersistLag }) => PersistLag !== undefined)).toBe(true)
  for (const line of lines) {
    expect(line).not.toHaveProperty('Commit')
    if (line.PersistLag) expect(define(line)).toContainEqual({ Name: 'PersistLag', Unit: 'Milliseconds' })
  }
})
